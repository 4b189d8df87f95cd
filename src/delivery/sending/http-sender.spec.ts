import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { Outcome } from '../../domain/attempt.js';
import { HttpSender } from './http-sender.js';
import {
  answering,
  FIRST,
  gone,
  httpServer,
  NOW,
  recordOf,
  SECRET,
  senderTo,
  settingsOf,
  tcpServer,
} from './sending.fixture.js';

const DEADLINE_MS = 300;
/** These servers never end by themselves: this late on a busy machine is still the deadline's doing. */
const LATE_MS = 5_000;

/** Writes one byte after another for as long as the socket lives. */
function drip(socket: Socket): void {
  const dripping = setInterval(() => socket.write('x'), 10);
  socket.once('close', () => clearInterval(dripping));
}

function reasonOf(outcome: Outcome): string {
  return 'reason' in outcome ? `${outcome.kind}: ${outcome.reason}` : outcome.kind;
}

async function timed(sending: Promise<Outcome>): Promise<[Outcome, tookMs: number]> {
  const start = performance.now();
  const outcome = await sending;
  return [outcome, performance.now() - start];
}

describe('HttpSender against a subscriber that misbehaves', () => {
  it('nobody listens: throttled, refused', async (t) => {
    const { origin, server } = await httpServer(t);
    server.close();
    const outcome = await senderTo(t, origin).send(recordOf(), FIRST);
    assert.equal(reasonOf(outcome), 'throttled: refused');
    assert.match('detail' in outcome ? outcome.detail : '', /ECONNREFUSED/);
  });

  const slow: [name: string, beginning: string][] = [
    ['hangs without a word', ''],
    ['drips within the headers', 'HTTP/1.1 200 OK\r\nx-drip: '],
    ['drips within the body', 'HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n'],
  ];
  for (const [name, beginning] of slow) {
    it(`${name}: the deadline holds, the socket is gone, and the next attempt has a new one`, async (t) => {
      const { url, sockets } = await tcpServer(t, (socket) => {
        socket.once('data', () => {
          socket.write(beginning);
          if (beginning !== '') drip(socket);
        });
      });
      const sender = senderTo(t, url, { timeoutMs: DEADLINE_MS, concurrency: 1 });
      for (const attempt of [1, 2]) {
        const [outcome, tookMs] = await timed(sender.send(recordOf(), { attempt, replay: false }));
        assert.equal(reasonOf(outcome), 'retry: timeout');
        assert.ok(tookMs >= 0.9 * DEADLINE_MS && tookMs < LATE_MS, `${tookMs} ms`);
        await gone(sockets[attempt - 1]!);
      }
      assert.equal(sockets.length, 2);
    });
  }

  it('hangs within the TLS handshake: the deadline holds, and abort ends it too', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) => socket.resume());
    const address = url.replace('http:', 'https:');
    const sender = senderTo(t, address, { timeoutMs: DEADLINE_MS });
    assert.equal(reasonOf(await sender.send(recordOf(), FIRST)), 'retry: timeout');
    await gone(sockets[0]!);

    const patient = senderTo(t, address, { timeoutMs: 600_000 });
    const abort = new AbortController();
    const sending = patient.send(recordOf(), { ...FIRST, signal: abort.signal });
    for (let turn = 0; turn < 1_000 && sockets.length < 2; turn++) await setImmediate();
    abort.abort();
    assert.equal(reasonOf(await sending), 'retry: network');
    await gone(sockets[1]!);
  });

  it('a reset before and in the middle of an answer: retry, network', async (t) => {
    for (const beginning of ['', 'HTTP/1.1 2', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf']) {
      const { url } = await tcpServer(t, (socket) => {
        socket.once('data', () =>
          beginning ? socket.write(beginning, () => socket.resetAndDestroy()) : socket.resetAndDestroy(),
        );
      });
      assert.equal(reasonOf(await senderTo(t, url).send(recordOf(), FIRST)), 'retry: network', beginning);
    }
  });

  it('an answer that is not HTTP: retry, network', async (t) => {
    const answers = [
      '220 mail.example ESMTP\r\n',
      '\u0015\u0003\u0001\u0000\u0002\u0002',
      'HTTP/1.1 101 Up\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ];
    for (const answer of answers) {
      const { url } = await answering(t, answer);
      assert.equal(reasonOf(await senderTo(t, url).send(recordOf(), FIRST)), 'retry: network', answer);
    }
  });

  it('plain HTTP where TLS is expected: retry, tls, opens the breaker', async (t) => {
    const { url } = await answering(t, 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
    const outcome = await senderTo(t, url.replace('http:', 'https:')).send(recordOf(), FIRST);
    assert.equal(reasonOf(outcome), 'retry: tls');
    assert.ok(outcome.kind === 'retry' && outcome.opensBreaker);
  });

  it('an answer before the request is read counts, and the next attempt has a connection of its own', async (t) => {
    const table: [answer: string, expected: string][] = [
      ['HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n', 'dead: status'],
      ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 'delivered'],
    ];
    for (const [answer, expected] of table) {
      const { url, sockets } = await tcpServer(t, (socket) => {
        socket.once('data', () => socket.pause().write(answer));
      });
      const sender = senderTo(t, url, { concurrency: 1 });
      const record = recordOf({ payload: Buffer.alloc(32 * 1024 * 1024) });
      assert.equal(reasonOf(await sender.send(record, FIRST)), expected);
      assert.equal(reasonOf(await sender.send(record, FIRST)), expected);
      assert.equal(sockets.length, 2);
    }
  });

  it('headers without end: retry, network', async (t) => {
    const { url } = await answering(t, `HTTP/1.1 200 OK\r\n${'x-big: 1234567890\r\n'.repeat(10_000)}`);
    assert.equal(reasonOf(await senderTo(t, url).send(recordOf(), FIRST)), 'retry: network');
  });

  it('a gigabyte in answer to success: delivered at once, the rest is never read', async (t) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const { url, sockets } = await tcpServer(t, (socket) => {
      const pour = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n');
        socket.on('drain', pour);
        pour();
      });
    });
    const sender = senderTo(t, url, { concurrency: 1 });
    for (const attempt of [1, 2]) {
      assert.deepEqual(await sender.send(recordOf(), { attempt, replay: false }), { kind: 'delivered' });
      const socket = sockets[attempt - 1]!;
      await gone(socket);
      // Whatever the two kernels hold between them, and nothing near the gigabyte.
      assert.ok(socket.bytesWritten < 64 * 1024 * 1024, `${socket.bytesWritten} bytes`);
    }
    assert.equal(sockets.length, 2);
  });

  it('a long answer to failure: its status counts, and 2 KiB of it are kept', async (t) => {
    const { url } = await answering(t, `HTTP/1.1 400 No\r\ncontent-length: 1000000\r\n\r\n${'y'.repeat(200_000)}`);
    const outcome = await senderTo(t, url).send(recordOf(), FIRST);
    assert.deepEqual(outcome, { kind: 'dead', reason: 'status', status: 400, detail: 'y'.repeat(2_048) });
  });

  it('a redirect is not followed, and is dead', async (t) => {
    const { url, received } = await httpServer(t, () => ({
      status: 307,
      headers: { location: '/elsewhere' },
      body: 'go',
    }));
    const outcome = await senderTo(t, url).send(recordOf(), FIRST);
    assert.deepEqual(outcome, { kind: 'dead', reason: 'redirect', status: 307, detail: 'to /elsewhere: go' });
    assert.deepEqual(
      received.map(({ path }) => path),
      ['/events'],
    );
  });

  it('429 with a date: throttled until then', async (t) => {
    const retryAfter = new Date(NOW + 60_000).toUTCString();
    const { url } = await httpServer(t, () => ({
      status: 429,
      headers: { 'retry-after': retryAfter },
      body: 'slow down',
    }));
    const outcome = await senderTo(t, url).send(recordOf(), FIRST);
    const retryAfterMs = 60_000 - (NOW % 1_000);
    assert.deepEqual(outcome, { kind: 'throttled', reason: 'status', status: 429, detail: 'slow down', retryAfterMs });
  });

  it('410: gone', async (t) => {
    const { url } = await httpServer(t, () => ({ status: 410, body: 'bye\n' }));
    assert.deepEqual(await senderTo(t, url).send(recordOf(), FIRST), { kind: 'gone', status: 410, detail: 'bye\\n' });
  });

  it('an answer that echoes the request shows no secret', async (t) => {
    const { origin } = await httpServer(t, ({ path, headers }) => ({
      status: 500,
      body: path + JSON.stringify(headers),
    }));
    const headers = { authorization: 'Bearer hunter2hunter2' };
    const url = origin.replace('//', '//me:passw0rd@') + '/?key=querysecret';
    const outcome = await senderTo(t, url, { headers }).send(recordOf(), FIRST);
    const detail = 'detail' in outcome ? outcome.detail : '';
    assert.match(detail, /Bearer|redacted/);
    assert.doesNotMatch(detail, /hunter2|querysecret|passw0rd/);
  });

  it('a header that cannot be written is an outcome, never a rejection', async (t) => {
    const { url, received } = await httpServer(t);
    const outcome = await senderTo(t, url, { headers: { 'x-broken': 'a\r\nb: c' } }).send(recordOf(), FIRST);
    assert.ok(outcome.kind === 'retry' && outcome.opensBreaker);
    assert.equal(received.length, 0);
  });

  it('more attempts than connections: throttled, without a socket more', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    const sender = senderTo(t, url, { concurrency: 2 });
    const outcomes = await Promise.all([1, 2, 3].map(() => sender.send(recordOf(), FIRST)));
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'delivered', 'throttled'],
    );
    assert.equal(sockets.length, 2);
  });

  it('without a URL it can use, it is not made', () => {
    const options = { source: 'urn:x', userAgent: 'holdfast/0', clock: { now: () => NOW, monotonic: () => 0 } };
    for (const url of ['', 'nowhere', 'ftp://127.0.0.1/']) {
      assert.throws(() => new HttpSender(settingsOf(url), options), HoldfastError);
    }
  });
});

describe('HttpSender that must stop', () => {
  it('abort ends the attempts in flight at once, and later ones before they begin', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) => socket.resume());
    const sender = senderTo(t, url, { timeoutMs: 60_000 });
    const abort = new AbortController();
    const context = { ...FIRST, signal: abort.signal };
    const sending = [1, 2, 3].map(() => sender.send(recordOf(), context));
    abort.abort();
    const aborted = { kind: 'retry', reason: 'network', status: 0, detail: 'aborted', opensBreaker: false };
    assert.deepEqual(await Promise.all(sending), [aborted, aborted, aborted]);
    assert.deepEqual(await sender.send(recordOf(), context), aborted);
    assert.ok(sockets.length <= 3);
  });

  it('abort of one signal leaves the attempts of another', async (t) => {
    const { url } = await tcpServer(t, (socket) => {
      socket.once('data', () => setTimeout(() => socket.write('HTTP/1.1 204 No Content\r\n\r\n'), 50));
    });
    const sender = senderTo(t, url);
    const abort = new AbortController();
    const one = sender.send(recordOf(), { ...FIRST, signal: abort.signal });
    const other = sender.send(recordOf(), { ...FIRST, signal: new AbortController().signal });
    abort.abort();
    assert.deepEqual([(await one).kind, (await other).kind], ['retry', 'delivered']);
  });

  it('close lets the attempt in flight finish, frees the socket, and refuses later ones', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) => {
      socket.once('data', () => setTimeout(() => socket.write('HTTP/1.1 204 No Content\r\n\r\n'), 50));
    });
    const sender = senderTo(t, url);
    const sending = sender.send(recordOf(), FIRST);
    await sender.close();
    assert.deepEqual(await sending, { kind: 'delivered' });
    assert.equal(reasonOf(await sender.send(recordOf(), FIRST)), 'retry: network');
    await gone(sockets[0]!);
  });

  it('close is over within the timeout when the subscriber hangs', async (t) => {
    const { url } = await tcpServer(t, (socket) => socket.resume());
    const sender = senderTo(t, url, { timeoutMs: DEADLINE_MS });
    const sending = sender.send(recordOf(), FIRST);
    const start = performance.now();
    await sender.close();
    assert.ok(performance.now() - start < DEADLINE_MS * 4);
    assert.equal(reasonOf(await sending), 'retry: timeout');
  });
});

describe('HttpSender and its connections', () => {
  it('a connection is used again, and each sender has its own', async (t) => {
    const { url, received } = await httpServer(t);
    const [one, other] = [senderTo(t, url), senderTo(t, url)];
    for (const sender of [one, one, other, one]) {
      assert.deepEqual(await sender.send(recordOf(), FIRST), { kind: 'delivered' });
    }
    const [first, second, third, fourth] = received.map(({ socket }) => socket);
    assert.ok(first === second && first === fourth);
    assert.notEqual(first, third);
  });

  it('a connection that the subscriber closed meanwhile is replaced without a failure', async (t) => {
    const { url, received } = await httpServer(t);
    const sender = senderTo(t, url, { signing: { secrets: [SECRET] } });
    await sender.send(recordOf(), FIRST);
    const [{ socket }] = received as [(typeof received)[0]];
    socket.end();
    await gone(socket);
    assert.deepEqual(await sender.send(recordOf(), FIRST), { kind: 'delivered' });
  });
});
