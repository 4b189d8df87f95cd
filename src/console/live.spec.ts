import assert from 'node:assert/strict';
import { describe, it, mock, type TestContext } from 'node:test';
import type { Caller } from '../domain/caller.js';
import type { Sink } from '../domain/event-stream.js';
import { LiveFeed } from './live.js';
import type { Status } from './shown/types.js';

/** A client that takes what it is sent until it is told not to. */
class Client implements Sink {
  text = '';
  writableNeedDrain = false;
  writableLength = 0;
  destroyed = false;
  ended = false;
  readonly #listeners = new Map<string, () => void>();

  write(text: string): boolean {
    this.text += text;
    return !this.writableNeedDrain;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
    this.#listeners.get('close')!();
  }

  on(event: string, listener: () => void): void {
    this.#listeners.set(event, listener);
  }

  drain(): void {
    this.writableNeedDrain = false;
    this.#listeners.get('drain')!();
  }

  /** Names of the events it was sent since the last time; of what was told with its name. */
  taken(): string[] {
    const events = this.text.split('\n\n').flatMap((frame) => {
      const [, event] = /^event: (\w+)/.exec(frame) ?? [];
      const data = JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? '{}') as { name?: string; value?: number };
      return event === undefined ? [] : [data.name ? `${event} ${data.name}` : event];
    });
    this.text = '';
    return events;
  }

  get lastId(): string {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)![1]!;
  }
}

class Scene {
  asked = 0;
  readonly feed = new LiveFeed(
    () => {
      this.asked++;
      return Promise.resolve({ version: '1' } as Status);
    },
    { now: () => 0 },
  );

  constructor(t: TestContext) {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    t.after(() => mock.timers.reset());
  }

  async open(lastEventId?: string, caller?: Caller): Promise<Client> {
    const client = new Client();
    this.feed.open(client, lastEventId, caller);
    await Promise.resolve();
    return client;
  }
}

function callerNamed(name: string, revoke = new AbortController()): Caller {
  return { name, scopes: ['read'], revoked: revoke.signal };
}

describe('the feed of the console', () => {
  it('sends the status at once and every two seconds, and asks for none while nobody looks', async (t) => {
    const scene = new Scene(t);
    mock.timers.tick(10_000);
    assert.equal(scene.asked, 0);
    const client = await scene.open();
    assert.deepEqual(client.taken(), ['status']);
    mock.timers.tick(2_000);
    await Promise.resolve();
    assert.deepEqual(client.taken(), ['status']);
    client.destroy();
    const { asked } = scene;
    mock.timers.tick(10_000);
    assert.equal(scene.asked, asked);
  });

  it('tells what happens, and who comes back what it has missed', async (t) => {
    const scene = new Scene(t);
    scene.feed.tell('before', {});
    const client = await scene.open();
    scene.feed.tell('link/up', { reconnect: true });
    const { lastId } = client;
    assert.match(client.text, /data: \{"name":"link\/up","at":"1970-01-01T00:00:00.000Z","reconnect":true\}/);
    assert.deepEqual(client.taken(), ['status', 'told link/up']);
    client.destroy();
    for (const name of ['a', 'b']) scene.feed.tell(name, {});
    assert.deepEqual((await scene.open(lastId)).taken(), ['told a', 'told b', 'status']);
  });

  it('tells who asks for it all that is kept', async (t) => {
    const scene = new Scene(t);
    assert.deepEqual((await scene.open('0')).taken(), ['status']);
    for (const name of ['a', 'b']) scene.feed.tell(name, {});
    assert.deepEqual((await scene.open('0')).taken(), ['told a', 'told b', 'status']);
    for (let i = 0; i < 600; i++) scene.feed.tell('more', {});
    const told = (await scene.open('0')).taken();
    assert.deepEqual([told.length, told[0]], [501, 'told more']);
  });

  it('says when that is no longer kept, or is of another run', async (t) => {
    const scene = new Scene(t);
    const client = await scene.open();
    scene.feed.tell('first', {});
    const { lastId } = client;
    for (const id of ['', 'nonsense', '2020-01-01T00:00:00.000Z-1', lastId.replace(/\d+$/, '77')]) {
      const other = await scene.open(id);
      assert.deepEqual(other.taken(), ['missed', 'status'], id);
      assert.ok(!other.destroyed);
    }
    for (let i = 0; i < 501; i++) scene.feed.tell('more', {});
    const late = await scene.open(lastId);
    assert.deepEqual(late.taken(), ['missed', 'status']);
    scene.feed.tell('next', {});
    assert.deepEqual(late.taken(), ['told next']);
  });

  it('a slow client costs no memory: it is sent the rest when it takes it, and cut off when it does not', async (t) => {
    const scene = new Scene(t);
    const client = await scene.open();
    client.taken();
    client.writableNeedDrain = true;
    for (let i = 0; i < 3; i++) scene.feed.tell(`n${i}`, {});
    mock.timers.tick(2_000);
    await Promise.resolve();
    assert.deepEqual(client.taken(), []);
    client.drain();
    assert.deepEqual(client.taken(), ['told n0', 'told n1', 'told n2']);
    client.writableNeedDrain = true;
    for (let i = 0; i < 600; i++) scene.feed.tell('flood', {});
    assert.equal(client.text, '');
    client.drain();
    assert.deepEqual(client.taken(), ['missed']);
  });

  it('a client that takes nothing for a minute is cut off, however little waits for it; one that takes something is not', async (t) => {
    const scene = new Scene(t);
    const [stuck, slow] = [await scene.open(), await scene.open()];
    const seconds = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        mock.timers.tick(1_000);
        await Promise.resolve();
      }
    };
    stuck.writableLength = slow.writableLength = 100;
    await seconds(40);
    slow.writableLength = 0;
    await seconds(10);
    slow.writableLength = 100;
    assert.equal(stuck.destroyed, false);
    await seconds(30);
    assert.deepEqual([stuck.destroyed, slow.destroyed], [true, false]);
    await seconds(40);
    assert.equal(slow.destroyed, true);
  });

  it('rejections are gathered for a second', async (t) => {
    const scene = new Scene(t);
    const client = await scene.open();
    client.taken();
    for (let i = 0; i < 5; i++) scene.feed.rejected('c', 'syntax', 2);
    scene.feed.rejected('c', 'schema', 1);
    mock.timers.tick(1_000);
    assert.match(client.text, /"reason":"syntax","count":10\}/);
    assert.deepEqual(client.taken(), ['told rejections', 'told rejections']);
  });

  it('has a bound, and one for each token; it ends with the token and with the gateway', async (t) => {
    const scene = new Scene(t);
    const revoke = new AbortController();
    const clients: Client[] = [];
    for (let i = 0; i < 16; i++) clients.push(await scene.open(undefined, callerNamed('a', revoke)));
    assert.match(scene.feed.refusal(callerNamed('a'))!, /"a"/);
    assert.equal(scene.feed.refusal(callerNamed('b')), undefined);
    for (let i = 0; i < 16; i++) clients.push(await scene.open(undefined, callerNamed('b')));
    assert.match(scene.feed.refusal(undefined)!, /as many/);
    revoke.abort();
    assert.deepEqual(
      clients.map(({ ended }) => ended),
      [...Array<boolean>(16).fill(true), ...Array<boolean>(16).fill(false)],
    );
    scene.feed.close();
    assert.ok(clients.every(({ ended }) => ended));
    assert.match(scene.feed.refusal(undefined)!, /as many/);
  });
});
