import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Caller } from '../domain/caller.js';
import type { StreamSettings } from '../domain/settings.js';
import { FakeShelf, recordAt } from './shelf.fixture.js';
import type { Sink } from '../domain/event-stream.js';
import { Streams } from './streams.js';

/** A client's end: takes so many events, and then asks for a pause. */
class Client implements Sink {
  written = '';
  writes = 0;
  writableNeedDrain = false;
  readonly writableLength = 0;
  destroyed = false;
  ended = false;
  /** Events taken before each pause. */
  room = Infinity;
  #taken = 0;
  readonly #listeners: { [event: string]: () => void } = {};

  write(text: string): boolean {
    this.written += text;
    this.writes++;
    this.writableNeedDrain = ++this.#taken > this.room;
    return !this.writableNeedDrain;
  }
  end(): void {
    this.ended = true;
  }
  destroy(): void {
    this.destroyed = true;
    this.#listeners['close']?.();
  }
  on(event: 'drain' | 'close', listener: () => void): void {
    this.#listeners[event] = listener;
  }
  drain(): void {
    this.#taken = 0;
    this.writableNeedDrain = false;
    this.#listeners['drain']!();
  }
  leave(): void {
    this.#listeners['close']!();
  }

  /** Positions of the messages it was sent. */
  get positions(): number[] {
    return [...this.written.matchAll(/id: (\d+)\ndata: /g)].map(([, id]) => Number(id));
  }
  get gaps(): unknown[] {
    return [...this.written.matchAll(/event: gap\ndata: (.*)\n/g)].map(([, data]) => JSON.parse(data!) as unknown);
  }
}

class Scene {
  readonly shelf = new FakeShelf();
  readonly faults: unknown[] = [];
  readonly streams: Streams;

  constructor(count: number, limits: Partial<StreamSettings> = {}) {
    this.shelf.add(count, (position) => (position % 2 ? 'odd' : 'even'));
    this.shelf.admitted = count;
    this.streams = new Streams(
      this.shelf,
      { maxClients: 3, maxPerToken: 2, stallTimeoutMs: 60_000, ...limits },
      (error) => this.faults.push(error),
    );
  }

  open(filters: string[], after?: number, room = Infinity, caller?: Caller): Client {
    const client = new Client();
    client.room = room;
    this.streams.open(client, { filters, after, caller });
    return client;
  }

  add(count: number): void {
    this.shelf.add(count, (position) => (position % 2 ? 'odd' : 'even'));
    this.streams.admitted(this.shelf.lastPosition());
  }
}

async function turns(count = 50): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a stream', () => {
  it('begins with what comes from now on, and says from where it can be resumed', async () => {
    const scene = new Scene(10);
    const client = scene.open(['#']);
    await turns();
    assert.equal(client.written, 'retry: 2000\nid: 10\n\n');
    scene.add(2);
    await turns();
    assert.deepEqual(client.positions, [11, 12]);
    assert.match(client.written, /\nid: 12\ndata: \{"position":12,"id":"id-12","topic":"even",.*"payload":"12"\}\n\n$/);
    scene.streams.close();
  });

  it('resumes after a position, with what matches and was admitted, once each and in order', async () => {
    const scene = new Scene(2_000);
    scene.shelf.rejected.add(5);
    scene.shelf.records.set(7, { ...recordAt(7, 'odd'), payload: Uint8Array.of(0xff) });
    const odd = scene.open(['odd'], 2);
    const all = scene.open(['#'], 0);
    await turns();
    const positions = Array.from({ length: 2_000 }, (_, i) => i + 1).filter((position) => position !== 5);
    assert.deepEqual(all.positions, positions);
    assert.deepEqual(
      odd.positions,
      positions.filter((position) => position > 2 && position % 2),
    );
    assert.match(odd.written, /"payloadBase64":"\/w=="/);
    scene.streams.close();
  });

  it('waits for a record’s verdict', async () => {
    const scene = new Scene(3);
    const client = scene.open(['#'], 0);
    scene.shelf.add(2);
    await turns();
    assert.deepEqual(client.positions, [1, 2, 3]);
    scene.streams.close();
  });

  it('of a slow client holds nothing for it: it reads on when it has room, and others do not wait', async () => {
    const scene = new Scene(500);
    const slow = scene.open(['#'], 0, 3);
    const quick = scene.open(['#'], 0);
    await turns();
    assert.ok(slow.writes <= 5, `${slow.writes} writes to one that takes three`);
    assert.equal(quick.positions.length, 500);
    for (let drains = 0; slow.positions.length < 500; drains++) {
      assert.ok(drains < 500, 'it does not get on');
      slow.drain();
      await turns(4);
    }
    assert.deepEqual(slow.positions, quick.positions);
    scene.streams.close();
  });

  it('tells a gap once where retention took what it wanted, and goes on with what is left', async () => {
    const scene = new Scene(20);
    for (let position = 1; position <= 12; position++) if (position !== 4) scene.shelf.records.delete(position);
    scene.shelf.dropped = 12;
    const client = scene.open(['#'], 2);
    await turns();
    assert.deepEqual(client.gaps, [{ from: 3, through: 12, reason: 'retention' }]);
    assert.deepEqual(client.positions, [4, ...Array.from({ length: 8 }, (_, i) => 13 + i)]);
    const near = scene.open(['#'], 12);
    await turns();
    assert.deepEqual(near.gaps, []);
    scene.streams.close();
  });

  it('from a position that this journal never had begins with what comes now, and says so', async () => {
    const scene = new Scene(5);
    const client = scene.open(['#'], 99);
    scene.add(1);
    await turns();
    assert.deepEqual(client.gaps, [{ from: 100, through: null, reason: 'unknown-position' }]);
    assert.deepEqual(client.positions, [6]);
    scene.streams.close();
  });

  it('has its place only while the client is there', async () => {
    const scene = new Scene(1, { maxClients: 2 });
    const [one] = [scene.open(['#']), scene.open(['#'])];
    assert.ok(scene.streams.refusal(undefined));
    one.leave();
    await turns();
    assert.equal(scene.streams.refusal(undefined), undefined);
    const gone = new Client();
    gone.destroyed = true;
    scene.streams.open(gone, { filters: ['#'] });
    assert.deepEqual([scene.streams.refusal(undefined), gone.writes], [undefined, 0]);
    scene.streams.close();
    assert.ok(scene.streams.refusal(undefined), 'none is taken any more');
  });

  it('ends, and says why, when the journal cannot be read', async () => {
    const scene = new Scene(5);
    scene.shelf.listRecords = () => {
      throw new Error('the disk is gone');
    };
    const client = scene.open(['#'], 0);
    await turns();
    assert.deepEqual([client.ended, scene.faults.length, scene.streams.refusal(undefined)], [true, 1, undefined]);
    scene.streams.close();
  });

  it('of a token there are so many, whoever else has some', async () => {
    const scene = new Scene(1, { maxClients: 3, maxPerToken: 1 });
    const [one, other] = [callerOf('one'), callerOf('other')];
    const client = scene.open(['#'], undefined, Infinity, one.caller);
    assert.match(scene.streams.refusal(one.caller)!, /"one"/);
    assert.equal(scene.streams.refusal(other.caller), undefined);
    client.leave();
    await turns();
    assert.equal(scene.streams.refusal(one.caller), undefined);
    scene.streams.close();
  });

  it('ends with the token it was opened with, and none begins with one that is gone', async () => {
    const scene = new Scene(1);
    const [one, other] = [callerOf('one'), callerOf('other')];
    const clients = [one, other].map(({ caller }) => scene.open(['#'], undefined, Infinity, caller));
    one.revoke.abort();
    await turns();
    assert.deepEqual(
      clients.map(({ ended }) => ended),
      [true, false],
    );
    const late = scene.open(['#'], undefined, Infinity, one.caller);
    assert.deepEqual([late.ended, late.written], [true, '']);
    scene.streams.close();
  });

  it('whose client takes nothing for too long is cut off; one that is only slow is not', async () => {
    const scene = new Scene(50, { stallTimeoutMs: 200 });
    const [stuck, slow] = [scene.open(['#'], 0, 3), scene.open(['#'], 0, 3)];
    for (let ms = 0; ms < 400; ms += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      slow.drain();
    }
    assert.deepEqual([stuck.destroyed, slow.destroyed], [true, false]);
    assert.equal(scene.streams.refusal(undefined), undefined);
    scene.streams.close();
  });
});

function callerOf(name: string): { caller: Caller; revoke: AbortController } {
  const revoke = new AbortController();
  return { caller: { name, scopes: ['read'], revoked: revoke.signal }, revoke };
}
