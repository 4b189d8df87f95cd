/**
 * What the contract thread is doing, in memory it shares with its parent, which can read it while the
 * thread spins. Position and phase are one atomic word, so that they can never be read apart.
 */
export class Progress {
  static readonly BYTES = 16;
  readonly buffer: SharedArrayBuffer;
  readonly #position: BigInt64Array;
  readonly #beats: Int32Array;
  readonly #budget: Int32Array;
  /** What the thread wrote last; a store for every record would be felt. */
  #budgetMs = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(Progress.BYTES)) {
    this.buffer = buffer;
    this.#position = new BigInt64Array(buffer, 0, 1);
    this.#beats = new Int32Array(buffer, 8, 1);
    this.#budget = new Int32Array(buffer, 12, 1);
  }

  /**
   * The record at `position` (1 or more) is about to be checked, or, below 0, a publish that has this number.
   * @param budgetMs milliseconds it may take; 0: as long as usual
   */
  checking(position: number, budgetMs = 0): void {
    if (budgetMs !== this.#budgetMs) {
      Atomics.store(this.#budget, 0, budgetMs);
      this.#budgetMs = budgetMs;
    }
    Atomics.store(this.#position, 0, BigInt(position));
  }

  /** No contract code runs. */
  idle(): void {
    Atomics.store(this.#position, 0, 0n);
  }

  /** What is being checked, as {@link checking} said; 0 when idle. */
  position(): number {
    return Number(Atomics.load(this.#position, 0));
  }

  /** What the record being checked may take, in milliseconds, if its position is still the same afterwards; 0: as usual. */
  budgetMs(): number {
    return Atomics.load(this.#budget, 0);
  }

  /** The thread's event loop turned. */
  beat(): void {
    Atomics.add(this.#beats, 0, 1);
  }

  /** How often it turned; 0 when the thread has not started yet. Wraps around. */
  beats(): number {
    return Atomics.load(this.#beats, 0);
  }
}
