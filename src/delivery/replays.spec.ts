import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AttemptContext, Outcome } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import type { Replay } from '../domain/replay.js';
import type { SubscriberSettings, Waiting } from '../domain/subscriber.js';
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
  turns,
  until,
} from './journal.fixture.js';
import { REPLAY_ROWS_MAX } from './waiting.js';

const ONE = settings('one');

function replay(number: number, from: number, through: number, topics?: string[]): Replay {
  return { number, subscriber: 'one', from, through, position: from - 1, ...(topics ? { topics } : {}) };
}

/** What was sent as given again, in order, and what was not. */
class Seen {
  readonly replayed: number[] = [];
  readonly fresh: number[] = [];
  readonly sender: ScriptedSender;

  constructor(script: (record: Record, context: AttemptContext) => Outcome | Promise<Outcome> = () => OK) {
    this.sender = new ScriptedSender((record, context) => {
      (context.replay ? this.replayed : this.fresh).push(record.position);
      return script(record, context);
    });
  }
}

/** A journal of which `one` had everything. */
function given(count: number, topicOf = (i: number): string => `t/${i % 3}`): FakeJournal {
  const journal = new FakeJournal();
  journal.addMany(count, topicOf);
  journal.of('one').cursor = count;
  return journal;
}

function start(journal: FakeJournal, run: Run, one: Replay): void {
  journal.of('one').replays.push({ ...one });
  run.delivery.replay(one);
}

async function through(journal: FakeJournal): Promise<void> {
  await until(() => journal.replays('one').length === 0, 'the end of the replays');
}

describe('a range that is given again', () => {
  it('is given whole and in order, marked, and new records go on beside it', async () => {
    const journal = given(3_000);
    const seen = new Seen(() => later(OK));
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 1 }), sender: seen.sender }]);
    start(journal, run, replay(1, 101, 2_000));
    await until(() => seen.replayed.length > 10);
    journal.addMany(100, () => 't/0');
    run.delivery.admitted(journal.last);
    await until(() => seen.fresh.length === 100, 'what is new');
    assert.ok(seen.replayed.length < 1_900, 'new records do not wait for the end of a replay');
    await through(journal);
    assert.deepEqual(seen.replayed, range(101, 2_000));
    assert.deepEqual(seen.fresh, range(3_001, 3_100));
    assert.deepEqual(run.status().replays, []);
    await run.stop();
  });

  it('is what matches the subscriber’s topics and its own, without rejections, in one of several after the other', async () => {
    const journal = given(30);
    journal.rejected.add(4);
    const seen = new Seen();
    const run = new Run(journal, [{ settings: settings('one', { topics: ['t/0', 't/1'] }), sender: seen.sender }]);
    start(journal, run, replay(1, 1, 9, ['t/0', 't/2']));
    start(journal, run, replay(2, 1, 9));
    await through(journal);
    assert.deepEqual(seen.replayed, [1, 7, 1, 2, 5, 7, 8]);
    await run.stop();
  });

  it('killed in the middle, however often: the whole range is given, and no row is left', async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = seeded(seed);
      const ordering = seed % 2 ? 'topic' : 'none';
      const journal = given(600);
      journal.slow = () => random() < 0.5;
      journal.of('one').replays.push(replay(1, 11, 600));
      const delivered = new Set<number>();
      const order = new Map<string, number>();
      const outOfOrder: number[] = [];
      let calm = false;
      const script = ({ position, topic }: Record): Outcome | Promise<Outcome> => {
        const outcome = calm || random() < 0.8 ? OK : FAILS;
        if (outcome === OK && !delivered.has(position)) {
          delivered.add(position);
          if (position < (order.get(topic) ?? 0)) outOfOrder.push(position);
          order.set(topic, position);
        }
        return random() < 0.5 ? outcome : later(outcome);
      };
      const retry = { scheduleMs: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], maxAgeMs: 3_600_000 };
      const one: SubscriberSettings = settings('one', { ordering, retry });
      for (let kills = 0; kills < 3; kills++) {
        const run = new Run(journal, [{ settings: one, sender: new Seen(script).sender }]);
        await turns(Math.floor(random() * 60));
        await new Promise((resolve) => setTimeout(resolve, random() * 30));
        run.kill();
      }
      calm = true;
      const seen = new Seen(script);
      const run = new Run(journal, [{ settings: one, sender: seen.sender }]);
      await through(journal);
      await until(() => journal.of('one').waiting.size === 0, `the rows of seed ${seed}`);
      const dead = [...journal.of('one').dead.keys()];
      const lost = range(11, 600).filter((position) => !delivered.has(position) && !dead.includes(position));
      assert.deepEqual(lost, [], `seed ${seed}`);
      if (ordering === 'topic' && dead.length === 0) assert.deepEqual(outOfOrder, [], `seed ${seed}`);
      assert.equal(seen.fresh.length, 0, 'nothing of it was taken for new');
      await run.stop();
    }
  });

  it('what fails in it waits, is retried as given again, and dies like anything else, by an age of its own', async () => {
    const journal = given(3);
    for (const record of journal.records) record.receivedAt = 0; // older than any maxAge
    const seen = new Seen(({ position }) => (position === 2 ? FAILS : OK));
    const run = new Run(journal, [{ settings: ONE, sender: seen.sender }]);
    start(journal, run, replay(1, 1, 3));
    await until(() => journal.of('one').dead.size === 1);
    await through(journal);
    assert.equal(journal.of('one').dead.get(2)!.attempts, ONE.retry.scheduleMs.length + 1);
    assert.equal(journal.of('one').dead.get(2)!.reason, 'status');
    assert.deepEqual(seen.fresh, []);
    await run.stop();
  });

  it('what waits for a retry already is left to it', async () => {
    const journal = given(3);
    const row: Waiting = {
      subscriber: 'one',
      position: 2,
      key: '',
      attempts: 1,
      dueAt: Date.now() + 60_000,
      reason: 'x',
    };
    journal.of('one').waiting.set(2, row);
    const seen = new Seen();
    const one = settings('one', { retry: { scheduleMs: [60_000], maxAgeMs: 3_600_000 } });
    const run = new Run(journal, [{ settings: one, sender: seen.sender }]);
    start(journal, run, replay(1, 1, 3));
    await through(journal);
    assert.deepEqual(seen.replayed, [1, 3]);
    assert.deepEqual(journal.of('one').waiting.get(2), row);
    await run.stop();
  });

  it('that only fails takes half of the rows, stops there, and what is new still gets through', async () => {
    const journal = given(REPLAY_ROWS_MAX + 3_000);
    const seen = new Seen((_, { replay: again }) => (again ? FAILS : OK));
    const retry = { scheduleMs: [3_600_000], maxAgeMs: 7_200_000 };
    const run = new Run(journal, [{ settings: settings('one', { retry, concurrency: 64 }), sender: seen.sender }]);
    start(journal, run, replay(1, 1, journal.last));
    await until(() => run.status().waiting >= REPLAY_ROWS_MAX);
    await turns(50);
    assert.equal(run.status().waiting, REPLAY_ROWS_MAX);
    journal.addMany(10, () => 't/0');
    run.delivery.admitted(journal.last);
    await until(() => seen.fresh.length === 10);
    await run.stop();
  });

  it('that is ended stops at once, and what of it is in flight is not tried again', async () => {
    const journal = given(100);
    let answer: (outcome: Outcome) => void = () => undefined;
    const seen = new Seen(() => new Promise((resolve) => (answer = resolve)));
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 1 }), sender: seen.sender }]);
    start(journal, run, replay(1, 1, 100));
    await until(() => seen.replayed.length === 1);
    assert.deepEqual(run.status().replays, [{ from: 1, through: 100, position: 0 }]);
    run.delivery.endReplays('one');
    assert.deepEqual(run.status().replays, []);
    answer(FAILS);
    await turns(20);
    assert.deepEqual([seen.replayed, journal.of('one').waiting.size], [[1], 0]);
    assert.throws(() => run.delivery.endReplays('nobody'), { code: 'NOT_FOUND' });
    await run.stop();
  });
});

describe('dead letters that wait again', () => {
  const row = (position: number): Waiting & { bytes: number } => ({
    ...{ subscriber: 'one', position, key: '', attempts: 0, dueAt: 0, reason: '', replayedAt: Date.now(), bytes: 2 },
  });

  it('are tried at once, marked, and settled; the same once more changes nothing', async () => {
    const journal = given(5);
    const seen = new Seen();
    const run = new Run(journal, [{ settings: ONE, sender: seen.sender }]);
    for (const position of [2, 4]) journal.of('one').waiting.set(position, row(position));
    run.delivery.pause('one');
    run.delivery.revived([row(2), row(4)]);
    run.delivery.revived([row(2)]);
    run.delivery.resume('one');
    await until(() => journal.of('one').waiting.size === 0);
    assert.deepEqual([seen.replayed, seen.fresh], [[2, 4], []]);
    await run.stop();
  });

  it('a restart gives them, marked as they were', async () => {
    const journal = given(5);
    journal.of('one').waiting.set(3, row(3));
    const seen = new Seen();
    const run = new Run(journal, [{ settings: ONE, sender: seen.sender }]);
    await until(() => journal.of('one').waiting.size === 0);
    assert.deepEqual([seen.replayed, seen.fresh], [[3], []]);
    await run.stop();
  });

  it('that die again are dead letters again', async () => {
    const journal = given(5);
    const run = new Run(journal, [{ settings: ONE, sender: new Seen(() => DEAD).sender }]);
    run.delivery.revived([row(3)]);
    await until(() => journal.of('one').dead.has(3));
    await run.stop();
  });

  it('how a subscriber regards a record, and how many it may have waiting', async () => {
    const journal = given(5);
    const one = settings('one', { topics: ['t/1'], ordering: 'topic', maxBacklog: { records: 3 } });
    const run = new Run(journal, [{ settings: one, sender: new Seen().sender }]);
    assert.deepEqual(run.delivery.regards('one', journal.records[1]!), { wanted: true, key: '#again:t/1' });
    assert.equal(run.delivery.regards('one', journal.records[0]!)!.wanted, false);
    assert.equal(run.delivery.regards('nobody', journal.records[0]!), undefined);
    assert.deepEqual([run.delivery.roomForReplay('one'), run.delivery.roomForReplay('nobody')], [3, 0]);
    await run.delivery.settled('one');
    await assert.rejects(run.delivery.settled('nobody'), { code: 'NOT_FOUND' });
    await run.stop();
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
