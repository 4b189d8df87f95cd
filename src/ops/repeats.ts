import type { Clock } from '../domain/clock.js';

/** One line of a kind is told at once, then at most one in so long. */
const QUIET_MS = 10_000;

/** Holds back lines that repeat, and counts them: a fleet of broken devices must not fill the log. */
export class Repeats {
  readonly #kinds = new Map<string, { toldAt: number; count: number }>();

  /** @param kind few different ones */
  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {}

  /** @returns how many there were since the last line of the kind, when it is time for one; else undefined */
  count(kind: string, times = 1): number | undefined {
    const now = this.clock.monotonic();
    const known = this.#kinds.get(kind) ?? { toldAt: -Infinity, count: 0 };
    this.#kinds.set(kind, known);
    known.count += times;
    if (now - known.toldAt < QUIET_MS) return undefined;
    const { count } = known;
    known.toldAt = now;
    known.count = 0;
    return count;
  }
}
