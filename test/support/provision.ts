/** Finds, or installs where nobody has to be asked, the programs that some tests need. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, TOOLS, type Tool } from './needs.js';

const INSTALL_TIMEOUT_MS = 180_000;
const TRY_TIMEOUT_MS = 20_000;

type Program = Exclude<Tool, 'tmpfs'>;

/** How each shows that it works here: strace, for one, is often forbidden inside containers. */
const TRIALS: { [program in Program]: string[] } = {
  mosquitto: ['-h'],
  openssl: ['version'],
  strace: ['-f', '-o', '/dev/null', 'true'],
  faketime: ['-f', '+1d', 'date'],
};
const PACKAGES: { [program in Program]: { apt?: string; brew?: string } } = {
  mosquitto: { apt: 'mosquitto', brew: 'mosquitto' },
  openssl: { apt: 'openssl', brew: 'openssl' },
  strace: { apt: 'strace' },
  faketime: { apt: 'faketime', brew: 'libfaketime' },
};

export interface Provision {
  found: Tool[];
  missing: Tool[];
}

/** @param say told what is being done, a line at a time */
export function provision(say: (line: string) => void): Provision {
  const programs = Object.keys(TRIALS) as Program[];
  const absent = programs.filter((program) => !works(program));
  if (absent.length > 0) install(absent, say);
  const found = TOOLS.filter((tool) => (tool === 'tmpfs' ? mounts() : works(tool)));
  return { found, missing: TOOLS.filter((tool) => !found.includes(tool)) };
}

function works(program: Program): boolean {
  const file = findProgram(program);
  if (file === undefined) return false;
  const { status, error } = spawnSync(file, TRIALS[program], { stdio: 'ignore', timeout: TRY_TIMEOUT_MS });
  // Mosquitto's help does not exit with 0; that it ran is enough.
  return error === undefined && (status === 0 || (program === 'mosquitto' && status !== null));
}

function install(programs: Program[], say: (line: string) => void): void {
  if (findProgram('apt-get') !== undefined) {
    const names = programs.flatMap((program) => PACKAGES[program].apt ?? []);
    const root = asRoot();
    if (!root || names.length === 0) return;
    say(`installing ${names.join(', ')} with apt-get`);
    const apt = (...args: string[]): boolean => succeeds([...root, 'env', 'DEBIAN_FRONTEND=noninteractive', ...args]);
    const wanted = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...names];
    if (apt(...wanted)) return;
    if (!apt('apt-get', 'update', '-q') || !apt(...wanted)) say('apt-get could not install them');
  } else if (findProgram('brew') !== undefined) {
    const names = programs.flatMap((program) => PACKAGES[program].brew ?? []);
    if (names.length === 0) return;
    say(`installing ${names.join(', ')} with brew`);
    if (!succeeds(['brew', 'install', '--quiet', ...names])) say('brew could not install them');
  }
}

/** What to put before a command that needs root; undefined when that would ask for a password. */
function asRoot(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return findProgram('sudo') !== undefined && succeeds(['sudo', '-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function mounts(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  if (!succeeds(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory])) return false;
  return succeeds(['umount', directory]);
}

function succeeds([command, ...args]: string[]): boolean {
  const { status } = spawnSync(command!, args, { stdio: 'ignore', timeout: INSTALL_TIMEOUT_MS });
  return status === 0;
}
