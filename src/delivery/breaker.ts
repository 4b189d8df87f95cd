import { addedJitter, type Random } from '../domain/backoff.js';
import type { SubscriberSettings } from '../domain/subscriber.js';

const THROTTLE_MS_MIN = 100;

/**
 * Decides whether a subscriber may be sent anything at all. Closed: everything may go. Open: nothing may, until an
 * instant. Then one probe goes; its answer closes or opens again. A throttled answer opens it too, for shorter,
 * and only many of them in a row count as broken. Instants are monotonic milliseconds, given by the caller.
 *
 * Attempts carry the epoch in which they began: what was in flight when the breaker opened says nothing new.
 */
export class Breaker {
  #phase: 'closed' | 'open' | 'probing' = 'closed';
  #openUntil = 0;
  #failures = 0;
  #throttles = 0;
  #broken = false;
  #stuckSince = Infinity;
  #epoch = 0;

  constructor(
    private readonly settings: SubscriberSettings['breaker'],
    private readonly random: Random,
  ) {}

  /** True from the moment it opened because of failures until a probe succeeds. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Since when it lets nothing but probes through, not counting what was answered meanwhile; Infinity while it is closed. */
  get stuckSince(): number {
    return this.#stuckSince;
  }

  get probing(): boolean {
    return this.#phase === 'probing';
  }

  /** When a probe may go; 0 when nothing is held back. */
  get openUntil(): number {
    return this.#phase === 'open' ? this.#openUntil : 0;
  }

  allows(now: number): boolean {
    return this.#phase === 'closed' || (this.#phase === 'open' && now >= this.#openUntil);
  }

  /** An attempt begins. @returns the epoch to hand back with its answer */
  begin(): number {
    if (this.#phase === 'open') this.#phase = 'probing';
    return this.#epoch;
  }

  /** Forgets what was, because an operator asked; answers still to come say nothing. */
  reset(): void {
    this.#close();
    this.#failures = 0;
    this.#throttles = 0;
    this.#broken = false;
    this.#epoch++;
  }

  succeeded(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#close();
    this.#failures = 0;
    this.#throttles = 0;
    this.#broken = false;
  }

  failed(epoch: number, opens: boolean, now: number): void {
    if (epoch !== this.#epoch) return;
    this.#failures++;
    this.#throttles = 0;
    if (!this.#broken && !opens && this.#failures < this.settings.failures) {
      this.#close();
      return;
    }
    this.#broken = true;
    this.#open(now + addedJitter(this.settings.openForMs, this.random), now);
  }

  /**
   * For 100 ms, doubled each time, at most `openForMs`; and for no less than was asked for.
   * @param retryAfterMs what the subscriber asked for
   */
  throttled(epoch: number, retryAfterMs: number | undefined, now: number): void {
    if (epoch !== this.#epoch) {
      if (this.#phase === 'open' && retryAfterMs !== undefined) {
        this.#openUntil = Math.max(this.#openUntil, now + retryAfterMs);
      }
      return;
    }
    this.#throttles++;
    if (this.#throttles >= this.settings.failures) this.#broken = true;
    const growing = Math.min(this.settings.openForMs, THROTTLE_MS_MIN * 2 ** Math.min(this.#throttles - 1, 30));
    this.#open(now + addedJitter(Math.max(retryAfterMs ?? 0, growing), this.random), now);
  }

  #close(): void {
    this.#phase = 'closed';
    this.#stuckSince = Infinity;
  }

  #open(until: number, now: number): void {
    this.#phase = 'open';
    this.#stuckSince = Math.min(this.#stuckSince, now);
    this.#openUntil = until;
    this.#epoch++;
  }
}
