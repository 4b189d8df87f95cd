/**
 * Runs the tests: `npm test`, `npm test -- journal flows` (files whose path has one of the words), `npm run soak`.
 * Environment: HOLDFAST_SEED repeats a run's random choices; CI=true makes a missing tool a failure.
 */
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { RARE_TOOLS, TOOLS, type Tool } from './needs.js';
import { provision } from './provision.js';
import { seed } from './seed.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const COMPILED = fileURLToPath(new URL('../../', import.meta.url));

interface Group {
  name: string;
  files: string[];
  /** Files at once. */
  concurrency: number;
  /** Of one test. */
  timeoutMs: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const words = args.filter((arg) => arg !== '--soak');
  const groups = (args.includes('--soak') ? soakGroups : testGroups)()
    .map((group) => ({ ...group, files: group.files.filter((file) => wanted(file, words)) }))
    .filter(({ files }) => files.length > 0);
  if (groups.length === 0) {
    console.error(`no test has ${words.map((word) => `"${word}"`).join(' or ')} in its path`);
    return 2;
  }
  const tools = provision(toolsFor(groups), (line) => console.log(line));
  for (const tool of tools.missing) console.log(`without ${tool}: the tests that need it are skipped`);
  if (tools.missing.length > 0 && process.env['CI'] === 'true') {
    console.error(`CI needs ${tools.missing.join(', ')}`);
    return 1;
  }
  console.log(`HOLDFAST_SEED=${seed}`);
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-run-'));
  process.once('exit', () => clean(scratch));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  mkdirSync(join(scratch, 'pids'));
  Object.assign(process.env, {
    HOLDFAST_SEED: String(seed),
    HOLDFAST_TOOLS: tools.found.join(','),
    HOLDFAST_TEST_PIDS: join(scratch, 'pids'),
    TMPDIR: scratch,
  });
  let failed = false;
  for (const group of groups) failed = (await runGroup(group)) || failed;
  if (failed) console.log(`failed; to repeat the same random choices: HOLDFAST_SEED=${seed}`);
  return failed ? 1 : 0;
}

function toolsFor(groups: Group[]): Tool[] {
  const texts = groups.flatMap(({ files }) => files.map((file) => readFileSync(join(ROOT, file), 'utf8')));
  return TOOLS.filter((tool) => !RARE_TOOLS.includes(tool) || texts.some((text) => text.includes(`'${tool}'`)));
}

function testGroups(): Group[] {
  return [
    { name: 'specs', files: sources('{src,test,benchmarks}/**/*.spec.ts'), concurrency: 2, timeoutMs: 120_000 },
    // They start brokers and gateways and watch the clock: one at a time.
    { name: 'tests', files: sources('test/**/*.test.ts'), concurrency: 1, timeoutMs: 300_000 },
  ];
}

function soakGroups(): Group[] {
  return [{ name: 'soak', files: sources('test/**/*.soak.ts'), concurrency: 1, timeoutMs: 4 * 3_600_000 }];
}

/** Paths from the root. By source, because a compiled file may have outlived the one it came from. */
function sources(pattern: string): string[] {
  return globSync(pattern, { cwd: ROOT }).sort();
}

function wanted(file: string, words: string[]): boolean {
  return words.length === 0 || words.some((word) => file.split(sep).join('/').includes(word));
}

/** @returns whether something failed */
async function runGroup({ name, files, concurrency, timeoutMs }: Group): Promise<boolean> {
  console.log(`\n${name}: ${files.length} files`);
  const stop = new AbortController();
  const compiled = files.map((file) => join(COMPILED, file.replace(/\.ts$/, '.js')));
  const results = run({ files: compiled, concurrency, timeout: timeoutMs, signal: stop.signal });
  let failed = false;
  let movedAt = performance.now();
  results.on('test:fail', () => (failed = true));
  for (const event of ['test:dequeue', 'test:complete'] as const)
    results.on(event, () => (movedAt = performance.now()));
  // A test has its own limit; a file that ended its tests and left something open has only this one.
  const watchdog = setInterval(() => {
    if (performance.now() - movedAt < timeoutMs + 60_000) return;
    console.error('a test file has not ended although its tests have; the run stops here');
    failed = true;
    stop.abort();
  }, 5_000);
  const report = results.compose<NodeJS.ReadableStream>(new spec());
  for await (const text of report) process.stdout.write(text);
  clearInterval(watchdog);
  return failed;
}

/** Ends what killed test files left running, and removes what they left on disk. */
function clean(scratch: string): void {
  const pids = join(scratch, 'pids');
  for (const pid of readdirSync(pids)) {
    console.log(`process ${pid} was left behind by a test; it is ended`);
    try {
      process.kill(-Number(pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  if (process.platform === 'linux') {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    const left = mounts.map((line) => line.split(' ')[1]).filter((place) => place?.startsWith(scratch + sep));
    for (const place of left) spawnSync('umount', ['-l', place!], { stdio: 'ignore' });
  }
  rmSync(scratch, { recursive: true, force: true });
}
