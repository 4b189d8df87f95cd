import type { FailureReason, Outcome } from '../domain/attempt.js';
import type { Clock } from '../domain/clock.js';
import type { Record } from '../domain/record.js';
import { Recent } from './recent.js';
import type { RejectedFacts, SubscriberFacts } from './facts.js';
import type { SubscriberActivity } from './shown/types.js';

export type AttemptOutcome = keyof SubscriberActivity['attempts'];
const OUTCOMES: readonly AttemptOutcome[] = ['delivered', 'retry', 'throttled', 'dead'];
/** Bounds what is kept of an answer, as with dead letters. */
const DETAIL_CHARACTERS_MAX = 2_048;
const TOO_MANY_REQUESTS = 429;

interface Known {
  attempts: { [outcome in AttemptOutcome]: Recent };
  lastDeliveredAt?: string;
  lastFailure?: NonNullable<SubscriberActivity['lastFailure']>;
  /** Attempts that failed since the last success, and since when; a receiver that asks for a pause (429) does not fail. */
  failing?: { since: string; times: number };
  deadSince?: string;
  /** Since when it is in its state. */
  since?: string;
}

/** What became of attempts and records of late, by subscriber and by contract. Everything is cheap: it is told on the delivery path. */
export class Activities {
  readonly #subscribers = new Map<string, Known>();
  readonly #rejected = new Map<string, { recent: Recent; reason: string; since: string }>();
  readonly #counts = { delivered: 0, retried: 0, throttled: 0, dead: 0, rejected: 0 };

  constructor(private readonly clock: Clock) {}

  /** Since the start, of all. */
  get counts(): Readonly<{ [name in 'delivered' | 'retried' | 'throttled' | 'dead' | 'rejected']: number }> {
    return this.#counts;
  }

  attempt(subscriber: string, outcome: AttemptOutcome): void {
    const known = this.#of(subscriber);
    if (outcome === 'dead' && known.attempts.dead.count === 0) known.deadSince = this.#now;
    known.attempts[outcome].add();
    this.#counts[outcome === 'retry' ? 'retried' : outcome]++;
    if (outcome === 'delivered') known.lastDeliveredAt = this.#now;
  }

  /** What an attempt of this record came to; of a batch the first. */
  answered(subscriber: string, { position, id }: Pick<Record, 'position' | 'id'>, outcome: Outcome): void {
    const known = this.#of(subscriber);
    if (outcome.kind === 'delivered') return void delete known.failing;
    const { status, detail } = outcome;
    if (status !== TOO_MANY_REQUESTS) {
      const { since, times } = known.failing ?? { since: this.#now, times: 0 };
      known.failing = { since, times: times + 1 };
    }
    const reason: FailureReason = outcome.kind === 'gone' ? 'status' : outcome.reason;
    const failure = { at: this.#now, position, id, reason, status, detail: detail.slice(0, DETAIL_CHARACTERS_MAX) };
    known.lastFailure = failure;
  }

  state(subscriber: string): void {
    this.#of(subscriber).since = this.#now;
  }

  rejected(contract: string, reason: string, times: number): void {
    const known = this.#rejected.get(contract) ?? { recent: new Recent(this.clock), reason, since: this.#now };
    if (known.recent.count === 0) known.since = this.#now; // after five minutes without it is another trouble
    known.recent.add(times);
    known.reason = reason;
    this.#rejected.set(contract, known);
    this.#counts.rejected += times;
  }

  /** Contracts that records have failed in the last five minutes, each with the last reason. */
  get recentlyRejected(): RejectedFacts[] {
    const all = [...this.#rejected].map(([contract, { recent, reason, since }]) => ({
      contract,
      reason,
      since,
      count: recent.count,
    }));
    return all.filter(({ count }) => count > 0);
  }

  /** What is known of a subscriber, as far as something may be wrong with it. */
  facts(
    subscriber: string,
  ): Omit<SubscriberFacts, 'id' | 'state' | 'reason' | 'lagRecords' | 'lagSeconds' | 'deadLetters'> {
    const { since, failing, lastFailure, deadSince, attempts } = this.#of(subscriber);
    return {
      ...(since === undefined ? {} : { since }),
      ...(failing ? { failing } : {}),
      ...(lastFailure ? { lastFailure } : {}),
      ...(deadSince === undefined ? {} : { deadSince }),
      ...{ delivered: attempts.delivered.count, dead: attempts.dead.count },
    };
  }

  /** @param subscribers ids of all there are; others are forgotten */
  items(subscribers: readonly string[], deadLetters: { [subscriber: string]: number }): SubscriberActivity[] {
    const there = new Set(subscribers);
    for (const id of this.#subscribers.keys()) if (!there.has(id)) this.#subscribers.delete(id);
    return subscribers.map((id) => {
      const { attempts, lastDeliveredAt, lastFailure } = this.#of(id);
      const counted = OUTCOMES.map((outcome) => [outcome, attempts[outcome].count] as const);
      return {
        id,
        attempts: Object.fromEntries(counted) as SubscriberActivity['attempts'],
        ...(lastDeliveredAt === undefined ? {} : { lastDeliveredAt }),
        ...(lastFailure ? { lastFailure } : {}),
        deadLetters: deadLetters[id] ?? 0,
      };
    });
  }

  get #now(): string {
    return new Date(this.clock.now()).toISOString();
  }

  #of(subscriber: string): Known {
    let known = this.#subscribers.get(subscriber);
    if (!known) {
      const attempts = OUTCOMES.map((outcome) => [outcome, new Recent(this.clock)] as const);
      known = { attempts: Object.fromEntries(attempts) as Known['attempts'] };
      this.#subscribers.set(subscriber, known);
    }
    return known;
  }
}
