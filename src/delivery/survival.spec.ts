import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import type { AttemptContext, Outcome } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import {
  DEAD,
  FAILS,
  FakeJournal,
  GONE,
  OK,
  Run,
  ScriptedSender,
  later,
  seeded,
  settings,
  throttled,
  turns,
  until,
} from './journal.fixture.js';

const KILLS_MAX = 4;
const LOCKED_OUT: Outcome = { kind: 'retry', reason: 'status', status: 401, detail: '', opensBreaker: true };

interface Life {
  /** Of what happens: traffic, answers, kills. */
  seed: number;
  ordering: SubscriberSettings['ordering'];
  concurrency: number;
  batch: SubscriberSettings['batch'] | null;
  filtered: boolean;
  limited: boolean;
  /** Records do not live long. */
  ageing: boolean;
  /** Ranges are given again. */
  replaying: boolean;
  /** Now and then something throws that never does. */
  faulty: boolean;
}

const life = (ordering: SubscriberSettings['ordering']): fc.Arbitrary<Life> =>
  fc.record({
    seed: fc.nat(),
    ordering: fc.constant(ordering),
    concurrency: fc.integer({ min: 1, max: 8 }),
    batch: fc.option(
      fc.record({
        maxMessages: fc.integer({ min: 1, max: 40 }),
        maxWaitMs: fc.integer({ min: 0, max: 3 }),
        maxBytes: fc.integer({ min: 1, max: 1_000 }),
      }),
    ),
    filtered: fc.boolean(),
    limited: fc.boolean(),
    ageing: fc.boolean(),
    replaying: fc.boolean(),
    faulty: fc.boolean(),
  });

/** What must be true of each record, seen from outside. */
class Ward {
  readonly delivered = new Set<number>();
  readonly faults: string[] = [];
  readonly #first: Record[] = [];
  /** Dead letters once, also of a run that was killed before it was saved. */
  readonly #died = new Set<number>();
  #running = new Set<string>();

  constructor(
    private readonly journal: FakeJournal,
    private readonly one: SubscriberSettings,
    private readonly random: () => number,
  ) {}

  /** What was in flight in the run before is not heard of any more. */
  newRun(): void {
    this.#running = new Set();
  }

  /** A run that has ended: what it gave up as too old, also when it was killed before that was saved. */
  expired({ observer }: Run): void {
    for (const death of observer.deaths) {
      const [, position, , reason] = death.split(' ');
      if (reason === 'expired') this.#died.add(Number(position));
    }
  }

  wanted(): number[] {
    return this.journal.wanted(this.one).filter((position) => this.#selects(this.journal.records[position - 1]!));
  }

  async answer(outcome: Outcome, { attempt, replay }: AttemptContext, records: readonly Record[]): Promise<Outcome> {
    const running = this.#running;
    // What is given again keeps an order of its own.
    const unordered = this.one.ordering === 'none' || replay;
    const keys = new Set(unordered ? [] : records.map((record) => this.#keyOf(record)));
    for (const key of keys) if (running.has(key)) this.faults.push(`two attempts of ${key} at once`);
    keys.forEach((key) => running.add(key));
    const [first] = records as [Record];
    const last = outcome.kind === 'retry' && attempt > this.one.retry.scheduleMs.length;
    if (records.length === 1 && (outcome === DEAD || last)) this.#died.add(first.position);
    if (outcome === OK) records.forEach((record) => this.#deliver(record));
    const dice = this.random();
    if (dice < 0.5) await later(outcome);
    else if (dice < 0.52 && outcome !== GONE) await new Promise((resolve) => setTimeout(resolve, 20));
    keys.forEach((key) => running.delete(key));
    return outcome;
  }

  assertOrder(): void {
    const last = new Map<string, number>();
    for (const record of this.#first) {
      const key = this.#keyOf(record);
      const { position } = record;
      if (this.#died.has(position)) continue;
      assert.ok(position > (last.get(key) ?? 0), `${key} had ${last.get(key)} before ${position}`);
      last.set(key, position);
    }
  }

  #deliver(record: Record): void {
    if (!this.#selects(record)) this.faults.push(`${record.position} was not selected`);
    if (!this.delivered.has(record.position)) this.#first.push(record);
    this.delivered.add(record.position);
  }

  #selects(record: Record): boolean {
    return this.one.where === undefined || contentOf(record).x !== 1;
  }

  #keyOf(record: Record): string {
    const { id } = contentOf(record);
    return this.one.ordering === 'key' && id !== undefined ? `value ${id}` : record.topic;
  }
}

function contentOf({ payload }: Record): { id?: number; x?: number } {
  const text = Buffer.from(payload).toString();
  return text.startsWith('{') ? (JSON.parse(text) as { id?: number; x?: number }) : {};
}

/** Random traffic, answers, pauses and kills; the last run comes to rest, and everything is then looked at. */
async function survive(life: Life): Promise<void> {
  const { seed: from, ordering, concurrency, batch, filtered, limited, ageing, replaying, faulty } = life;
  const random = seeded(from);
  const upTo = (n: number): number => Math.floor(random() * n);
  const journal = new FakeJournal();
  const [topics, ids] = [1 + upTo(5), 1 + upTo(9)];
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const content =
        random() < 0.1 ? 'no json' : JSON.stringify({ id: random() < 0.1 ? undefined : upTo(ids), x: upTo(3) });
      const { position } = journal.add(`t/${upTo(topics)}`, Date.now(), content);
      if (random() < 0.03) journal.rejected.add(position);
    }
  };
  const one = settings('one', {
    ordering,
    concurrency,
    breaker: { failures: 4, openForMs: 2 },
    ...(ordering === 'key' && { key: '/id' }),
    ...(batch && { batch }),
    ...(filtered && { where: { kind: 'not', of: { kind: 'exact', attribute: '/x', value: '1' } } }),
    ...(limited && { rateLimit: { perSecond: 3_000 } }),
    ...(ageing && { retry: { scheduleMs: [1, 1, 2], maxAgeMs: 15 } }),
  });
  const ward = new Ward(journal, one, random);
  const passed: number[] = [];
  journal.slow = (): boolean => random() < 0.5;
  let calm = false;
  const answer = (_: Record, context: AttemptContext, records: readonly Record[]): Promise<Outcome> => {
    const dice = calm ? 0 : random();
    const outcome = [
      [0.7, OK],
      [0.88, FAILS],
      [0.92, throttled(1)],
      [0.96, DEAD],
      [0.98, LOCKED_OUT],
      [1, GONE],
    ].find(([share]) => dice < (share as number))![1] as Outcome;
    return ward.answer(outcome, context, records);
  };
  journal.onSettled = () => {
    const { cursor, waiting, dead } = journal.of('one');
    for (const position of ward.wanted()) {
      if (position > cursor) break;
      const safe = ward.delivered.has(position) || waiting.has(position) || dead.has(position);
      if (!safe) passed.push(position);
    }
  };
  const start = (admittedThrough?: number): Run => {
    const run = new Run(journal, [{ settings: one, sender: new ScriptedSender(answer) }], admittedThrough);
    run.observer.onTold = (): void => {
      if (faulty && !calm && random() < 0.003) throw new Error('a defect');
    };
    return run;
  };
  const replay = (run: Run): void => {
    const { cursor: through, replays } = journal.of('one');
    if (!replaying || through === 0) return;
    const first = 1 + upTo(through);
    const one = { number: replays.length + 1, subscriber: 'one', from: first, through, position: first - 1 };
    replays.push(one);
    run.delivery.replay(one);
  };
  for (let kills = upTo(KILLS_MAX + 1); kills > 0; kills--) {
    ward.newRun();
    const run = start(Math.max(0, journal.last - upTo(20)));
    for (let burst = 1 + upTo(4); burst > 0; burst--) {
      add(upTo(200));
      run.delivery.admitted(journal.last);
      if (random() < 0.2) run.delivery.pause('one');
      await turns(upTo(30));
      if (random() < 0.3) replay(run);
      if (random() < 0.8) run.delivery.resume('one');
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, upTo(30)));
    }
    run.kill();
    ward.expired(run);
  }
  add(100);
  ward.newRun();
  const run = start();
  replay(run);
  const saved = journal.of('one');
  await turns(upTo(60));
  calm = true;
  await turns(3); // What was in flight may still answer 410.
  run.delivery.resume('one');
  await until(() => saved.cursor === journal.last && saved.waiting.size === 0, 'catching up');
  await until(() => saved.replays.every(({ position, through }) => position === through), 'the end of the replays');
  assert.equal(run.status().lagRecords, 0, 'lag');
  await run.stop();
  ward.expired(run);
  assert.deepEqual(ward.faults, []);
  assert.deepEqual(passed, [], 'the cursor passed records that were not safe');
  for (const position of ward.wanted()) {
    assert.ok(ward.delivered.has(position) || saved.dead.has(position), `record ${position} is lost`);
  }
  if (ordering !== 'none') ward.assertOrder();
}

describe('survival: killed at any moment, with any answers', () => {
  for (const ordering of ['none', 'topic', 'key'] as const) {
    it(`ordering ${ordering}: no record is lost, no cursor passes one that is not safe, and order is kept`, async () => {
      await fc.assert(fc.asyncProperty(life(ordering), survive), { seed, numRuns: 30, endOnFailure: true });
    });
  }

  it('a restart gives nothing older of a topic after something newer, not even again', async () => {
    const journal = new FakeJournal();
    for (const topic of ['slow', 'a', 'a', 'a']) journal.add(topic);
    const never = new Promise<Outcome>(() => undefined);
    const one = settings('one', { ordering: 'topic', retry: { scheduleMs: [60_000], maxAgeMs: 3_600_000 } });
    // The second record is delivered, and the cursor cannot say so, because the first is in flight.
    const first = new Run(journal, [
      {
        settings: one,
        sender: new ScriptedSender(({ position }) => (position === 1 ? never : position === 2 ? OK : FAILS)),
      },
    ]);
    await until(() => journal.of('one').waiting.size === 2);
    first.kill();
    for (const row of journal.of('one').waiting.values()) row.dueAt = row.dueAt && 0;
    const sender = new ScriptedSender();
    const second = new Run(journal, [{ settings: one, sender }]);
    await until(() => journal.of('one').cursor === 4 && journal.of('one').waiting.size === 0);
    assert.deepEqual(
      sender.sent.filter((position) => position > 1),
      [3, 4],
    );
    await second.stop();
  });
});
