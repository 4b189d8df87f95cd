import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Outcome, Reply } from '../domain/attempt.js';
import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import type { MessageProperties } from '../domain/message.js';
import type { Record } from '../domain/record.js';
import { ReplyingSender } from './replying-sender.js';

const REPLY: Reply = { body: Buffer.from('pong'), contentType: 'text/plain' };
const WITH_TOPIC = { responseTopic: 'replies/7', correlationData: 'aGk=' };

function recordWith(properties: MessageProperties | null): Record {
  const base = { position: 1, id: 'one', topic: 'a', qos: 1 as const, retain: false, receivedAt: 0 };
  return { ...base, payload: Buffer.from('ping'), properties };
}

function setUp(outcome: Outcome, publishing: () => Promise<void> = () => Promise.resolve()) {
  const published: unknown[] = [];
  const told: string[] = [];
  const sender = new ReplyingSender(
    { send: () => Promise.resolve(outcome), close: () => Promise.resolve(void told.push('closed')) },
    { reply: (...reply) => (published.push(reply), publishing()) },
    { counted: (result) => told.push(result), refused: (code, message) => told.push(`${code}: ${message}`) },
  );
  const send = (properties: MessageProperties | null = WITH_TOPIC): Promise<Outcome> =>
    sender.send(recordWith(properties), { attempt: 1, replay: false });
  return { sender, send, published, told };
}

describe('a subscriber that replies', () => {
  it('a record is delivered only after its reply is in the outbox', async () => {
    let kept = (): void => undefined;
    const { send, told } = setUp({ kind: 'delivered', reply: REPLY }, () => new Promise((resolve) => (kept = resolve)));
    let outcome: Outcome | undefined;
    const sending = send().then((settled) => (outcome = settled));
    await setImmediate();
    assert.equal(outcome, undefined);
    kept();
    assert.deepEqual(await sending, { kind: 'delivered' });
    assert.deepEqual(told, ['queued']);
  });

  it('a reply that finds no room makes the record wait, and uses up no attempt', async () => {
    for (const error of [new HoldfastError('OUTBOX_FULL', 'full'), new HoldfastError('JOURNAL_FULL', 'full')]) {
      const { send, told } = setUp({ kind: 'delivered', reply: REPLY }, () => Promise.reject(error));
      assert.deepEqual(await send(), { kind: 'throttled', reason: 'reply', status: 200, detail: 'full' });
      assert.deepEqual(told, []);
    }
    const { send } = setUp({ kind: 'delivered', reply: REPLY }, () => Promise.reject(new Error('the channel is gone')));
    assert.equal((await send()).kind, 'throttled');
  });

  it('what an attempt is traced as is passed on, with a reply and without', async () => {
    const traced = { kind: 'delivered', reply: REPLY, traceparent: 'a span' } as const;
    assert.deepEqual(await setUp(traced).send(), { kind: 'delivered', traceparent: 'a span' });
    const full = (): Promise<void> => Promise.reject(new HoldfastError('OUTBOX_FULL', 'full'));
    assert.equal((await setUp(traced, full).send()).traceparent, 'a span');
    assert.equal((await setUp(traced).send({})).traceparent, 'a span');
  });

  it('a reply that may not be published is counted, told once for each reason, and the record is delivered', async () => {
    const codes: ErrorCode[] = ['TOPIC_FORBIDDEN', 'TOPIC_FORBIDDEN', 'PAYLOAD_TOO_LARGE', 'REQUEST_INVALID'];
    const left = [...codes];
    const refuse = (): Promise<void> => Promise.reject(new HoldfastError(left.shift()!, 'no'));
    const { send, told } = setUp({ kind: 'delivered', reply: REPLY }, refuse);
    for (const code of codes) assert.deepEqual(await send(), { kind: 'delivered' }, code);
    assert.deepEqual(told, [
      'refused',
      'TOPIC_FORBIDDEN: no',
      'refused',
      'refused',
      'PAYLOAD_TOO_LARGE: no',
      'refused',
      'REQUEST_INVALID: no',
    ]);
  });

  it('what is no reply, or answers a record without a response topic, is passed on', async () => {
    const others: Outcome[] = [
      { kind: 'delivered' },
      { kind: 'gone', status: 410, detail: '' },
      { kind: 'retry', reason: 'timeout', status: 0, detail: '', opensBreaker: false },
    ];
    for (const outcome of others) {
      const { send, published } = setUp(outcome);
      assert.equal(await send(), outcome);
      assert.deepEqual(published, []);
    }
    for (const properties of [null, {}, { correlationData: 'aGk=' }]) {
      const { send, published } = setUp({ kind: 'delivered', reply: REPLY });
      assert.equal((await send(properties)).kind, 'delivered');
      assert.deepEqual(published, []);
    }
  });

  it('goes to the response topic with the correlation data; closing closes the sender', async () => {
    const { sender, send, published, told } = setUp({ kind: 'delivered', reply: REPLY });
    await send();
    assert.deepEqual(published, [['replies/7', 'aGk=', REPLY]]);
    await sender.close();
    assert.deepEqual(told, ['queued', 'closed']);
  });
});
