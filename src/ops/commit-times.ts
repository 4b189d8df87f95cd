/** How long the last commits took: as many as a busy minute has. */
const KEPT = 4_096;

export interface CommitSeconds {
  p50: number;
  p99: number;
  max: number;
}

/** Told of every commit; asked for those of the last so many milliseconds. */
export class CommitTimes {
  readonly #seconds = new Float64Array(KEPT);
  readonly #at = new Float64Array(KEPT).fill(-Infinity);
  #next = 0;

  constructor(private readonly clock: { monotonic(): number }) {}

  observe(seconds: number): void {
    this.#seconds[this.#next] = seconds;
    this.#at[this.#next] = this.clock.monotonic();
    this.#next = (this.#next + 1) % KEPT;
  }

  /** All 0: there were none. */
  within(ms: number): CommitSeconds {
    const since = this.clock.monotonic() - ms;
    const some = this.#seconds.filter((_, i) => this.#at[i]! >= since).sort();
    const rank = (share: number): number => some[Math.max(0, Math.ceil(some.length * share) - 1)] ?? 0;
    return { p50: rank(0.5), p99: rank(0.99), max: rank(1) };
  }
}
