import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { Outcome } from '../../domain/attempt.js';
import { FIRST, gone, recordOf, senderTo, tcpServer } from './sending.fixture.js';

const SHORT_MS = 150;
/** Only a test that fails waits this long. */
const LONG_MS = 60_000;

function detailOf(outcome: Outcome): string {
  assert.ok(outcome.kind === 'retry' && outcome.reason === 'timeout', JSON.stringify(outcome));
  return outcome.detail;
}

/** The head at once, the body so much later. */
function answerSlowly(socket: Socket, delayMs: () => number): void {
  socket.on('data', () => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
    setTimeout(() => socket.write('ok'), delayMs()).unref();
  });
}

describe('the timeouts of an attempt', () => {
  it('connectTimeout: a TLS handshake that hangs is given up, and the next attempt has a new socket', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) => socket.resume());
    const timeouts = { timeoutMs: LONG_MS, headersTimeoutMs: LONG_MS, connectTimeoutMs: SHORT_MS, concurrency: 1 };
    const sender = senderTo(t, url.replace('http:', 'https:'), timeouts);
    for (const attempt of [1, 2]) {
      const outcome = await sender.send(recordOf(), { attempt, replay: false });
      assert.equal(detailOf(outcome), `no connection within ${SHORT_MS} ms`);
      await gone(sockets[attempt - 1]!);
    }
    assert.equal(sockets.length, 2);
  });

  it('headersTimeout: no answer, or nothing but interim ones, is given up', async (t) => {
    for (const interim of ['', 'HTTP/1.1 103 Early Hints\r\n\r\n']) {
      const { url } = await tcpServer(t, (socket) => {
        socket.once('data', () => {
          if (interim === '') return;
          const flood = setInterval(() => socket.write(interim), SHORT_MS / 8);
          socket.once('close', () => clearInterval(flood));
        });
      });
      const sender = senderTo(t, url, { timeoutMs: LONG_MS, headersTimeoutMs: SHORT_MS });
      assert.equal(detailOf(await sender.send(recordOf(), FIRST)), `no answer within ${SHORT_MS} ms`);
    }
  });

  it('an answer that has begun in time has the whole timeout, and leaves no deadline to the next', async (t) => {
    const delays = [1_300, 2_000];
    const { url, sockets } = await tcpServer(t, (socket) => answerSlowly(socket, () => delays.shift()!));
    const sender = senderTo(t, url, { timeoutMs: 3_000, headersTimeoutMs: 1_000, concurrency: 1 });
    for (const attempt of [1, 2]) {
      assert.deepEqual(await sender.send(recordOf(), { attempt, replay: false }), { kind: 'delivered' });
    }
    assert.equal(sockets.length, 1);
  });

  it('and no more than that', async (t) => {
    const { url } = await tcpServer(t, (socket) => answerSlowly(socket, () => LONG_MS));
    const sender = senderTo(t, url, { timeoutMs: 1_200, headersTimeoutMs: 1_000 });
    assert.equal(detailOf(await sender.send(recordOf(), FIRST)), 'no whole answer within 1200 ms');
  });
});
