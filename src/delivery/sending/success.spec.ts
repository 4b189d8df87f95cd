import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../domain/attempt.js';
import { ANSWER_BYTES_MAX } from './exchange.js';
import { FIRST, httpServer, recordOf, recordWith, REPLY_BYTES_MAX, senderTo, tcpServer } from './sending.fixture.js';

const ASKS = recordWith({ responseTopic: 'replies/7', correlationData: 'aGk=' });
const DELIVERED: Outcome = { kind: 'delivered' };

describe('HttpSender with answers: dapr', () => {
  const dapr = { answers: 'dapr' } as const;

  it('the body of a 2xx decides, other statuses mean what they always do', async (t) => {
    let answer: { status: number; body?: string } = { status: 204 };
    const { url } = await httpServer(t, () => answer);
    const sender = senderTo(t, url, { ...dapr, headers: { 'x-key': 'hunter2hunter2' } });
    const table: [status: number, body: string | undefined, expected: object][] = [
      [200, '{"status":"RETRY"}', { kind: 'retry', reason: 'answer', status: 200, detail: '{"status":"RETRY"}' }],
      [201, '{"status":"DROP"}', { kind: 'dead', reason: 'dropped', status: 201, detail: '{"status":"DROP"}' }],
      [200, '{"status":"hunter2hunter2"}', { kind: 'retry', detail: '{"status":"[redacted]"}' }],
      [200, '{"status":"SUCCESS"}', DELIVERED],
      [200, '', DELIVERED],
      [204, undefined, DELIVERED],
      [404, '{"status":"SUCCESS"}', { kind: 'retry', reason: 'status', status: 404 }],
      [500, '{"status":"DROP"}', { kind: 'retry', reason: 'status', status: 500 }],
    ];
    for (const [status, body, expected] of table) {
      answer = { status, ...(body === undefined ? {} : { body }) };
      const outcome = await sender.send(recordOf(), FIRST);
      assert.deepEqual({ ...outcome, ...expected }, outcome, `${status} ${body}`);
    }
  });

  it('a body without end is read to its bound and tried again', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n{"status":"SUCCESS","x":"');
        socket.write('x'.repeat(2 * ANSWER_BYTES_MAX));
      });
    });
    const outcome = await senderTo(t, url, dapr).send(recordOf(), FIRST);
    assert.ok(outcome.kind === 'retry' && outcome.reason === 'answer');
    assert.match(outcome.detail, /^the answer is longer than 65536 bytes: \{"status"/);
    assert.equal(sockets.length, 1);
  });
});

describe('HttpSender with reply: true', () => {
  async function answered(
    t: Parameters<typeof httpServer>[0],
    answer: { status: number; headers?: { [name: string]: string }; body?: string },
    changes: { record?: typeof ASKS; reply?: boolean } = {},
  ): Promise<Outcome> {
    const { record = ASKS, reply = true } = changes;
    const { url } = await httpServer(t, () => answer);
    return senderTo(t, url, { reply }).send(record, FIRST);
  }

  it('a 200 with a body is a reply, with its content type where it has one', async (t) => {
    const typed = await answered(t, { status: 200, headers: { 'content-type': 'text/plain' }, body: 'pong' });
    assert.deepEqual(typed, {
      kind: 'delivered',
      reply: { body: Buffer.from('pong'), contentType: 'text/plain' },
    });
    const bare = await answered(t, { status: 200, body: 'pong' });
    assert.deepEqual(bare, { kind: 'delivered', reply: { body: Buffer.from('pong') } });
  });

  it('nothing else is: other 2xx, no body, no response topic, nobody asked', async (t) => {
    for (const answer of [{ status: 202, body: 'pong' }, { status: 200 }, { status: 204 }]) {
      assert.deepEqual(await answered(t, answer), DELIVERED);
    }
    const pong = { status: 200, body: 'pong' };
    assert.deepEqual(await answered(t, pong, { record: recordOf() }), DELIVERED);
    assert.deepEqual(await answered(t, pong, { reply: false }), DELIVERED);
    assert.equal((await answered(t, { status: 500, body: 'pong' })).kind, 'retry');
  });

  it('one as long as may be published is whole; of a longer one a byte more is kept', async (t) => {
    for (const [length, kept] of [
      [REPLY_BYTES_MAX, REPLY_BYTES_MAX],
      [REPLY_BYTES_MAX + 1, REPLY_BYTES_MAX + 1],
      [20 * REPLY_BYTES_MAX, REPLY_BYTES_MAX + 1],
    ] as const) {
      const outcome = await answered(t, { status: 200, body: 'x'.repeat(length) });
      assert.ok(outcome.kind === 'delivered');
      assert.equal(outcome.reply?.body.length, kept);
    }
  });

  it('a body that breaks off is no reply: the record is tried again', async (t) => {
    const { url } = await tcpServer(t, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'));
    });
    const outcome = await senderTo(t, url, { reply: true }).send(ASKS, FIRST);
    assert.ok(outcome.kind === 'retry' && outcome.reason === 'network');
  });
});
