import assert from 'node:assert/strict';
import type { AttemptContext, Outcome, Sender } from '../domain/attempt.js';
import type { Clock } from '../domain/clock.js';
import type { DeadLetterQuery, ListedDeadLetter, TopicCount } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import type { Replay } from '../domain/replay.js';
import {
  SUBSCRIBER_DEFAULTS,
  type DeadLetter,
  type Discarded,
  type SavedWaiting,
  type Settlement,
  type SubscriberProgress,
  type SubscriberSettings,
} from '../domain/subscriber.js';
import type { Waiting } from '../domain/subscriber.js';
import { topicMatches } from '../domain/topic.js';
import type { DeliveryOptions, DeliveryTarget } from './delivery.js';
import { Delivery } from './delivery.js';
import type { DeliveryObserver, FailedAttempt, SubscriberStatus } from './observer.js';

/** What a subscriber has in the fake journal: what a restart finds. */
class Saved {
  cursor = 0;
  readonly waiting = new Map<number, Waiting>();
  readonly dead = new Map<number, DeadLetter>();
  readonly replays: Replay[] = [];
}

/** The journal's tables in memory. Settling can be told to fail, or to stay unanswered. */
export class FakeJournal {
  readonly records: Record[] = [];
  readonly rejected = new Set<number>();
  readonly damaged = new Set<number>();
  readonly saved = new Map<string, Saved>();
  mode: 'saves' | 'fails' | 'stalls' = 'saves';
  /** Whether the next save takes a turn of the event loop; a kill meanwhile undoes it. */
  slow: () => boolean = () => false;
  settles = 0;
  rowsRead = 0;
  /** Called after each save, with what was saved. */
  onSettled: (settlements: readonly Settlement[]) => void = () => undefined;

  get last(): number {
    return this.records.length;
  }

  /** @param content the payload's text, or how long it is */
  add(topic: string, receivedAt = Date.now(), content: string | number = 2): Record {
    const position = this.records.length + 1;
    const payload = typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
    const record = { position, id: `id-${position}`, topic, qos: 1 as const, retain: false, receivedAt, payload };
    this.records.push({ ...record, properties: null });
    return this.records.at(-1)!;
  }

  addMany(count: number, topicOf: (i: number) => string): void {
    for (let i = 0; i < count; i++) this.add(topicOf(i));
  }

  of(subscriber: string): Saved {
    let saved = this.saved.get(subscriber);
    if (!saved) this.saved.set(subscriber, (saved = new Saved()));
    return saved;
  }

  settle(settlements: readonly Settlement[]): Promise<void> {
    this.settles++;
    if (this.mode === 'stalls') return new Promise(() => undefined);
    if (this.mode === 'fails') return Promise.reject(new Error('disk full'));
    for (const { subscriber, cursor, waiting = [], released = [], dead = [], replays = [] } of settlements) {
      const saved = this.of(subscriber);
      for (const row of waiting) saved.waiting.set(row.position, row);
      for (const position of released) saved.waiting.delete(position);
      for (const letter of dead) saved.dead.set(letter.position, letter);
      for (const { number, position } of replays) {
        const replay = saved.replays.find((one) => one.number === number);
        if (replay) replay.position = Math.max(replay.position, position);
      }
      saved.cursor = Math.max(saved.cursor, cursor);
    }
    this.onSettled(settlements);
    return Promise.resolve();
  }

  admittedAfter(position: number, through: number, limit: number): Record[] {
    const found: Record[] = [];
    let rows = 0;
    for (let at = position + 1; at <= Math.min(through, this.last) && rows < limit; at++) {
      this.rowsRead++;
      if (this.rejected.has(at)) continue;
      rows++;
      if (!this.damaged.has(at)) found.push(this.records[at - 1]!);
    }
    return found;
  }

  recordsAt(positions: number[]): Record[] {
    return positions.filter((at) => at <= this.last && !this.damaged.has(at)).map((at) => this.records[at - 1]!);
  }

  topicCounts(position: number, through: number): TopicCount[] {
    const counts = new Map<string, TopicCount>();
    for (let at = position + 1; at <= Math.min(through, this.last); at++) {
      const { topic, payload } = this.records[at - 1]!;
      if (this.rejected.has(at)) continue;
      const { count, bytes } = counts.get(topic) ?? { count: 0, bytes: 0 };
      counts.set(topic, { topic, count: count + 1, bytes: bytes + payload.length });
    }
    return [...counts.values()];
  }

  waiting(subscriber: string): SavedWaiting[] {
    const rows = [...this.of(subscriber).waiting.values()].sort((a, b) => a.position - b.position);
    return rows.map((row) => {
      const { payload, receivedAt = 0 } = this.records[row.position - 1] ?? {};
      return { ...row, bytes: payload?.length ?? 0, receivedAt };
    });
  }

  deadLetters({ subscriber, after, limit }: DeadLetterQuery): ListedDeadLetter[] {
    const letters = [...this.of(subscriber!).dead.values()].sort((a, b) => a.position - b.position);
    const found = letters.filter(({ position }) => position > (after ?? 0)).slice(0, limit);
    return found.map((letter) => ({ ...letter, number: letter.position, id: '', topic: '' }));
  }

  progress(): SubscriberProgress[] {
    const hold = { paused: false, gone: '' };
    return [...this.saved].map(([id, { cursor }]) => ({ id, cursor, topics: [], hold, freshAt: 0 }));
  }

  replays(subscriber: string): Replay[] {
    return this.of(subscriber).replays.filter(({ position, through }) => position < through);
  }

  /** Positions the subscriber wants. */
  wanted({ topics }: Pick<SubscriberSettings, 'topics'>): number[] {
    return this.records
      .filter(({ position, topic }) => !this.rejected.has(position) && topics.some((one) => topicMatches(one, topic)))
      .map(({ position }) => position);
  }
}

/** @param records all that were sent with the first */
type Script = (record: Record, context: AttemptContext, records: readonly Record[]) => Outcome | Promise<Outcome>;

/** Answers as the script says, and remembers what it was sent. */
export class ScriptedSender implements Sender {
  readonly sent: number[] = [];
  readonly delivered: number[] = [];
  readonly attempts: number[] = [];
  inFlight = 0;
  inFlightMost = 0;
  closed = false;

  /** What was sent together, by position. */
  readonly batches: number[][] = [];

  constructor(public script: Script = () => OK) {}

  send(record: Record, context: AttemptContext): Promise<Outcome> {
    return this.#answer([record], context);
  }

  sendBatch(records: readonly Record[], context: AttemptContext): Promise<Outcome> {
    this.batches.push(records.map(({ position }) => position));
    return this.#answer(records, context);
  }

  async #answer(records: readonly Record[], context: AttemptContext): Promise<Outcome> {
    const positions = records.map(({ position }) => position);
    this.sent.push(...positions);
    this.attempts.push(context.attempt);
    this.inFlightMost = Math.max(this.inFlightMost, ++this.inFlight);
    try {
      const outcome = await this.script(records[0]!, context, records);
      if (outcome.kind === 'delivered') this.delivered.push(...positions);
      return outcome;
    } finally {
      this.inFlight--;
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

export const OK: Outcome = { kind: 'delivered' };
export const FAILS: Outcome = { kind: 'retry', reason: 'status', status: 500, detail: 'no', opensBreaker: false };
export const DEAD: Outcome = { kind: 'dead', reason: 'status', status: 400, detail: 'bad' };
export const GONE: Outcome = { kind: 'gone', status: 410, detail: '' };

export function throttled(retryAfterMs?: number): Outcome {
  return { kind: 'throttled', reason: 'refused', status: 0, detail: '', retryAfterMs };
}

/** Answers after a turn of the event loop, as sockets do. */
export function later(outcome: Outcome): Promise<Outcome> {
  return new Promise((resolve) => setImmediate(resolve, outcome));
}

export function settings(id: string, more: Partial<SubscriberSettings> = {}): SubscriberSettings {
  return {
    ...SUBSCRIBER_DEFAULTS,
    id,
    topics: ['#'],
    signing: { secrets: [] },
    concurrency: 4,
    timeoutMs: 1_000,
    retry: { scheduleMs: [1, 1, 2], maxAgeMs: 3_600_000 },
    breaker: { failures: 1_000_000, openForMs: 3 },
    ...more,
  };
}

/** Real time that can be moved. */
export class MovableClock implements Clock {
  wallOffsetMs = 0;
  now(): number {
    return Date.now() + this.wallOffsetMs;
  }
  monotonic(): number {
    return performance.now();
  }
}

/** Writes down what it is told. */
export class NotingObserver implements DeliveryObserver {
  readonly outcomes: string[] = [];
  readonly states: string[] = [];
  readonly failures: FailedAttempt[] = [];
  saveFailures = 0;
  recoveries = 0;
  readonly discards: Discarded[] = [];
  readonly deaths: string[] = [];
  /** Called when an attempt has ended, and for each record that was delivered. */
  onTold: () => void = () => undefined;
  attempt(_subscriber: string, outcome: string): void {
    this.onTold();
    this.outcomes.push(outcome);
  }
  delivered(): void {
    this.onTold();
  }
  state(subscriber: string, state: string, reason: string): void {
    this.states.push(`${subscriber} ${state} ${reason}`.trim());
  }
  failed(subscriber: string, failed: FailedAttempt): void {
    this.failures.push(failed);
    assert.ok(subscriber !== '');
  }
  recovered(): void {
    this.recoveries++;
  }
  discarded(discarded: Discarded): void {
    this.discards.push(discarded);
  }
  died({ subscriber, position, topic, reason }: DeadLetter & { topic: string }): void {
    this.deaths.push(`${subscriber} ${position} ${topic} ${reason}`);
  }
  readonly faults: string[] = [];
  fault(subscriber: string, error: unknown): void {
    this.faults.push(`${subscriber} ${String(error)}`);
  }
  saveFailed(): void {
    this.saveFailures++;
  }
}

/** One run of delivery over a journal that outlives it. */
export class Run {
  readonly observer = new NotingObserver();
  readonly clock = new MovableClock();
  readonly delivery: Delivery;
  #alive = true;

  constructor(
    readonly journal: FakeJournal,
    targets: readonly (Omit<DeliveryTarget, 'cursor'> & { cursor?: number })[],
    admittedThrough = journal.last,
    more: Partial<DeliveryOptions> = {},
  ) {
    const never = new Promise<never>(() => undefined);
    this.delivery = new Delivery({
      journal: {
        settle: async (settlements) => {
          if (journal.slow()) await turns(1);
          return this.#alive ? journal.settle(settlements) : never;
        },
      },
      reader: journal,
      observer: this.observer,
      clock: this.clock,
      random: () => 0,
      ...more,
    });
    const guarded = targets.map(({ settings: one, sender, cursor, hold, freshAt }) => ({
      settings: one,
      hold,
      freshAt,
      cursor: cursor ?? journal.of(one.id).cursor,
      sender: {
        send: (record: Record, context: AttemptContext): Promise<Outcome> =>
          this.#alive ? sender.send(record, context).then((outcome) => (this.#alive ? outcome : never)) : never,
        sendBatch: (records: readonly Record[], context: AttemptContext): Promise<Outcome> =>
          this.#alive ? sender.sendBatch!(records, context).then((one) => (this.#alive ? one : never)) : never,
        close: () => sender.close(),
      },
    }));
    this.delivery.start(guarded, admittedThrough);
  }

  status(id?: string): SubscriberStatus {
    const all = this.delivery.status();
    return id === undefined ? all[0]! : all.find((one) => one.id === id)!;
  }

  /** Nothing of this run reaches the journal or a subscriber any more. */
  kill(): void {
    this.#alive = false;
    void this.delivery.stop(0);
  }

  stop(): Promise<number> {
    return this.delivery.stop(1_000);
  }
}

const UNTIL_MS_MAX = 5_000;

/** Awaits a condition; fails after five seconds. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    assert.ok(performance.now() - start < UNTIL_MS_MAX, `${what} did not come about`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets the event loop turn, so that what would go wrong has the chance to. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A small seeded generator (mulberry32), so that a failing run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
