import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { packMessages, type Message } from '../domain/message.js';
import type { Settlement } from '../domain/subscriber.js';
import { Appender } from './append.js';
import { Discard } from './discard.js';
import { ProgressTable } from './progress.js';
import { migrate } from './schema.js';
import { SubscriberTable } from './subscribers.js';
import { TopicTable } from './topics.js';

const message = (topic: string): Message => ({
  ...{ topic, qos: 1, retain: false, dup: false, packetId: 1, receivedAt: 0, properties: null },
  payload: new Uint8Array(100),
});

/** Records alternate between the topics a and b. */
function journal(count: number) {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const progress = new ProgressTable(db);
  const subscribers = new SubscriberTable(db);
  new Appender(db, new TopicTable(db)).append(
    packMessages(Array.from({ length: count }, (_, i) => message(i % 2 ? 'b' : 'a'))),
    '',
  );
  const settle = (more: Partial<Settlement> & Pick<Settlement, 'subscriber' | 'cursor'>): void => {
    progress.settle([{ waiting: [], released: [], dead: [], ...more }]);
  };
  const register = (id: string, topics: string[], position: number): void => {
    subscribers.register([{ id, topics, startFrom: { position }, ordering: 'none' }], count, 0);
  };
  const waiting = (): unknown[] =>
    db
      .prepare('SELECT subscriber || position AS w FROM waiting ORDER BY 1')
      .all()
      .map(({ w }) => w);
  return { db, progress, register, settle, waiting, discard: new Discard(db) };
}

const row = (subscriber: string, position: number) => ({
  subscriber,
  position,
  key: '',
  attempts: 1,
  dueAt: 0,
  reason: 'status',
});

describe('discarding the oldest of the largest backlog', () => {
  it('of the subscriber that has most, in steps bounded by records and bytes, and counts its own topics', () => {
    const { progress, register, discard } = journal(100);
    register('ahead', ['#'], 60);
    register('behind', ['a'], 11);
    progress.reject([{ position: 13, contract: 'c', reason: 'syntax', problems: [] }], 0);
    const gone = { subscriber: 'behind', reason: 'journal-full' };
    assert.deepEqual(discard.step(10, 1 << 20), { ...gone, records: 4, from: 11, through: 20 });
    assert.deepEqual(discard.step(1_000, 350), { ...gone, records: 2, from: 21, through: 23 });
    assert.deepEqual(discard.step(1_000, 1), { ...gone, records: 0, from: 24, through: 24 });
    assert.equal(progress.floor(100), 24);
  });

  it('rows that wait count, go first, and are gone; a lone one of a healthy subscriber is left alone', () => {
    const { register, settle, waiting, discard } = journal(100);
    register('healthy', ['#'], 1);
    register('failing', ['#'], 1);
    settle({ subscriber: 'healthy', cursor: 100, waiting: [row('healthy', 1)] });
    settle({ subscriber: 'failing', cursor: 90, waiting: [5, 6, 7, 95].map((position) => row('failing', position)) });
    const gone = { subscriber: 'failing', reason: 'journal-full' };
    assert.deepEqual(discard.step(2, 1 << 20), { ...gone, records: 2, from: 5, through: 6 });
    assert.deepEqual(discard.step(100, 1 << 20), { ...gone, records: 1, from: 7, through: 7 });
    assert.deepEqual(discard.step(6, 1 << 20), { ...gone, records: 6, from: 91, through: 96 });
    assert.deepEqual(waiting(), ['healthy1']);
    assert.deepEqual(discard.step(100, 1 << 20), { ...gone, records: 4, from: 97, through: 100 });
    assert.deepEqual(discard.step(9, 1 << 20), { ...gone, subscriber: 'healthy', records: 1, from: 1, through: 1 });
    assert.equal(discard.step(9, 1 << 20), undefined);
    assert.deepEqual(waiting(), []);
  });

  it('rows whose records are gone do not stand in the way', () => {
    const { db, register, settle, waiting, discard } = journal(20);
    register('one', ['#'], 1);
    settle({ subscriber: 'one', cursor: 10, waiting: [row('one', 3)] });
    db.exec('DELETE FROM records WHERE position = 3');
    assert.equal(discard.step(10, 1 << 20), undefined);
    assert.deepEqual(waiting(), []);
    assert.equal(discard.step(10, 1 << 20)?.from, 11);
  });
});
