import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyRange, Look, Looked, Order } from '../domain/listing.js';
import { packMessages } from '../domain/message.js';
import type { DeadLetter } from '../domain/subscriber.js';
import { message, messages } from './journal.suite.js';
import { directory, open, type OpenSqlite } from './sqlite.fixture.js';

const RETAINED = { retentionMs: 365 * 86_400_000 };
const START = 1_700_000_000_000;

/** Thirty records; those at positions that 3 divides are dead letters of `app`, those that 5 divides rejections. */
async function filled(): Promise<OpenSqlite> {
  const opened = await open(directory(), RETAINED);
  await opened.journal.registerSubscribers([{ id: 'app', topics: ['#'], startFrom: 'earliest' }]);
  await opened.journal.append(packMessages(messages(1, 30)));
  const positions = Array.from({ length: 30 }, (_, i) => i + 1);
  const rejections = positions.filter((position) => position % 5 === 0);
  const reason = (position: number): 'schema' | 'syntax' => (position % 2 ? 'schema' : 'syntax');
  await opened.journal.admit(
    30,
    rejections.map((position) => ({ position, contract: 'c', reason: reason(position), problems: [] })),
  );
  const dead = positions
    .filter((position) => position % 3 === 0)
    .map((position): DeadLetter => {
      const subscriber = 'app';
      return {
        subscriber,
        position,
        reason: reason(position),
        status: 0,
        detail: '',
        attempts: 1,
        at: START + position,
      };
    });
  await opened.journal.settle([{ subscriber: 'app', cursor: 30, waiting: [], released: [], dead }]);
  return opened;
}

/** All that looks of so many rows find, and the number of looks. */
function walk<T>(look: (look: Look) => Looked<T>, order: Order, rows: number): { found: T[]; looks: number } {
  const found: T[] = [];
  let rest: KeyRange | undefined = { low: 1, high: 1_000 };
  let looks = 0;
  for (; rest; looks++) {
    assert.ok(looks < 100, 'the looks do not end');
    const looked: Looked<T> = look({ range: rest, order, rows });
    found.push(...looked.found);
    rest = looked.rest;
  }
  return { found, looks };
}

describe('lists of the journal', () => {
  it('are looked through whole, once, in either order, however few rows a look takes', async () => {
    const opened = await filled();
    const wanted = Array.from({ length: 10 }, (_, i) => 3 * (i + 1));
    for (const rows of [1, 3, 10, 11]) {
      for (const order of ['asc', 'desc'] as const) {
        const { found } = walk((look) => opened.reader.listDeadLetters(look, {}), order, rows);
        assert.deepEqual(
          found.map(({ position }) => position),
          order === 'asc' ? wanted : wanted.toReversed(),
          `${rows} ${order}`,
        );
      }
    }
    opened.kill();
  });

  it('a look is bounded by what it looks at: a filter that matches nothing takes as many as one that matches all', async () => {
    const opened = await filled();
    const { found, looks } = walk((look) => opened.reader.listRecords(look, { topics: ['nothing'] }), 'asc', 10);
    assert.deepEqual([found.length, looks], [0, 4]);
    opened.kill();
  });

  it('every part of a filter counts', async () => {
    const opened = await filled();
    const { reader } = opened;
    const dead = (filter: Parameters<typeof reader.listDeadLetters>[1]): number[] =>
      walk((look) => reader.listDeadLetters(look, filter), 'asc', 100).found.map(({ position }) => position);
    assert.deepEqual(dead({ subscriber: 'nobody' }), []);
    assert.deepEqual(dead({ reason: 'syntax', from: START + 10, to: START + 18 }), [12, 18]);
    assert.deepEqual(dead({ topics: ['devices/0/+'], from: START + 24 }), [24, 27, 30]);
    assert.deepEqual(dead({ topics: ['devices/1/+'] }), []);
    const rejected = (filter: Parameters<typeof reader.listRejections>[1]): number[] =>
      walk((look) => reader.listRejections(look, filter), 'desc', 100).found.map(({ position }) => position);
    assert.deepEqual(rejected({}), [30, 25, 20, 15, 10, 5]);
    assert.deepEqual(rejected({ contract: 'c', reason: 'schema', topics: ['devices/1/#', 'devices/0/#'] }), [25, 15]);
    assert.deepEqual(rejected({ contract: 'd' }), []);
    assert.deepEqual(rejected({ to: 5 }), []);
    const records = walk((look) => reader.listRecords(look, { from: START + 9, to: START + 10 }), 'asc', 100).found;
    assert.deepEqual(
      records.map(({ position, rejected: one, replays }) => [position, one, replays]),
      [
        [9, false, 0],
        [10, true, 0],
      ],
    );
    opened.kill();
  });

  it('a time is found among records that are there, also past one that came in again', async () => {
    const opened = await open(directory(), RETAINED);
    assert.equal(opened.reader.positionAt(0), 1);
    const minute = (i: number) => message(i, { receivedAt: START + i * 60_000 });
    await opened.journal.append(packMessages(Array.from({ length: 100 }, (_, i) => minute(i))));
    const rejection = { contract: 'c', reason: 'schema' as const, problems: [] };
    await opened.journal.admit(
      100,
      Array.from({ length: 40 }, (_, i) => ({ position: i + 1, ...rejection })),
    );
    // Forty of the oldest times now stand at the end.
    await opened.journal.reenter(Array.from({ length: 40 }, (_, i) => i + 1));
    assert.equal(opened.reader.positionAt(START + 70 * 60_000), 71);
    assert.equal(opened.reader.positionAt(START + 70 * 60_000 - 1), 71);
    assert.equal(opened.reader.positionAt(START + 70 * 60_000 + 1), 72);
    assert.equal(opened.reader.positionAt(START), 41);
    assert.equal(opened.reader.positionAt(START + 100 * 60_000), 141);
    opened.kill();
  });
});
