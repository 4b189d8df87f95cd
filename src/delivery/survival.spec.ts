import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AttemptContext, Outcome } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import {
  DEAD,
  FAILS,
  FakeJournal,
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

const SEEDS = 25;
const KILLS_MAX = 4;

/** Random traffic, answers and kills; the last run is let finish, and everything is then looked at. */
async function survive(seed: number, ordering: SubscriberSettings['ordering']): Promise<void> {
  const random = seeded(seed);
  const upTo = (n: number): number => Math.floor(random() * n);
  const journal = new FakeJournal();
  const topics = 1 + upTo(5);
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const { position } = journal.add(`t/${upTo(topics)}`);
      if (random() < 0.03) journal.rejected.add(position);
    }
  };
  const one = settings('one', { ordering, concurrency: 1 + upTo(8), breaker: { failures: 4, openForMs: 2 } });
  const deliveredFirst: Record[] = [];
  const delivered = new Set<number>();
  const diedOnce = new Set<number>();
  const passed: number[] = [];
  journal.slow = (): boolean => random() < 0.5;
  let calm = false;
  const answer = (record: Record, context: AttemptContext): Outcome | Promise<Outcome> => {
    const dice = calm ? 0 : random();
    const outcome = dice < 0.7 ? OK : dice < 0.9 ? FAILS : dice < 0.95 ? throttled(1) : DEAD;
    if (outcome === DEAD || (outcome === FAILS && context.attempt > one.retry.scheduleMs.length)) {
      diedOnce.add(record.position);
    }
    if (outcome === OK && !delivered.has(record.position)) {
      delivered.add(record.position);
      deliveredFirst.push(record);
    }
    return random() < 0.5 ? outcome : later(outcome);
  };
  journal.onSettled = () => {
    const { cursor, waiting, dead } = journal.of('one');
    for (const position of journal.wanted(one)) {
      if (position > cursor) break;
      const safe = delivered.has(position) || waiting.has(position) || dead.has(position);
      if (!safe) passed.push(position);
    }
  };
  for (let kills = upTo(KILLS_MAX + 1); kills > 0; kills--) {
    const run = new Run(
      journal,
      [{ settings: one, sender: new ScriptedSender(answer) }],
      Math.max(0, journal.last - upTo(20)),
    );
    for (let burst = 1 + upTo(4); burst > 0; burst--) {
      add(upTo(200));
      run.delivery.admitted(journal.last);
      await turns(upTo(30));
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, upTo(30)));
    }
    run.kill();
  }
  calm = true;
  add(20);
  const run = new Run(journal, [{ settings: one, sender: new ScriptedSender(answer) }]);
  const saved = journal.of('one');
  await until(() => saved.cursor === journal.last && saved.waiting.size === 0, `seed ${seed}: catching up`);
  assert.equal(run.status().lagRecords, 0, `seed ${seed}: lag`);
  await run.stop();
  assert.deepEqual(passed, [], `seed ${seed}: the cursor passed records that were not safe`);
  for (const position of journal.wanted(one)) {
    assert.ok(delivered.has(position) || saved.dead.has(position), `seed ${seed}: record ${position} is lost`);
  }
  if (ordering === 'topic')
    assertOrder(
      seed,
      deliveredFirst.filter(({ position }) => !diedOnce.has(position)),
    );
}

function assertOrder(seed: number, records: readonly Record[]): void {
  const last = new Map<string, number>();
  for (const { position, topic } of records) {
    assert.ok(position > (last.get(topic) ?? 0), `seed ${seed}: ${topic} had ${last.get(topic)} before ${position}`);
    last.set(topic, position);
  }
}

describe('survival: killed at any moment, with any answers', () => {
  for (const ordering of ['none', 'topic'] as const) {
    it(`ordering ${ordering}: no record is lost, and no cursor passes one that is not safe`, async () => {
      const first = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
      const seeds = process.env['SEED'] ? 1 : SEEDS;
      for (let seed = first; seed < first + seeds; seed++) await survive(seed, ordering);
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
