/** Against the rounding of instants. */
const ALMOST = 1e-6;

/** A token bucket: each attempt, or request, takes a token, and so many come back each second. Instants are monotonic milliseconds. */
export class RateLimit {
  readonly #burst: number;
  #tokens: number;

  /** @param perSecond more than 0; a bucket holds one second's worth, and at least one */
  constructor(
    private readonly perSecond: number,
    private filledAt: number,
  ) {
    this.#burst = Math.max(1, perSecond);
    this.#tokens = this.#burst;
  }

  allows(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= 1 - ALMOST;
  }

  /** An attempt begins, which {@link allows} was asked for. */
  take(): void {
    this.#tokens -= 1;
  }

  /** When an attempt may begin: `now` when one may at once. */
  nextAt(now: number): number {
    this.#fill(now);
    return now + (Math.max(0, 1 - this.#tokens) / this.perSecond) * 1_000;
  }

  #fill(now: number): void {
    if (now <= this.filledAt) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.filledAt) / 1_000) * this.perSecond);
    this.filledAt = now;
  }
}
