/**
 * What the contract thread is doing, in memory it shares with its parent, which can read it while the
 * thread spins. Position and phase are one atomic word, so that they can never be read apart.
 */
export class Progress {
  static readonly BYTES = 16;
  readonly buffer: SharedArrayBuffer;
  readonly #position: BigInt64Array;
  readonly #beats: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(Progress.BYTES)) {
    this.buffer = buffer;
    this.#position = new BigInt64Array(buffer, 0, 1);
    this.#beats = new Int32Array(buffer, 8, 1);
  }

  /** The record at `position` (1 or more) is about to be checked, or, below 0, a publish that has this number. */
  checking(position: number): void {
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

  /** The thread's event loop turned. */
  beat(): void {
    Atomics.add(this.#beats, 0, 1);
  }

  /** How often it turned; 0 when the thread has not started yet. Wraps around. */
  beats(): number {
    return Atomics.load(this.#beats, 0);
  }
}
