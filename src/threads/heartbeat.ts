/**
 * Each thread leaves a beat in shared memory, so that any other can see how late it is, also while it is
 * stalled and answers nothing.
 */
export const THREADS = ['link', 'journal', 'contract', 'main'] as const;
export type ThreadName = (typeof THREADS)[number];

const BEAT_MS = 100;
/** The worst delay stays visible for one to two windows: a stall must not fall between two scrapes. */
const WINDOW_MS = 30_000;
/** Per thread: the last beat, the worst lateness in this window and in the one before. All in milliseconds. */
const CELLS = 3;

export class Heartbeats {
  readonly #cells: BigInt64Array;

  constructor(readonly buffer = new SharedArrayBuffer(THREADS.length * CELLS * 8)) {
    this.#cells = new BigInt64Array(buffer);
  }

  /** From now on the calling thread beats as `name`, until {@link clearInterval} of what is returned. */
  beatAs(name: ThreadName): NodeJS.Timeout {
    const cell = THREADS.indexOf(name) * CELLS;
    let windowEnds = monotonicMs() + WINDOW_MS;
    Atomics.store(this.#cells, cell, BigInt(monotonicMs()));
    const timer = setInterval(() => {
      const now = monotonicMs();
      const late = Math.max(0, now - this.#read(cell) - BEAT_MS);
      if (now > windowEnds) {
        windowEnds = now + WINDOW_MS;
        Atomics.store(this.#cells, cell + 2, BigInt(this.#read(cell + 1)));
        Atomics.store(this.#cells, cell + 1, 0n);
      }
      if (late > this.#read(cell + 1)) Atomics.store(this.#cells, cell + 1, BigInt(late));
      Atomics.store(this.#cells, cell, BigInt(now));
    }, BEAT_MS);
    return timer.unref();
  }

  /** How late the thread is now, in milliseconds; 0 before its first beat. */
  delayMs(name: ThreadName): number {
    const last = this.#read(THREADS.indexOf(name) * CELLS);
    return last === 0 ? 0 : Math.max(0, monotonicMs() - last - BEAT_MS);
  }

  /** The worst it was during the last half minute or so, in milliseconds. */
  worstDelayMs(name: ThreadName): number {
    const cell = THREADS.indexOf(name) * CELLS;
    return Math.max(this.delayMs(name), this.#read(cell + 1), this.#read(cell + 2));
  }

  #read(cell: number): number {
    return Number(Atomics.load(this.#cells, cell));
  }
}

/** The same clock in every thread; performance.now() counts from each thread's own start. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
