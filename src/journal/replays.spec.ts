import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REPLAYS_PER_SUBSCRIBER_MAX, type RevivedLetter } from '../domain/replay.js';
import type { DeadLetter } from '../domain/subscriber.js';
import { packMessages } from '../domain/message.js';
import { messages, until } from './journal.suite.js';
import { directory, open, type OpenSqlite } from './sqlite.fixture.js';

const ALL = { range: { low: 1, high: 1_000 }, order: 'asc', rows: 1_000 } as const;
const RETAINED = { retentionMs: 365 * 86_400_000 };

/** `app` was given ten records, of which some are dead letters. */
async function given(
  dead: number[],
  settings: Parameters<typeof open>[1] = RETAINED,
): Promise<OpenSqlite & { place: string }> {
  const place = directory();
  const opened = await open(place, settings);
  await opened.journal.registerSubscribers([{ id: 'app', topics: ['#'], startFrom: 'earliest' }]);
  await opened.journal.append(packMessages(messages(0, 10)));
  await opened.journal.admit(10, []);
  const letter: DeadLetter = {
    subscriber: 'app',
    position: 0,
    reason: 'status',
    status: 400,
    detail: 'no',
    attempts: 1,
    at: 5,
  };
  const letters = dead.map((position) => ({ ...letter, position, at: Date.now() }));
  await opened.journal.settle([{ subscriber: 'app', cursor: 10, waiting: [], released: [], dead: letters }]);
  return { ...opened, place };
}

function revived(opened: OpenSqlite): RevivedLetter[] {
  const { found } = opened.reader.listDeadLetters(ALL, {});
  return found.map(({ number, subscriber, position }) => ({ number, subscriber, position, key: '' }));
}

describe('dead letters that are given again', () => {
  it('a kill afterwards: each waits, due at once, and is no dead letter any more', async () => {
    const first = await given([2, 7]);
    const numbers = await first.journal.reviveDeadLetters(revived(first), 1_234);
    assert.equal(numbers.length, 2);
    assert.deepEqual((await first.journal.stats()).deadLetters, { app: 0 });
    first.kill();
    const second = await open(first.place, RETAINED);
    const row = { subscriber: 'app', key: '', attempts: 0, dueAt: 1_234, reason: '', replayedAt: 1_234, bytes: 7 };
    assert.deepEqual(second.reader.waiting('app'), [
      { ...row, position: 2, receivedAt: second.reader.recordsAt([2])[0]!.receivedAt },
      { ...row, position: 7, receivedAt: second.reader.recordsAt([7])[0]!.receivedAt },
    ]);
    assert.deepEqual(second.reader.listDeadLetters(ALL, {}).found, []);
    second.kill();
  });

  it('one that is none any more, or was another’s, is left alone', async () => {
    const opened = await given([2]);
    const [letter] = revived(opened) as [RevivedLetter];
    assert.deepEqual(await opened.journal.reviveDeadLetters([{ ...letter, subscriber: 'other' }], 1), []);
    assert.deepEqual(await opened.journal.reviveDeadLetters([letter, letter], 1), [letter.number]);
    assert.equal(opened.reader.waiting('app').length, 1);
    opened.kill();
  });

  it('one that fails again is one dead letter, counted once', async () => {
    const opened = await given([2, 3]);
    const dead: DeadLetter = {
      subscriber: 'app',
      position: 2,
      reason: 'x',
      status: 0,
      detail: '',
      attempts: 9,
      at: Date.now(),
    };
    await opened.journal.settle([{ subscriber: 'app', cursor: 10, waiting: [], released: [2], dead: [dead] }]);
    assert.deepEqual((await opened.journal.stats()).deadLetters, { app: 2 });
    assert.equal(await opened.journal.deleteDeadLetters([1, 2, 99]), 2);
    assert.deepEqual((await opened.journal.stats()).deadLetters, { app: 0 });
    opened.kill();
  });
});

describe('rejections', () => {
  async function rejecting(): Promise<OpenSqlite & { place: string }> {
    const opened = await given([]);
    await opened.journal.append(packMessages(messages(10, 3)));
    const rejection = { contract: 'c', reason: 'schema' as const, problems: [] };
    await opened.journal.admit(
      13,
      [11, 12].map((position) => ({ position, ...rejection })),
    );
    return opened;
  }

  it('come in again under a new position and the old id, in one step: a kill finds the one or the other', async () => {
    const first = await rejecting();
    const [before] = first.reader.recordsAt([11]);
    assert.deepEqual(await first.journal.reenter([11, 13, 99]), [11]);
    first.kill();
    const second = await open(first.place, RETAINED);
    assert.deepEqual(second.reader.recordsAt([11]), []);
    const [again] = second.reader.recordsAt([14]);
    assert.deepEqual(again, { ...before!, position: 14 });
    assert.deepEqual(
      second.reader.listRejections(ALL, {}).found.map(({ position }) => position),
      [12],
    );
    assert.equal((await second.journal.stats()).records, 13);
    assert.equal((await second.journal.stats()).last, 14);
    second.kill();
  });

  it('one that comes in again is told to admission, and says how often it did when it fails again', async () => {
    const opened = await rejecting();
    await opened.journal.reenter([11]);
    assert.equal(opened.events.filter(({ event }) => event === 'committed').at(-1)!.value, 14);
    const rejection = { contract: 'c', reason: 'schema' as const, problems: [] };
    await opened.journal.admit(14, [{ position: 14, ...rejection }]);
    await opened.journal.reenter([14]);
    await opened.journal.admit(15, [{ position: 15, ...rejection }]);
    const found = opened.reader.listRejections(ALL, {}).found.map(({ position, replays }) => [position, replays]);
    assert.deepEqual(found, [
      [12, 0],
      [15, 2],
    ]);
    opened.kill();
  });

  it('one that is deleted takes its record along: whoever is behind must not take it for admitted', async () => {
    const opened = await rejecting();
    assert.equal(await opened.journal.deleteRejections([11, 12, 13]), 2);
    assert.deepEqual(
      opened.reader.admittedAfter(10, 20, 10).map(({ position }) => position),
      [13],
    );
    assert.equal((await opened.journal.stats()).records, 11);
    opened.kill();
  });

  it('one that is too old goes with its record, before anybody who is behind reads it', async () => {
    const opened = await open(directory(), { ...RETAINED, failedRetentionMs: 1 });
    await opened.journal.registerSubscribers([{ id: 'behind', topics: ['#'], startFrom: 'earliest' }]);
    await opened.journal.append(packMessages(messages(0, 3)));
    await opened.journal.admit(3, [{ position: 2, contract: 'c', reason: 'schema', problems: [] }]);
    await until(() => opened.reader.listRejections(ALL, {}).found.length === 0);
    assert.deepEqual(
      opened.reader.admittedAfter(0, 3, 10).map(({ position }) => position),
      [1, 3],
    );
    assert.equal((await opened.journal.stats()).records, 2);
    opened.kill();
  });
});

describe('a range that is given again', () => {
  it('outlives a kill with its place, and is gone when it has come through', async () => {
    const first = await given([]);
    const { replay, gap } = await first.journal.startReplay({
      subscriber: 'app',
      topics: ['a/#'],
      from: 3,
      through: 99,
    });
    const kept = { number: replay.number, subscriber: 'app', topics: ['a/#'], from: 3, through: 10 };
    assert.deepEqual([replay, gap], [{ ...kept, position: 2 }, undefined]);
    const settlement = { subscriber: 'app', cursor: 10, waiting: [], released: [], dead: [] };
    await first.journal.settle([{ ...settlement, replays: [{ number: replay.number, position: 6 }] }]);
    first.kill();
    const second = await open(first.place, RETAINED);
    assert.deepEqual(second.reader.replays('app'), [{ ...kept, position: 6 }]);
    await second.journal.settle([{ ...settlement, replays: [{ number: replay.number, position: 10 }] }]);
    assert.deepEqual(second.reader.replays('app'), []);
    second.kill();
  });

  it('retention stops before what is still to be read of it, and goes on afterwards', async () => {
    const opened = await given([], { retentionMs: 3_600_000 });
    const { replay } = await opened.journal.startReplay({ subscriber: 'app', from: 4, through: 10 });
    // The records are from 2023: all of them are old, and only the replay holds them.
    await until(async () => (await opened.journal.stats()).records === 7);
    await opened.journal.settle([
      {
        subscriber: 'app',
        cursor: 10,
        waiting: [],
        released: [],
        dead: [],
        replays: [{ number: replay.number, position: 8 }],
      },
    ]);
    await until(async () => (await opened.journal.stats()).records === 2);
    assert.equal(await opened.journal.cancelReplays('app'), 1);
    await until(async () => (await opened.journal.stats()).records === 0);
    assert.equal(opened.reader.droppedThrough(), 10);
    opened.kill();
  });

  it('says what retention has dropped of it, and begins with what is there', async () => {
    const opened = await given([4], { retentionMs: 3_600_000 });
    await until(async () => (await opened.journal.stats()).records === 1);
    const { replay, gap } = await opened.journal.startReplay({ subscriber: 'app', from: 2, through: 10 });
    assert.deepEqual([replay.from, replay.through, gap], [4, 10, { from: 2, through: 10 }]);
    opened.kill();
  });

  it('of which there is nothing, or one too many, is refused', async () => {
    const opened = await given([]);
    const refused = (from: number, through: number, subscriber = 'app'): Promise<unknown> =>
      opened.journal.startReplay({ subscriber, from, through });
    await assert.rejects(refused(11, 20), { code: 'REPLAY_EMPTY' });
    await assert.rejects(refused(5, 4), { code: 'REPLAY_EMPTY' });
    await assert.rejects(refused(1, 10, 'nobody'), { code: 'NOT_FOUND' });
    for (let i = 0; i < REPLAYS_PER_SUBSCRIBER_MAX; i++) await refused(1, 10);
    await assert.rejects(refused(1, 10), { code: 'REPLAYS_FULL' });
    assert.equal(await opened.journal.cancelReplays('app'), REPLAYS_PER_SUBSCRIBER_MAX);
    opened.kill();
  });

  it('a subscriber that is no longer there is kept with it, at a start and while others are served, until it is removed', async () => {
    const first = await given([]);
    const { replay } = await first.journal.startReplay({ subscriber: 'app', from: 1, through: 10 });
    assert.equal(await first.journal.retireSubscriber('app', 10), false);
    first.kill();
    const second = await open(first.place, RETAINED);
    await second.journal.registerSubscribers([]);
    assert.deepEqual([second.reader.replays('app'), second.reader.progress().length], [[replay], 1]);
    await second.journal.removeSubscriber('app');
    assert.deepEqual(second.reader.replays('app'), []);
    second.kill();
    const third = await given([]);
    await third.journal.startReplay({ subscriber: 'app', from: 1, through: 10 });
    await third.journal.cancelReplays('app');
    assert.equal(await third.journal.retireSubscriber('app', 10), true);
    third.kill();
  });
});
