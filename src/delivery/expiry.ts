import type { DeadLetter, SubscriberSettings } from '../domain/subscriber.js';
import type { Breaker } from './breaker.js';
import type { Intake, Shared } from './intake.js';
import type { Replays } from './replays.js';
import type { Row } from './waiting.js';
import { ageFrom, Task } from './window.js';

/** Records looked after in one turn of the event loop. */
const STEP_RECORDS = 256;
/** Looked at again so often, because the wall clock may have jumped meanwhile. */
const LOOK_MS_MAX = 60_000;
/** As above, while nobody can be told. */
const UNTOLD_MS = 20;

export interface ExpiryParts {
  settings: Pick<SubscriberSettings, 'retry' | 'breaker'>;
  intake: Intake;
  replays: Replays;
  breaker: Breaker;
  shared: Pick<Shared, 'clock' | 'reader' | 'mayTell'>;
  /** The subscriber's last failure, in words. */
  trouble: () => string;
}

/**
 * Bounds how long records wait for a subscriber that takes nothing. While it is throttled or its breaker is open,
 * those older than `retry.maxAge` become dead letters without an attempt, the oldest first. Not before it was so for
 * `breaker.openFor`, because what is old may be on its way to a subscriber that is back and stumbled once.
 *
 * Records are in the order of their times, so the oldest one says when there is something to do. Instants of `now` are
 * monotonic, those of `wall` and `since` are wall clock; all in milliseconds.
 */
export class Expiry {
  /** No record is older than this: the subscriber came then, or was woken. */
  freshAt = 0;
  #lookAt = 0;

  constructor(private readonly parts: ExpiryParts) {}

  /** When the age of a record began. */
  since(task: Task): number {
    return Math.max(this.freshAt, task.row?.since ?? ageFrom(task));
  }

  /** When there may be something to do; Infinity while the subscriber is sent to. */
  get dueAt(): number {
    const { settings, breaker } = this.parts;
    const grace = Math.min(settings.breaker.openForMs, settings.retry.maxAgeMs);
    return Math.max(breaker.stuckSince + grace, this.#lookAt);
  }

  /** An attempt failed: its records wait again. */
  lookAgain(): void {
    this.#lookAt = 0;
  }

  /** One bounded step. */
  step(now: number): void {
    const { clock, mayTell } = this.parts.shared;
    if (!mayTell()) {
      this.#lookAt = now + UNTOLD_MS;
      return;
    }
    const wall = clock.now();
    const { maxAgeMs } = this.parts.settings.retry;
    const tried = this.#expireTried(wall, wall - maxAgeMs);
    const head = this.#expireNew(wall, wall - maxAgeMs, STEP_RECORDS - tried.count);
    const oldest = Math.max(this.freshAt, Math.min(tried.oldest, head));
    const inMs = oldest === Infinity ? maxAgeMs : oldest + maxAgeMs + 1 - wall;
    this.#lookAt = now + Math.min(Math.max(inMs, 0), LOOK_MS_MAX);
  }

  /** Those that wait in rows, or for the subscriber to be sent to again. @returns the age of the oldest left, and how many died */
  #expireTried(wall: number, limit: number): { count: number; oldest: number } {
    const { intake, replays } = this.parts;
    const again = replays.source?.intake;
    const idle: { one: Row | Task; of: Intake; since: number }[] = [
      ...intake.waiting.idle().map((one) => ({ one, of: intake, since: Math.max(one.since, this.freshAt) })),
      ...intake.window.idle().map((one) => ({ one, of: intake, since: this.since(one) })),
      ...(again?.window.idle() ?? []).map((one) => ({ one, of: again!, since: this.since(one) })),
    ];
    let oldest = Infinity;
    for (const { since } of idle) oldest = Math.min(oldest, since);
    if (oldest >= limit) return { count: 0, oldest };
    const old = idle.filter(({ since }) => since < limit).sort((a, b) => a.one.position - b.one.position);
    for (const { one, of } of old.slice(0, STEP_RECORDS)) this.#expire(of, one, wall);
    return { count: Math.min(old.length, STEP_RECORDS), oldest };
  }

  #expire(intake: Intake, one: Row | Task, wall: number): void {
    const record = one instanceof Task ? one.record : this.parts.shared.reader.recordsAt([one.position])[0];
    const letter = this.#letter(wall, one instanceof Task ? 0 : one.attempts);
    if (!record)
      intake.giveUp(one); // Damaged: the reader has reported it, and there is nothing left to deliver.
    else intake.died(one instanceof Task ? one : new Task(record, one.key, one), letter);
  }

  /**
   * Those that were never taken, once no older one is on its way: after a crash, only so many dead letters are looked up
   * that are beyond the cursor. @returns the age of the next
   */
  #expireNew(wall: number, limit: number, count: number): number {
    const { intake } = this.parts;
    const { feed } = intake;
    if (intake.window.unfinished > 0) return Infinity;
    for (let left = count; feed.next; left--) {
      const since = this.since(feed.next);
      if (since >= limit || left === 0) return since;
      intake.diesUntried(this.#letter(wall, 0));
    }
    return feed.isHungry ? 0 : Infinity; // It is about to read on.
  }

  #letter(wall: number, attempts: number): Omit<DeadLetter, 'subscriber' | 'position'> {
    const detail = `it waited for longer than retry.maxAge; the subscriber's last failure: ${this.parts.trouble()}`;
    return { reason: 'expired', status: 0, detail, attempts, at: wall };
  }
}
