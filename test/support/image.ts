/**
 * The image without a Docker engine: what the instructions of the Dockerfile make, in a folder instead of a file system.
 * COPY copies what the instruction says and .dockerignore lets through; RUN runs, with its absolute paths inside the
 * folder. Only what CI has done already is taken over: the packages of the build (`npm ci`) and `npm run build`.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../tidy/tree.js';
import { dockerContext } from './docker-context.js';
import { parseDockerfile, type Dockerfile, type Instruction, type Stage } from './dockerfile.js';
import { BUILD, StageBuild } from './stage-build.js';

const CACHE = join(ROOT, '.cache', 'image');
/** Folders of the base image that instructions rely on. */
const BASE_FOLDERS = ['usr/local/bin', 'usr/local/lib', 'usr/share', 'opt', 'etc', 'tmp', 'root'];
const CACHED_MS_MAX = 24 * 3_600_000;

export interface Image {
  /** The image's root: what it holds at `/holdfast/dist` is at `<directory>/holdfast/dist`. Not to be written to. */
  directory: string;
  workdir: string;
  entrypoint: string[];
  cmd: string[];
  /** Of HEALTHCHECK; empty when there is none. */
  healthcheck: string[];
  env: { [name: string]: string };
  user: number;
  group: number;
  volumes: string[];
}

/**
 * The last stage of the Dockerfile; each stage is built once for the same content. `dist` must be there: `npm run build`.
 * Its files are root's when root runs the tests, else the caller's own.
 */
export async function imageRoot(): Promise<Image> {
  const dockerfile = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
  const context = dockerContext(ROOT);
  const roots = new Map<string, string>();
  for (const stage of dockerfile.stages) {
    const root = join(CACHE, keyOf(stage, roots, context));
    if (!existsSync(root)) build(stage, root, roots, context);
    roots.set(stage.name, root);
  }
  return { directory: roots.get(dockerfile.stages.at(-1)!.name)!, ...configOf(dockerfile) };
}

function configOf({ stages }: Dockerfile): Omit<Image, 'directory'> {
  const { instructions } = stages.at(-1)!;
  const all = (keyword: string): Instruction[] => instructions.filter((one) => one.keyword === keyword);
  const last = (keyword: string): string[] => all(keyword).at(-1)?.args ?? [];
  const [user, group] = (last('USER')[0] ?? '0:0').split(':').map(Number);
  return {
    workdir: last('WORKDIR')[0] ?? '/',
    entrypoint: last('ENTRYPOINT'),
    cmd: last('CMD'),
    healthcheck: last('HEALTHCHECK'),
    env: Object.assign({}, ...all('ENV').map((one) => one.properties)) as Image['env'],
    user: user!,
    group: group!,
    volumes: all('VOLUME').flatMap((one) => one.args),
  };
}

function build(stage: Stage, root: string, roots: ReadonlyMap<string, string>, context: string[]): void {
  // As in an engine, whatever it is here.
  const umask = process.umask(0o022);
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    const old = join(CACHE, name);
    if (Date.now() - statSync(old).mtimeMs > CACHED_MS_MAX) rmSync(old, { recursive: true, force: true });
  }
  const place = mkdtempSync(join(CACHE, 'building-'));
  try {
    chmodSync(place, 0o755);
    for (const folder of BASE_FOLDERS) mkdirSync(join(place, folder), { recursive: true });
    new StageBuild(place, roots, context).run(stage);
    renameSync(place, root);
  } catch (error) {
    // Whoever is second finds it there; both have made the same.
    if (!existsSync(root)) throw error;
  } finally {
    process.umask(umask);
    rmSync(place, { recursive: true, force: true });
  }
}

/** What a stage is made of: its instructions, the files it copies, the stages it copies from, and what is taken over. */
function keyOf({ instructions }: Stage, roots: ReadonlyMap<string, string>, context: string[]): string {
  const hash = createHash('sha256').update(`${process.version} ${process.getuid?.() ?? ''}`);
  for (const { keyword, text, flags, args } of instructions) {
    hash.update(`\n${keyword} ${text} ${JSON.stringify(flags)} ${roots.get(flags['from'] ?? '') ?? ''}`);
    const copied = keyword === 'COPY' && flags['from'] === undefined ? args.slice(0, -1) : [];
    const files = context.filter((file) => copied.some((from) => file === from || file.startsWith(`${from}/`)));
    for (const file of text === BUILD ? filesBelow('dist') : files) {
      hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .sort();
}
