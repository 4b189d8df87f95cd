/** Clients that take no answers, and those that send what cannot be read behind what can: over sockets, with the server alone. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { RestServer } from '../../src/rest/index.js';
import { until } from '../support/until.js';
import { RawConnection } from './raw.js';

const MIB = 2 ** 20;
/** More than the system keeps for a client that takes nothing. */
const LARGE = Buffer.alloc(16 * MIB, 97);
const HEAD = 'Host: localhost\r\n';
const GET = `GET /large HTTP/1.1\r\n${HEAD}\r\n`;
const POST = `POST /later HTTP/1.1\r\n${HEAD}Content-Length: 1\r\n\r\n1`;

/** A server whose POSTs are answered when the test says so. */
class Scene {
  readonly refused: string[] = [];
  readonly gets: string[] = [];
  readonly posts: ServerResponse[] = [];
  readonly #rest: RestServer;

  constructor(private readonly limits: { inHandBytes?: number; stallTimeoutMs?: number; requestTimeoutMs?: number }) {
    const usual = { connections: 100, headerBytes: 16_384, headersTimeoutMs: 1_000, requestTimeoutMs: 60_000 };
    const all = { ...usual, keepAliveMs: 60_000, inHandBytes: 1_000 * MIB, stallTimeoutMs: 60_000, ...this.limits };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      if (request.method === 'POST') return void this.posts.push(response);
      this.gets.push(request.url!);
      response.end(request.url === '/large' ? LARGE : 'small');
    };
    const settings = { host: '127.0.0.1', allowedHosts: [], limits: all };
    this.#rest = new RestServer(settings, listener, (why) => this.refused.push(why));
  }

  async listen(t: TestContext): Promise<this> {
    const { server } = this.#rest;
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return this;
  }

  get #port(): number {
    return (this.#rest.server.address() as AddressInfo).port;
  }

  connected(t: TestContext): RawConnection {
    const connection = new RawConnection(this.#port);
    t.after(() => connection.close());
    return connection;
  }

  /** A client that takes nothing until it is told to. */
  idle(t: TestContext, text: string): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1' })
      .on('error', () => undefined)
      .pause();
    socket.write(text);
    t.after(() => socket.destroy());
    return socket;
  }
}

function scene(t: TestContext, limits: ConstructorParameters<typeof Scene>[0] = {}): Promise<Scene> {
  return new Scene(limits).listen(t);
}

/** What it takes until there is no more. */
async function takenBy(socket: Socket): Promise<number> {
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await ended;
  return socket.bytesRead;
}

describe('answers that nobody takes', () => {
  it('keep the next requests of their connection from being begun, and then all are answered in their order', async (t) => {
    const served = await scene(t);
    const idle = served.idle(t, GET.repeat(3) + POST + GET);
    await until(() => served.gets.length === 1, { what: 'the first to be begun' });
    const other = served.connected(t).write(`GET /small HTTP/1.1\r\n${HEAD}\r\n`);
    assert.equal(await other.verdict(), '200');
    assert.deepEqual([served.gets, served.posts.length], [['/large', '/small'], 0]);
    idle.resume();
    await until(() => served.posts.length === 1, { what: 'the fourth to be begun' });
    assert.equal(served.gets.length, 4, 'the last waits for it');
    served.posts[0]!.end();
    await until(() => idle.bytesRead > 4 * LARGE.length, { what: 'all of them', timeoutMs: 30_000 });
    assert.deepEqual([served.gets.length, served.refused], [5, []]);
  });

  it('are cut off when their client takes nothing for a while, and it is counted', async (t) => {
    const served = await scene(t, { stallTimeoutMs: 200 });
    const idle = served.idle(t, GET);
    await until(() => served.refused.length > 0, { what: 'its end' });
    assert.deepEqual(served.refused, ['connections']);
    assert.ok((await takenBy(idle)) < LARGE.length);
  });

  it('of all connections are no more than they may be: who is owed most is closed, and one alone never', async (t) => {
    const served = await scene(t, { inHandBytes: 40 * MIB });
    const clients = Array.from({ length: 8 }, () => served.idle(t, GET));
    await until(() => served.gets.length === 8 && served.refused.length >= 5, { what: 'some to be closed' });
    const taken = await Promise.all(clients.map((one) => Promise.race([takenBy(one), whole(one)])));
    assert.ok(taken.filter((bytes) => bytes >= LARGE.length).length >= 2, 'those that were left got their answers');
    assert.ok(served.refused.length < 8 && served.refused.every((why) => why === 'connections'));

    const small = await scene(t, { inHandBytes: MIB });
    assert.ok((await whole(small.idle(t, GET))) > LARGE.length);
    assert.deepEqual(small.refused, []);
  });
});

async function whole(socket: Socket): Promise<number> {
  socket.resume();
  await until(() => socket.bytesRead > LARGE.length || socket.destroyed, { what: 'a whole answer' });
  return socket.bytesRead;
}

describe('what cannot be read', () => {
  for (const [status, what] of [
    [400, 'GARBAGE\r\n\r\n'],
    [431, `GET / HTTP/1.1\r\n${HEAD}X: ${'a'.repeat(20_000)}\r\n\r\n`],
    [408, 'GET / HTTP/1.1\r\n'],
  ] as const) {
    it(`behind requests that are answered later is answered ${status} after them`, async (t) => {
      const served = await scene(t);
      const one = served.connected(t).write(POST + POST + what);
      await until(() => served.posts.length === 2 && served.refused.length === 1, { what: 'it to be read' });
      assert.equal(one.received, '', 'nobody else gets an answer that is owed');
      served.posts[1]!.end('second');
      served.posts[0]!.writeHead(202, { 'content-length': 5 }).end('first');
      await one.ended(10_000);
      const seen = one.answers.map((answer) => answer.status);
      assert.deepEqual(seen, [202, 200, status]);
      assert.equal(one.answers[2]!.headers.get('x-request-id')?.length, 36);
    });
  }

  it('of a body is answered in place of its request, behind those before it', async (t) => {
    const served = await scene(t, { requestTimeoutMs: 1_000 });
    const broken = `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\nno size\r\n`;
    const slow = `POST / HTTP/1.1\r\n${HEAD}Content-Length: 10\r\n\r\n1`;
    for (const [status, text] of [
      [400, broken],
      [408, slow],
    ] as const) {
      const begun = served.posts.length;
      const told = served.refused.length;
      const one = served.connected(t).write(POST + text);
      await until(() => served.posts.length === begun + 2 && served.refused.length > told, { what: `the ${status}` });
      assert.equal(one.received, '');
      served.posts[begun]!.end();
      await one.ended(10_000);
      assert.deepEqual(
        one.answers.map((answer) => answer.status),
        [200, status],
      );
    }
  });

  it('is no answer to a request that has been answered before its body had come', async (t) => {
    const served = await scene(t);
    const one = served.connected(t).write(`POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    await until(() => served.posts.length === 1, { what: 'it to be begun' });
    served.posts[0]!.writeHead(401, { 'content-length': 2 }).end('no');
    await until(() => one.answers.length === 1, { what: 'its answer' });
    one.write('no size\r\n');
    await one.ended(10_000);
    assert.equal(one.answers.length, 1, one.received);
  });

  it('behind answers whose client goes away ends with them', async (t) => {
    const served = await scene(t);
    const one = served.connected(t).write(`${POST}GARBAGE\r\n\r\n`);
    await until(() => served.refused.length === 1, { what: 'it to be read' });
    one.close();
    await until(() => served.posts[0]!.destroyed, { what: 'the end to be seen' });
    served.posts[0]!.end();
  });
});
