import type { FailureReason, Outcome } from '../domain/attempt.js';
import type { Random } from '../domain/backoff.js';
import type { Hold, SubscriberSettings } from '../domain/subscriber.js';
import { Breaker } from './breaker.js';
import type { DeliveryObserver, SubscriberState } from './observer.js';

/** No `Retry-After` holds a subscriber for longer. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/** Whether a subscriber may be sent anything, and why not; tells the observer when that changes. */
export class Condition {
  readonly breaker: Breaker;
  #paused = false;
  #gone = '';
  /** The last failure in words; what is told and what is shown. */
  #trouble = '';
  /** An attempt has failed, and none succeeded since. */
  #failing = false;
  #state: SubscriberState = 'active';

  constructor(
    private readonly settings: Pick<SubscriberSettings, 'id' | 'breaker'>,
    private readonly observer: DeliveryObserver,
    random: Random,
  ) {
    this.breaker = new Breaker(settings.breaker, random);
  }

  get hold(): Hold {
    return { paused: this.#paused, gone: this.#gone };
  }

  /** As a run before left it; nobody is told, because nothing changes. */
  restore({ paused, gone }: Hold): void {
    this.#paused = paused;
    this.#gone = gone;
    this.#state = paused ? 'paused' : gone ? 'gone' : 'active';
  }

  get state(): SubscriberState {
    return this.#state;
  }

  /** '' when active. */
  get reason(): string {
    if (this.#state === 'active') return '';
    if (this.#state === 'paused') return 'paused by an operator';
    return this.#state === 'gone' ? this.#gone : this.#trouble;
  }

  /** The last failure, in words; '' when there was none. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Whether only an operator can change that nothing is sent. */
  get held(): boolean {
    return this.#paused || this.#gone !== '';
  }

  pause(): void {
    this.#paused = true;
    this.#refresh();
  }

  /** The gateway itself failed it: it is probed like one that fails. @param now monotonic */
  faulted(why: string, now: number): void {
    this.#suspect(why, now);
    this.#refresh();
  }

  /** As {@link faulted} left another one in its place; nobody is told. */
  restoreFaulted(why: string, now: number): void {
    this.#suspect(why, now);
    this.#state = this.#stateNow;
  }

  resume(): void {
    this.#paused = false;
    this.#gone = '';
    this.breaker.reset();
    this.#refresh();
  }

  /**
   * @param epoch as the breaker gave it when the attempt began @param now monotonic
   * @param ofSeveral a batch with more than one record was tried: that it failed may be the fault of one, and one bad
   *   record must not open the breaker while it is searched for
   */
  answered(outcome: Outcome, epoch: number, now: number, ofSeveral: boolean): void {
    switch (outcome.kind) {
      case 'delivered':
        this.#succeeded(epoch);
        return;
      case 'dead': // The subscriber is well: it is the record it cannot take.
        this.breaker.succeeded(epoch);
        break;
      case 'retry':
        this.#fails(outcome);
        if (outcome.opensBreaker || !ofSeveral) this.breaker.failed(epoch, outcome.opensBreaker, now);
        break;
      case 'throttled':
        this.#fails(outcome);
        this.breaker.throttled(epoch, cappedMs(outcome.retryAfterMs), now);
        break;
      case 'gone':
        this.#fails({ reason: 'status', status: outcome.status });
        this.#gone = this.#trouble;
        this.breaker.reset();
        break;
    }
    this.#refresh();
  }

  #succeeded(epoch: number): void {
    this.breaker.succeeded(epoch);
    if (this.breaker.broken) return;
    if (this.#failing) this.observer.recovered(this.settings.id);
    this.#failing = false;
    this.#refresh();
  }

  #fails({ reason, status }: { reason: FailureReason; status: number }): void {
    this.#trouble = status === 0 ? reason : `${reason} ${status}`;
    this.#failing = true;
  }

  #suspect(why: string, now: number): void {
    this.#trouble = why;
    this.breaker.failed(this.breaker.begin(), true, now);
  }

  get #stateNow(): SubscriberState {
    return this.#paused ? 'paused' : this.#gone ? 'gone' : this.breaker.broken ? 'broken' : 'active';
  }

  #refresh(): void {
    const state = this.#stateNow;
    if (state === this.#state) return;
    this.#state = state;
    this.observer.state(this.settings.id, state, this.reason);
  }
}

function cappedMs(retryAfterMs: number | undefined): number | undefined {
  return retryAfterMs === undefined ? undefined : Math.min(Math.max(retryAfterMs, 0), RETRY_AFTER_MS_MAX);
}
