import { stat } from 'node:fs/promises';

const EVERY_MS = 2_000;
/** File systems count time in steps of some milliseconds: two changes within one look alike. */
const SETTLED_MS = 100;

/**
 * Tells when one of a few files has changed. It asks for their state again and again: what the system tells of
 * changes by itself gets lost with network file systems, and when Kubernetes swaps the link to a mounted secret.
 */
export class FileWatch {
  /** Nothing is known at first, so that a change before the first look is not missed. */
  #seen: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  /** @param changed is also called by the first look, which has nothing to compare with */
  constructor(
    private readonly files: readonly string[],
    private readonly changed: () => void,
    private readonly everyMs = EVERY_MS,
  ) {}

  start(): void {
    if (this.files.length === 0) return;
    this.#timer = setInterval(() => void this.look(), this.everyMs).unref();
    void this.look();
  }

  /** Resolves when the files have been looked at and, if they changed, that was told. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const states: string[] = [];
    // One after the other: a disk that hangs must not take every thread that the process has for its files.
    for (const file of this.files) states.push(await stateOf(file));
    const seen = states.join('\n');
    if (seen === this.#seen || this.#stopped || this.files.length === 0) return;
    this.#seen = seen;
    this.changed();
  }
}

/**
 * Of the file behind all links. Which file it is counts too, because a new one may be as old and as large. One that
 * has just changed is told apart from the same one later, so that what changed a moment after it was read is seen.
 */
async function stateOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    const settled = Date.now() - Number(ctimeNs / 1_000_000n) > SETTLED_MS;
    return [dev, ino, size, mtimeNs, ctimeNs, settled].join();
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
