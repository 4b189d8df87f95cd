import { FileWatch } from './file-watch.js';

/** Nothing may have changed for so long: whoever rewrites a file in place empties it first. */
const QUIET_MS = 1_000;

/** Tells when the files of the configuration have changed and nobody seems to write to them any more. */
export class ConfigWatch {
  #watch: FileWatch | undefined;
  #followed: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #changes = 0;
  #stopped = false;

  /** @param changed is also called when the files to follow are others, because nobody looked at those before */
  constructor(
    private readonly changed: () => void,
    private readonly everyMs?: number,
    private readonly quietMs = QUIET_MS,
  ) {}

  /** Follows these files, and no others. */
  follow(files: Iterable<string>): void {
    const wanted = [...new Set(files)].sort();
    if (this.#stopped || wanted.join('\n') === this.#followed.join('\n')) return;
    this.#followed = wanted;
    this.#watch?.stop();
    this.#watch = new FileWatch(wanted, () => this.#heard(), this.everyMs);
    this.#watch.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.stop();
    clearTimeout(this.#timer);
  }

  #heard(): void {
    this.#changes++;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#settled(), this.quietMs).unref();
  }

  async #settled(): Promise<void> {
    const before = this.#changes;
    await this.#watch?.look();
    if (before === this.#changes && !this.#stopped) this.changed();
  }
}
