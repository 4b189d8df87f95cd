import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ListedRejection } from '../domain/journal.js';
import { Records } from './records.js';
import { Rejections } from './rejections.js';
import { FakeKeeper, FakeRecipients, FakeShelf, recordAt } from './shelf.fixture.js';
import { SubscriberReplays } from './subscriber-replays.js';

const PAGE = { order: 'asc', limit: 100 } as const;

describe('records', () => {
  it('say whether they were admitted, rejected, or not checked yet', async () => {
    const shelf = new FakeShelf();
    shelf.add(3);
    shelf.rejected.add(2);
    shelf.admitted = 2;
    const { items } = await new Records(shelf, () => shelf.admitted).page({}, PAGE);
    assert.deepEqual(
      items.map(({ verdict }) => verdict),
      ['admitted', 'rejected', 'pending'],
    );
    assert.equal(new Records(shelf, () => shelf.admitted).one(3).verdict, 'pending');
    assert.throws(() => new Records(shelf, () => shelf.admitted).one(4), { code: 'NOT_FOUND' });
  });

  it('are found between positions and between times', async () => {
    const shelf = new FakeShelf();
    shelf.add(30, (position) => (position % 2 ? 'odd' : 'even'));
    const positions = async (query: Parameters<Records['page']>[0]): Promise<number[]> =>
      (await new Records(shelf, () => shelf.admitted).page(query, PAGE)).items.map(({ position }) => position);
    assert.deepEqual(await positions({ from: { position: 28 } }), [28, 29, 30]);
    assert.deepEqual(await positions({ from: { position: 5 }, to: { position: 7 } }), [5, 6, 7]);
    assert.deepEqual(await positions({ from: { time: 5_000 }, to: { time: 7_999 } }), [5, 6, 7]);
    assert.deepEqual(await positions({ topics: ['odd'], from: { time: 27_000 }, to: { position: 40 } }), [27, 29]);
    assert.deepEqual(await positions({ from: { position: 31 } }), []);
  });

  it('a page ends where its payloads become too many, and the next one goes on there', async () => {
    const shelf = new FakeShelf();
    shelf.add(5);
    for (const at of [1, 2, 3]) shelf.records.set(at, recordAt(at, 'a', 'x'.repeat(600_000)));
    const records = new Records(shelf, () => shelf.admitted);
    const seen: number[] = [];
    let after: number | undefined;
    for (let pages = 1; ; pages++) {
      assert.ok(pages < 10);
      const { items, next } = await records.page({}, { ...PAGE, after });
      seen.push(...items.map(({ position }) => position));
      if (next === undefined) break;
      after = next;
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  });
});

describe('rejections that are replayed', () => {
  it('come in again once each, also when all of them fail again', async () => {
    const shelf = new FakeShelf();
    shelf.add(40);
    const rejection = { id: '', topic: 'a', contract: 'c', reason: 'schema', problems: [], at: 0, replays: 0 } as const;
    shelf.rejections.items = Array.from({ length: 40 }, (_, i): ListedRejection => ({
      ...rejection,
      problems: [],
      position: i + 1,
    }));
    const rejections = new Rejections(shelf, new FakeKeeper(shelf));
    assert.deepEqual(await rejections.replay({ filter: {}, after: 0 }), {
      replayed: 40,
      skipped: { damaged: 0, missing: 0 },
    });
    assert.ok(shelf.rejections.items.every(({ position, replays }) => position > 40 && replays === 1));
    const { skipped } = await rejections.replay({ filter: {}, after: 0, keys: [1, 41] });
    assert.deepEqual(skipped, { damaged: 0, missing: 1 });
    const [{ position }] = shelf.rejections.items as [ListedRejection];
    await rejections.deleteOne(position);
    await assert.rejects(rejections.deleteOne(position), { code: 'NOT_FOUND' });
    assert.equal((await rejections.delete({ filter: { contract: 'd' }, after: 0 })).deleted, 0);
    assert.equal((await rejections.delete({ filter: { contract: 'c' }, after: 0 })).deleted, 39);
  });
});

describe('a range for a subscriber', () => {
  it('is what lies between the times, once the journal knows what the subscriber was given', async () => {
    const shelf = new FakeShelf();
    shelf.add(50);
    const keeper = new FakeKeeper(shelf);
    const recipients = new FakeRecipients();
    const replays = new SubscriberReplays(shelf, keeper, recipients);
    const answer = await replays.start('app', { from: { time: 10_000 }, to: { time: 20_000 }, topics: ['a'] });
    assert.deepEqual(answer, { subscriber: 'app', from: 10, through: 20, position: 9, topics: ['a'] });
    await replays.start('app', { from: { position: 7 } });
    assert.deepEqual(keeper.replays.at(-1), { subscriber: 'app', from: 7, through: 50, topics: undefined });
    assert.deepEqual(recipients.told, ['settled app', 'replay 10 20', 'settled app', 'replay 7 50']);
    assert.equal(await replays.cancel('app'), 2);
    assert.equal(recipients.told.at(-1), 'end app');
  });
});
