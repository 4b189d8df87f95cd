import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atExit } from '../test/support/children.js';

/** A module of this folder in a process of its own; what it tells is read one message after the other. */
export class Forked {
  readonly #process: ChildProcess;
  readonly #messages: unknown[] = [];
  readonly #forget: () => void;
  #heard: (() => void) | undefined;
  #exited = false;

  constructor(
    private readonly name: 'bare' | 'bare-publish' | 'callers' | 'receiver',
    args: string[] = [],
  ) {
    // A session of its own, as the gateway's: the kernel shares the processors out among sessions.
    this.#process = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), args, { detached: true });
    this.#forget = atExit(() => this.#process.kill('SIGKILL'));
    this.#process.on('message', (message) => {
      this.#messages.push(message);
      this.#heard?.();
    });
    this.#process.on('exit', () => {
      this.#exited = true;
      this.#heard?.();
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  tell(message: object): void {
    this.#process.send(message);
  }

  /** The next message. Rejects when the process ends instead, or after `timeoutMs`. */
  async next<T>(timeoutMs = 30_000): Promise<T> {
    if (this.#messages.length === 0 && !this.#exited) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#heard = undefined;
    }
    if (this.#messages.length > 0) return this.#messages.shift() as T;
    throw new Error(`${this.name} ${this.#exited ? 'has ended' : `said nothing for ${timeoutMs} ms`}`);
  }

  async stop(): Promise<void> {
    if (!this.#exited) {
      const exit = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGKILL');
      await exit;
    }
    this.#forget();
  }
}
