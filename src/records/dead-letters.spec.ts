import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadLetters } from './dead-letters.js';
import { FakeKeeper, FakeRecipients, FakeShelf, failing, recordAt } from './shelf.fixture.js';

const NOW = 1_000_000;
const ALL = { filter: {}, after: 0 };

class Scene {
  readonly shelf = new FakeShelf();
  readonly recipients = new FakeRecipients();
  readonly deadLetters: DeadLetters;

  /** @param refused positions that fail the contract now in force */
  constructor(count: number, refused: number[] = []) {
    this.shelf.add(count);
    const keeper = new FakeKeeper(this.shelf);
    this.deadLetters = new DeadLetters(this.shelf, keeper, this.recipients, failing(...refused), { now: () => NOW });
  }

  get left(): number[] {
    return this.shelf.letters.items.map(({ number }) => number);
  }
}

describe('dead letters that are replayed', () => {
  it('what does not pass contract or filter any more stays a dead letter, and the answer says why', async () => {
    const scene = new Scene(6, [2]);
    scene.shelf.records.set(3, recordAt(3, 'unwanted'));
    scene.shelf.records.delete(5);
    scene.shelf.bury('app', 1, 2, 3, 5);
    scene.shelf.bury('nobody', 4);
    const answer = await scene.deadLetters.replay(ALL);
    assert.deepEqual(answer.skipped, { contract: 1, filter: 1, subscriber: 1, damaged: 1, missing: 0 });
    assert.deepEqual([answer.replayed, answer.remaining, answer.next], [1, 0, undefined]);
    assert.deepEqual(answer.notes.map(({ number, why }) => `${number} ${why}`).sort(), [
      '2 contract',
      '3 filter',
      '4 subscriber',
      '5 damaged',
    ]);
    assert.match(answer.notes.find(({ number }) => number === 2)!.detail, /schema: \/gwId is missing/);
    assert.deepEqual(scene.left, [2, 3, 5, 4]);
  });

  it('become rows due at once, with no attempt made, that are told from others', async () => {
    const scene = new Scene(2);
    scene.shelf.bury('app', 2);
    await scene.deadLetters.replay({ ...ALL, keys: [2] });
    assert.deepEqual(scene.recipients.rows, [
      { subscriber: 'app', position: 2, key: 'a', bytes: 1, attempts: 0, dueAt: NOW, reason: '', replayedAt: NOW },
    ]);
  });

  it('are no more than may wait: the rest stays, and is counted', async () => {
    const scene = new Scene(100);
    scene.shelf.bury('app', ...Array.from({ length: 100 }, (_, i) => i + 1));
    scene.recipients.room = 30;
    const { replayed, remaining } = await scene.deadLetters.replay(ALL);
    assert.deepEqual([replayed, remaining, scene.left.length], [30, 70, 70]);
    assert.deepEqual(
      scene.recipients.rows.map(({ position }) => position),
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  });

  it('that are not there are counted, and two replays at once give each once', async () => {
    const scene = new Scene(40);
    scene.shelf.bury('app', ...Array.from({ length: 40 }, (_, i) => i + 1));
    const [one, other] = await Promise.all([scene.deadLetters.replay(ALL), scene.deadLetters.replay(ALL)]);
    assert.equal(one.replayed + other.replayed, 40);
    assert.equal(scene.recipients.rows.length, 40);
    assert.equal((await scene.deadLetters.replay({ ...ALL, keys: [7, 99] })).skipped.missing, 2);
  });
});

describe('dead letters', () => {
  it('are deleted as selected, and no others', async () => {
    const scene = new Scene(4);
    scene.shelf.bury('app', 1, 2);
    scene.shelf.bury('other', 3);
    assert.deepEqual(await scene.deadLetters.delete({ filter: { subscriber: 'app' }, after: 0 }), { deleted: 2 });
    assert.deepEqual(scene.left, [3]);
  });

  it('one is deleted by its number, and only once', async () => {
    const scene = new Scene(3);
    scene.shelf.bury('app', 1, 2, 3);
    const both = await Promise.allSettled([scene.deadLetters.deleteOne(2), scene.deadLetters.deleteOne(2)]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    await assert.rejects(scene.deadLetters.deleteOne(9), { code: 'NOT_FOUND' });
    assert.deepEqual(scene.left, [1, 3]);
  });

  it('one is shown with its payload, text where it is text', async () => {
    const scene = new Scene(2);
    scene.shelf.records.set(1, { ...recordAt(1), payload: Uint8Array.of(0xff, 0) });
    scene.shelf.bury('app', 1, 2);
    assert.deepEqual(
      [scene.deadLetters.one(1).record, scene.deadLetters.one(2).record].map((record) => ({ ...record })),
      [
        { ...view(1), payloadBase64: '/wA=' },
        { ...view(2), payload: '2' },
      ],
    );
    assert.throws(() => scene.deadLetters.one(3), { code: 'NOT_FOUND' });
    const { items } = await scene.deadLetters.page({}, { order: 'desc', limit: 10 });
    for (const { at } of items) assert.equal(new Date(at).toISOString(), at);
    assert.deepEqual(
      items.map(({ number }) => number),
      [2, 1],
    );
  });
});

function view(position: number): object {
  return {
    position,
    id: `id-${position}`,
    topic: 'a',
    qos: 1,
    retain: false,
    receivedAt: new Date(position * 1_000).toISOString(),
  };
}
