/** Processes that tests start. Whatever still runs when the test process ends is killed, by its own id. */
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a process said is kept up to this many characters, the newest. */
const TAIL_CHARACTERS_MAX = 64 * 1024;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Each whole line of standard output; without it, output joins the tail. */
  onLine?: (line: string) => void;
  /** Who gets signals other than SIGKILL, once known. Default: the whole group. */
  recipient?: () => number | undefined;
}

const cleanups = new Set<() => void>();
let listening = false;

/** Runs `cleanup` when this process ends, the newest first. @returns a function that takes it back */
export function atExit(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  if (!listening) {
    listening = true;
    process.once('exit', () => [...cleanups].reverse().forEach((clean) => clean()));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  }
  return () => cleanups.delete(cleanup);
}

/** A process in a group of its own, so that a signal reaches what it runs under (strace, faketime) and itself. */
export class Child {
  readonly exit: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #note: string | undefined;
  readonly #recipient: () => number | undefined;
  #exited: Exit | undefined;
  #tail = '';

  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    const { cwd, env, onLine, recipient = () => undefined } = options;
    this.#recipient = recipient;
    this.#process = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#note = noteFile(this.#process.pid);
    const forget = atExit(() => {
      this.signal('SIGKILL');
      this.#forgetNote();
    });
    this.exit = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        this.#exited ??= exit;
        forget();
        this.#forgetNote();
        resolve(this.#exited);
      };
      this.#process.once('close', (code, signal) => ended({ code, signal }));
      this.#process.once('error', (error) => {
        this.#said(`${error.message}\n`);
        ended({ code: null, signal: null });
      });
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => this.#said(text));
    if (onLine) eachLine(this.#process.stdout!, onLine);
    else this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => this.#said(text));
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get exited(): Exit | undefined {
    return this.#exited;
  }

  /** The last of what it wrote to standard error (and output). */
  get tail(): string {
    return this.#tail;
  }

  /** Nothing happens when it has already ended. */
  signal(name: NodeJS.Signals): void {
    if (this.#exited || this.#process.pid === undefined) return;
    const one = name === 'SIGKILL' ? undefined : this.#recipient();
    try {
      process.kill(one ?? -this.#process.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Sends `name`, then SIGKILL to whatever has not ended after `graceMs`. */
  async stop(name: NodeJS.Signals = 'SIGTERM', graceMs = 20_000): Promise<Exit> {
    this.signal(name);
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const exit = await this.exit;
    clearTimeout(timer);
    return exit;
  }

  #forgetNote(): void {
    if (this.#note !== undefined) rmSync(this.#note, { force: true });
  }

  #said(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS_MAX);
  }
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!.slice(-TAIL_CHARACTERS_MAX);
    lines.forEach(onLine);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/** The runner ends what a killed test process left behind; it finds the ids here. */
function noteFile(pid: number | undefined): string | undefined {
  const directory = process.env['HOLDFAST_TEST_PIDS'];
  if (directory === undefined || pid === undefined) return undefined;
  const file = join(directory, String(pid));
  writeFileSync(file, '');
  return file;
}
