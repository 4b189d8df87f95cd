/** What the instructions of one stage make, in a folder that stands for the root of its file system. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, posix } from 'node:path';
import { ROOT } from '../tidy/tree.js';
import { filledIn, type Instruction, type Stage } from './dockerfile.js';

/** Its result is taken over from the checkout. */
export const BUILD = 'npm run build';
const RUN_MS_MAX = 120_000;
/** An absolute path as a word of its own, or after `=`; where a link leads stays as it is. */
const PATH = /(?<!ln -s)(^|[\s=])\/(?=[a-z])(?!dev\/null)/g;
const OUTSIDE = /(?<![\w.*}-])\/(?!dev\/null)\S*|\.\.|~\S*/;
const NPM_OWN = /^npm_config_(registry|cache|userconfig|globalconfig|proxy|https_proxy|cafile|strict_ssl)$/i;

/** One stage, instruction by instruction. */
export class StageBuild {
  #workdir = '/';
  readonly #env: { [name: string]: string } = {};

  constructor(
    readonly root: string,
    readonly roots: ReadonlyMap<string, string>,
    readonly context: readonly string[],
  ) {}

  run(stage: Stage): void {
    for (const instruction of stage.instructions) {
      try {
        this.#step(instruction);
      } catch (error) {
        throw new Error(`Dockerfile:${instruction.line}: ${instruction.keyword} ${instruction.text}`, { cause: error });
      }
    }
  }

  #step(instruction: Instruction): void {
    const { keyword, args, properties } = instruction;
    if (keyword === 'WORKDIR') {
      this.#workdir = posix.resolve(this.#workdir, args[0]!);
      mkdirSync(join(this.root, this.#workdir), { recursive: true });
    } else if (keyword === 'ENV') Object.assign(this.#env, properties);
    else if (keyword === 'ARG') for (const [name, value] of Object.entries(properties)) this.#env[name] ??= value ?? '';
    else if (keyword === 'COPY') this.#copy(instruction);
    else if (keyword === 'RUN') this.#execute(instruction);
    else if (keyword === 'ADD') throw new Error('ADD is not known here');
  }

  /** Files under their own names into `to` when it ends in `/`, else as `to`; of folders, what they hold. */
  #copy({ flags, args }: Instruction): void {
    const sources = args.slice(0, -1).map((arg) => filledIn(arg, this.#env));
    const to = filledIn(args.at(-1)!, this.#env);
    const target = join(this.root, posix.resolve(this.#workdir, to));
    const stage = flags['from'];
    const from = stage === undefined ? ROOT : this.roots.get(stage);
    if (from === undefined) throw new Error(`there is no stage ${stage}`);
    for (const source of sources) {
      const path = posix.join(source).replace(/^\/|\/$/g, '');
      const wanted = (file: string): boolean => stage !== undefined || this.#allowed(file.slice(ROOT.length));
      if (stage === undefined && !this.#allowed(path)) throw new Error(`${path} is not in the context`);
      const folder = statSync(join(from, path)).isDirectory();
      const place = !folder && (to.endsWith('/') || to === '.') ? join(target, posix.basename(path)) : target;
      mkdirSync(dirname(place), { recursive: true });
      if (stage !== undefined && !existsSync(place) && linked(join(from, path), place)) continue;
      cpSync(join(from, path), place, { recursive: true, verbatimSymlinks: true, filter: wanted });
    }
  }

  #allowed(path: string): boolean {
    return this.context.some((file) => file === path || file.startsWith(`${path}/`));
  }

  #execute({ text, flags }: Instruction): void {
    const directory = join(this.root, this.#workdir);
    if (/^npm ci\b(?!.*--omit=dev)/.test(text)) {
      return symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    }
    if (text === BUILD) return cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true });
    const inside = text.replace(PATH, `$1${this.root}/`);
    const outside = inside
      .replaceAll(`${this.root}/`, '')
      .replace(/ln -s \S+/g, '')
      .match(OUTSIDE);
    // It would be done to this machine.
    if (outside) throw new Error(`cannot tell which path is meant at ${outside[0]}`);
    // Where the image has a cache, this machine's own is used.
    const cache = /type=cache,target=([^,]+)/.exec(flags['mount'] ?? '')?.[1];
    const env = surroundings(this.root);
    for (const [name, value] of Object.entries(this.#env)) {
      if (value !== cache) env[name] = value.replace(PATH, `$1${this.root}/`);
    }
    const { status, stderr, error } = spawnSync('/bin/sh', ['-ec', inside], {
      cwd: directory,
      env,
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
    });
    if (status !== 0) throw error ?? new Error(stderr);
  }
}

/** This Node first; npm with the registry and the cache it is configured with, and nothing else of the run that runs this. */
function surroundings(root: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => NPM_OWN.test(name) || !/^(npm_|NODE_(OPTIONS|TEST))/.test(name),
  );
  const path = [dirname(process.execPath), process.env['PATH']];
  if (process.getuid?.() !== 0) path.unshift(withoutOwners(root));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), npm_config_prefer_offline: 'true' };
}

/** Another stage's files are never written to again: links to them are copies, and made at once. */
function linked(from: string, to: string): boolean {
  return spawnSync('cp', ['-al', from, to], { stdio: 'ignore' }).status === 0;
}

/** Only root may give files away. */
function withoutOwners(root: string): string {
  const folder = join(dirname(root), 'without-owners');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'chown'), '#!/bin/sh\n');
  chmodSync(join(folder, 'chown'), 0o755);
  return folder;
}
