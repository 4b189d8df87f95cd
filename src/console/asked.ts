import type { Clock } from '../domain/clock.js';
import { within } from '../domain/within.js';
import type { Seen } from './shown/types.js';

/** No answer of a thread that works takes so long; one that stands still is not waited for. */
const WAIT_MS_MAX = 500;
/** What was said so shortly ago is not asked for again, however many look. */
const FRESH_MS = 500;

/** What another thread says of itself: the last of it, while it says nothing. */
export class Asked<T extends object> {
  #last: Seen<T> | undefined;
  #at = -Infinity;
  #asking: Promise<void> | undefined;

  /** @param ask undefined: there is nothing to say yet */
  constructor(
    private readonly ask: () => Promise<T | undefined>,
    private readonly clock: Clock,
  ) {}

  /** Undefined: it has said nothing yet. Never waits for long, and never rejects. */
  async now(): Promise<Seen<T> | undefined> {
    if (this.#age < FRESH_MS) return this.#last;
    this.#asking ??= this.#renew();
    await within(WAIT_MS_MAX, this.#asking);
    return this.#last;
  }

  /** Milliseconds since the last was said. */
  get #age(): number {
    return this.clock.monotonic() - this.#at;
  }

  async #renew(): Promise<void> {
    try {
      const said = await this.ask();
      if (!said) return;
      this.#last = { ...said, asOf: new Date(this.clock.now()).toISOString() };
      this.#at = this.clock.monotonic();
    } catch {
      // It has ended, and the gateway with it: what it said last is what there is.
    } finally {
      this.#asking = undefined;
    }
  }
}
