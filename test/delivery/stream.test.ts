/** Live messages as Server-Sent Events, from a real gateway: resumed, slow, refused, cut off. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

const TOKEN = 'a-token-that-may-read-it';

interface Event {
  id: number;
  event: string;
  /** Of a payload the first 200 characters; a gap has none. */
  data: { position: number; topic: string; payload?: string; from: number; through: number };
}

/** Reads a stream as a browser does. */
class Listener {
  readonly events: Event[] = [];
  status = 0;
  /** What it would resume from. */
  lastId = 0;
  ended = false;
  readonly #abort = new AbortController();

  constructor(t: TestContext, { gateway }: Flow, query: string, headers: { [name: string]: string } = {}) {
    t.after(() => this.#abort.abort());
    void this.#read(`http://127.0.0.1:${gateway.ports.httpPort}/v1/stream${query}`, headers);
  }

  /** Of messages. */
  get positions(): number[] {
    return this.events.filter(({ event }) => event === 'message').map(({ id }) => id);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(url: string, headers: { [name: string]: string }): Promise<void> {
    let text = '';
    try {
      const answer = await fetch(url, { headers, signal: this.#abort.signal });
      this.status = answer.status;
      for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
        const blocks = (text + chunk).split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // It was cut, by this end or the other one.
    }
    this.ended = true;
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/, 2) as [string, string]));
    if (fields.has('id')) this.lastId = Number(fields.get('id'));
    const data = fields.get('data');
    if (data === undefined) return;
    const parsed = JSON.parse(data) as Event['data'];
    if (parsed.payload !== undefined) parsed.payload = parsed.payload.slice(0, 200);
    this.events.push({ id: this.lastId, event: fields.get('event') ?? 'message', data: parsed });
  }
}

function publish({ broker }: Flow, count: number, from = 0, padBytes = 64): Promise<unknown> {
  return publishNumbered({ url: broker.url, topics: TOPICS, count, from, padBytes }).done;
}

function connected(...listeners: Listener[]): Promise<unknown> {
  return until(() => listeners.every(({ status }) => status === 200), { what: 'the streams to be open' });
}

function heard(listener: Listener, count: number): Promise<unknown> {
  const what = (): string => `${count} messages: ${listener.positions.length} came`;
  return until(() => listener.positions.length >= count, { what, timeoutMs: 30_000 });
}

describe('GET /v1/stream', { skip: needs('mosquitto') }, () => {
  it('a kill of the gateway: with Last-Event-ID nothing is missed and nothing comes twice', async (t) => {
    const flow = await startFlow(t);
    const all = new Listener(t, flow, '');
    const one = new Listener(t, flow, `?topic=${TOPICS[3]}&topic=nothing/%23`);
    await connected(all, one);
    await publish(flow, 400);
    await heard(all, 400);
    await heard(one, 20);
    assert.ok(one.events.every(({ data }) => data.topic === TOPICS[3]));
    assert.deepEqual(JSON.parse(all.events[0]!.data.payload!), { gwId: 'gw-7', n: 0, pad: 'x'.repeat(64) });
    await flow.gateway.kill();
    await until(() => all.ended, { what: 'the stream to be cut' });
    await flow.restart();
    await publish(flow, 200, 400);
    const again = new Listener(t, flow, '', { 'last-event-id': String(all.lastId) });
    await heard(again, 200);
    assert.deepEqual(
      [...all.positions, ...again.positions],
      Array.from({ length: 600 }, (_, i) => i + 1),
    );
    const query = new Listener(t, flow, '?lastEventId=590');
    await heard(query, 10);
    assert.equal(query.positions[0], 591);
  });

  it('a client that reads nothing costs no memory and holds up nobody; later it gets all of it', async (t) => {
    const flow = await startFlow(t, { config: () => ({ subscribers: [], http: { stream: { stallTimeout: '1h' } } }) });
    const quick = new Listener(t, flow, '');
    await connected(quick);
    const memory = (): Promise<number> => flow.gateway.metric('process_resident_memory_bytes');
    const publishAndHear = async (count: number, from: number): Promise<void> => {
      await publish(flow, count, from, 65_536);
      await heard(quick, from + count);
    };
    await publishAndHear(1_500, 0); // what the load itself costs is taken by then
    const socket = connect(flow.gateway.ports.httpPort, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.pause();
    socket.write('GET /v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const before = await memory();
    await publishAndHear(4_000, 1_500); // 250 MiB that are not taken
    const grown = (await memory()) - before;
    t.diagnostic(`${Math.round(grown / 2 ** 20)} MiB more`);
    assert.ok(grown < 128 * 2 ** 20, `the gateway grew by ${grown} bytes`);
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text = (text + chunk).slice(-80_000)));
    socket.resume();
    await until(() => text.includes('id: 5500\n'), { what: 'the last message', timeoutMs: 60_000 });
  });

  it('what retention dropped is told as a gap', async (t) => {
    const flow = await startFlow(t, { config: () => ({ journal: { retention: '0s' } }) });
    await publish(flow, 300);
    await flow.receiver.waitFor(300);
    const empty = async (): Promise<boolean> => (await flow.gateway.metric('holdfast_journal_records')) === 0;
    await until(empty, { what: 'retention' });
    const late = new Listener(t, flow, '', { 'last-event-id': '100' });
    await until(() => late.events.length > 0, { what: 'the gap' });
    const [{ event, data }] = late.events as [Event];
    assert.deepEqual([event, data], ['gap', { from: 101, through: 300, reason: 'retention' }]);
    await publish(flow, 1, 300);
    await heard(late, 1);
  });

  it('needs a token in the header, knows its parameters, and takes so many clients', async (t) => {
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: () => ({
        http: {
          auth: {
            tokens: [
              { name: 'reader', token: TOKEN, scopes: ['read'] },
              { name: 'other', token: `${TOKEN}-not`, scopes: ['publish', 'admin'] },
            ],
          },
          stream: { maxClients: 2 },
        },
      }),
    });
    const bearer = { authorization: `Bearer ${TOKEN}` };
    const code = async (query: string, headers: { [name: string]: string } = bearer): Promise<string> => {
      const answer = await flow.gateway.http(`/v1/stream${query}`, { headers });
      return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
    };
    assert.equal(await code('', {}), '401 UNAUTHORIZED');
    assert.equal(await code(`?token=${TOKEN}`, {}), '401 UNAUTHORIZED');
    assert.equal(await code('', { authorization: `Bearer ${TOKEN}-not` }), '403 FORBIDDEN');
    for (const query of ['?topic=a/%23/b', '?topics=a', '?lastEventId=x', '?topic=$share/g/a']) {
      assert.equal(await code(query), '400 REQUEST_INVALID', query);
    }
    const bogus = await flow.gateway.http('/v1/stream?bogus=1', { headers: bearer });
    assert.match(await bogus.text(), /there are topic, lastEventId"/);
    const head = await flow.gateway.http('/v1/stream', { method: 'HEAD', headers: bearer });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream']);
    const listeners = [new Listener(t, flow, '', bearer), new Listener(t, flow, '', bearer)];
    await connected(...listeners);
    assert.equal(await code(''), '503 STREAMS_FULL');
    listeners[0]!.close();
    const next = await until(
      async () => {
        const listener = new Listener(t, flow, '', bearer);
        await until(() => listener.status > 0, { what: 'an answer' });
        return listener.status === 200 ? listener : undefined;
      },
      { what: 'the place that was left' },
    );
    await flow.gateway.stop();
    await until(() => next.ended && listeners[1]!.ended, { what: 'the streams to end with the gateway' });
  });
});
