import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Outcome } from '../../domain/attempt.js';
import { readPastHangUp } from './hang-up.js';
import { FIRST, gone, recordOf, senderTo, tcpServer } from './sending.fixture.js';

const BODY_BYTES = 10_000_000;
const TRIES = 12;

/** Receivers that answer without having read the body, and close: in a thread of their own, as one in this thread is never in time. */
const HASTY = `
  const { parentPort } = require('node:worker_threads');
  require('node:http').createServer((request, response) => {
    response.writeHead(Number(request.url.slice(1)), { connection: 'close' }).end('early');
  }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

async function hasty(t: TestContext): Promise<string> {
  const worker = new Worker(HASTY, { eval: true });
  t.after(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  return `http://127.0.0.1:${port}`;
}

/** A socket whose other end has answered and is gone, although something it was sent lies there unread. */
async function hungUpOn(t: TestContext, prepare: (socket: Socket) => void): Promise<Socket> {
  const accepted = Promise.withResolvers<Socket>();
  const { port } = await tcpServer(t, (one) => accepted.resolve(one.pause()));
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  prepare(socket);
  await once(socket, 'connect');
  const other = await accepted.promise;
  socket.write('unread');
  other.write('the answer');
  other.destroy();
  return socket;
}

describe('a receiver that answers before it has read the request, and closes', () => {
  const table: [status: number, outcome: Outcome][] = [
    [401, { kind: 'retry', reason: 'status', status: 401, detail: 'early', opensBreaker: true }],
    [413, { kind: 'dead', reason: 'status', status: 413, detail: 'early' }],
    [200, { kind: 'delivered' }],
  ];
  for (const [status, outcome] of table) {
    it(`${status}: its answer counts, not that the rest could not be written`, async (t) => {
      const sender = senderTo(t, `${await hasty(t)}/${status}`, { concurrency: 1, timeoutMs: 60_000 });
      const record = recordOf({ payload: Buffer.alloc(BODY_BYTES) });
      for (let i = 0; i < TRIES; i++) assert.deepEqual(await sender.send(record, FIRST), outcome, `try ${i}`);
    });
  }

  it('without an answer: retry, network', async (t) => {
    const { url } = await tcpServer(t, (socket) => socket.once('data', () => socket.destroy()));
    const outcome = await senderTo(t, url).send(recordOf({ payload: Buffer.alloc(BODY_BYTES) }), FIRST);
    assert.deepEqual([outcome.kind, 'reason' in outcome && outcome.reason], ['retry', 'network']);
  });
});

describe('readPastHangUp', () => {
  it('a write that fails takes nothing of what was said before, and is told', async (t) => {
    let told = 0;
    const socket = await hungUpOn(t, (one) => readPastHangUp(one, () => told++));
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
    socket.on('error', () => undefined); // that the other end has reset it is read after the answer
    socket.write(Buffer.alloc(BODY_BYTES));
    await gone(socket);
    assert.deepEqual([heard, told], ['the answer', 1]);
  });

  it('without it Node drops the answer', async (t) => {
    const socket = await hungUpOn(t, () => undefined);
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
    socket.write(Buffer.alloc(BODY_BYTES));
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.match(`${error.syscall} ${error.code}`, /^write (EPIPE|ECONNRESET)$/);
    assert.equal(heard, '');
  });

  it('any other failure of a write is passed on', async (t) => {
    const { port } = await tcpServer(t, () => undefined);
    const socket = connect(port, '127.0.0.1');
    let told = 0;
    const failure = Object.assign(new Error('no memory'), { code: 'ENOMEM' });
    socket._write = (_chunk, _encoding, written) => written(failure);
    readPastHangUp(socket, () => told++);
    socket.write('x');
    assert.deepEqual([await once(socket, 'error'), told], [[failure], 0]);
  });
});
