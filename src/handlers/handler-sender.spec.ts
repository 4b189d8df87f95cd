import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BadRequestException, ConflictException, ForbiddenException, HttpException } from '@nestjs/common';
import { RpcException, type MessageHandler } from '@nestjs/microservices';
import { concat, EMPTY, NEVER, Observable, of, throwError } from 'rxjs';
import type { Outcome } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import { parameterised, parametersOf } from '../domain/topic-parameters.js';
import type { HoldfastContext } from './handler-context.js';
import { HandlerSender } from './handler-sender.js';

type Handle = (data: unknown, context: HoldfastContext) => unknown;

const RECORD: Record = {
  position: 7,
  id: 'id',
  topic: 'devices/a/telemetry',
  qos: 1,
  retain: false,
  receivedAt: 0,
  payload: Buffer.from('{"a":1}'),
  properties: null,
};

function send(handle: Handle, changes: Partial<Record> = {}, timeoutMs = 1_000): Promise<Outcome> {
  const sender = new HandlerSender([handle as unknown as MessageHandler], { timeoutMs, reply: false });
  return sender.send({ ...RECORD, ...changes }, { attempt: 3, replay: false });
}

/** Ids of messages whose answers were dropped. */
const dropped: string[] = [];

/** What a `@MessagePattern` handler's answer becomes. */
function reply(handle: Handle, asked = true): Promise<Outcome> {
  const settings = { timeoutMs: 1_000, reply: true };
  const sender = new HandlerSender([handle as unknown as MessageHandler], settings, ({ id }) => dropped.push(id));
  const properties = asked ? { responseTopic: 'answers/a' } : null;
  return sender.send({ ...RECORD, properties }, { attempt: 1, replay: false });
}

/** What the handler is given for this payload. */
async function data(payload: Uint8Array): Promise<unknown> {
  let given: unknown;
  assert.deepEqual(await send((value) => void (given = value), { payload }), { kind: 'delivered' });
  return given;
}

function failed(detail: string, reason = 'threw'): Outcome {
  return { kind: 'retry', reason, status: 0, detail, opensBreaker: false } as Outcome;
}

describe('a handler that fails', () => {
  it('is a failed attempt, however it fails', async () => {
    const error = new Error('no disk');
    for (const handle of [
      (): never => {
        throw error;
      },
      (): Promise<never> => Promise.reject(error),
      (): unknown => throwError(() => error),
      (): unknown => Promise.resolve(throwError(() => error)),
      (): unknown =>
        concat(
          of(1),
          throwError(() => error),
        ),
    ]) {
      assert.deepEqual(await send(handle), failed('no disk'));
    }
  });

  it('is a failed attempt, whatever it throws', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const thrown: [value: unknown, detail: RegExp][] = [
      [{ status: 'error', message: 'Internal server error' }, /Internal server error/],
      ['words', /words/],
      [undefined, /undefined/],
      [null, /null/],
      [circular, /./],
      [10n, /10/],
      [Symbol('s'), /./],
      [Object.create(null), /./],
    ];
    for (const [value, detail] of thrown) {
      const error = value as Error;
      const outcome = await send(() => Promise.reject(error));
      assert.ok(outcome.kind === 'retry' && outcome.reason === 'threw', JSON.stringify(outcome));
      assert.match(outcome.detail, detail);
    }
  });

  it('what it says is kept up to 2 KiB', async () => {
    const outcome = await send(() => Promise.reject(new Error('x'.repeat(100_000))));
    assert.equal('detail' in outcome && outcome.detail.length, 2_048);
  });

  it('one that hangs is given up after its time, and what it does later counts for nothing', async () => {
    for (const hang of [(): unknown => new Promise(() => undefined), (): unknown => NEVER]) {
      assert.deepEqual(await send(hang, {}, 20), failed('the handler did not end within 20 ms', 'timeout'));
    }
    const late = (): Promise<never> => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 40));
    assert.deepEqual(await send(late, {}, 20), failed('the handler did not end within 20 ms', 'timeout'));
    await new Promise((resolve) => setTimeout(resolve, 40));
  });

  it('an Observable that never ends is let go of with the attempt', async () => {
    let subscribed = 0;
    const endless = new Observable(() => {
      subscribed++;
      return () => subscribed--;
    });
    await send(() => endless, {}, 20);
    assert.equal(subscribed, 0);
  });
});

describe('a handler that is given up', () => {
  it('sees its signal aborted when its time is over, and not when it ended in time', async () => {
    const signals: AbortSignal[] = [];
    const watch: Handle = (_, { signal }) => {
      signals.push(signal);
      return signals.length === 1 ? undefined : new Promise(() => undefined);
    };
    await send(watch);
    await send(watch, {}, 20);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, true],
    );
    assert.match(String(signals[1]!.reason), /did not end within 20 ms/);
  });

  it('sees it aborted, and the attempt ends, when the gateway must stop at once', async () => {
    let seen: AbortSignal | undefined;
    let calls = 0;
    const hang: Handle = (_, { signal }) => {
      calls++;
      seen = signal;
      return new Promise(() => undefined);
    };
    const sender = new HandlerSender([hang as unknown as MessageHandler], { timeoutMs: 60_000, reply: false });
    const stop = new AbortController();
    const outcome = sender.send(RECORD, { attempt: 1, replay: false, signal: stop.signal });
    stop.abort();
    assert.deepEqual(await outcome, failed('the gateway had to stop', 'timeout'));
    assert.equal(seen?.aborted, true);
    const after = await sender.send(RECORD, { attempt: 1, replay: false, signal: stop.signal });
    assert.deepEqual([after.kind, calls], ['retry', 1], 'it is not called once that has been said');
  });
});

describe('a handler that says that no try can help', () => {
  it('by a status of 4xx: the record is dead at once, with what was found', async () => {
    const invalid = new BadRequestException(['n must be a number', 'id should not be empty']);
    const outcome = await send(() => Promise.reject(invalid));
    const detail = "[ 'n must be a number', 'id should not be empty' ]";
    assert.deepEqual(outcome, { kind: 'dead', reason: 'threw', status: 400, detail });
    const thrown = [
      new ForbiddenException('no'),
      new RpcException({ status: 422, message: 'no' }).getError(),
      { statusCode: 404, message: 'no' },
    ];
    for (const error of thrown) {
      const { kind, reason } = (await send(() => throwError(() => error))) as Extract<Outcome, { kind: 'dead' }>;
      assert.deepEqual([kind, reason], ['dead', 'threw']);
    }
  });

  it('408, 409, 425, 429 and everything else is tried again', async () => {
    const thrown = [
      ...[408, 425, 429, 500, 503].map((status) => new HttpException('no', status)),
      new ConflictException('no'),
      new RpcException('no'),
      { status: 'error', message: 'no' },
    ];
    for (const error of thrown) {
      assert.equal((await send(() => throwError(() => error))).kind, 'retry', JSON.stringify(error));
    }
  });
});

describe('a handler that answers', () => {
  it('its last value is the reply: bytes as they are, text as it is, anything else as JSON', async () => {
    const bytes = Uint8Array.of(0xff, 0);
    const answers: [handle: Handle, body: Uint8Array, contentType?: string][] = [
      [(): unknown => ({ ok: true }), Buffer.from('{"ok":true}'), 'application/json'],
      [(): unknown => Promise.resolve(null), Buffer.from('null'), 'application/json'],
      [(): unknown => of(1, 2, 3), Buffer.from('3'), 'application/json'],
      [(): unknown => 'done', Buffer.from('done'), 'text/plain; charset=utf-8'],
      [(): unknown => bytes, bytes],
    ];
    for (const [handle, body, contentType] of answers) {
      const expected = { kind: 'delivered', reply: contentType === undefined ? { body } : { body, contentType } };
      assert.deepEqual(await reply(handle), expected);
    }
  });

  it('nothing is published without an answer, and to nobody who did not ask', async () => {
    for (const handle of [(): unknown => undefined, (): unknown => EMPTY]) {
      assert.deepEqual(await reply(handle), { kind: 'delivered' });
    }
    assert.deepEqual(dropped, []);
    assert.deepEqual(await reply(() => 'done', false), { kind: 'delivered' });
    assert.deepEqual(dropped, ['id']);
    assert.deepEqual(await send(() => 'done', { properties: { responseTopic: 'a' } }), { kind: 'delivered' });
  });

  it('with what cannot be published, it has failed', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const answer of [circular, 10n, Symbol('s'), (): void => undefined]) {
      const outcome = await reply(() => answer);
      assert.ok(outcome.kind === 'retry' && outcome.reason === 'threw', JSON.stringify(outcome));
    }
  });
});

describe('a handler that ends', () => {
  it('has been delivered to, whether it returns, resolves, or completes an Observable', async () => {
    for (const handle of [
      (): unknown => undefined,
      (): unknown => Promise.resolve('answer'),
      (): unknown => of(1, 2, 3),
      (): unknown => EMPTY,
      (): unknown => Promise.resolve(of(1)),
    ]) {
      assert.deepEqual(await send(handle), { kind: 'delivered' });
    }
  });

  it('an Observable is waited for to its end, and subscribed to once', async () => {
    const seen: string[] = [];
    const slow = new Observable((observer) => {
      seen.push('subscribed');
      observer.next(1);
      setTimeout(() => {
        seen.push('completed');
        observer.complete();
      }, 10);
    });
    await send(() => slow);
    assert.deepEqual(seen, ['subscribed', 'completed']);
  });

  it('has had JSON as its value, and anything else as the bytes that came', async () => {
    assert.deepEqual(await data(Buffer.from('{"a":[1,null]}')), { a: [1, null] });
    assert.equal(await data(Buffer.from('0')), 0);
    for (const bytes of [[], [0xff, 0xfe], [...Buffer.from('temperature=21')], [0x22, 0xff, 0x22]]) {
      assert.deepEqual(await data(Uint8Array.from(bytes)), Buffer.from(bytes));
    }
    const within = new Uint8Array(Buffer.from('xx{"a":1}xx')).subarray(2, 9);
    assert.deepEqual(await data(within), { a: 1 });
  });

  it('finds in its context what Nest’s own MQTT context has', async () => {
    const properties = {
      contentType: 'text/plain',
      correlationData: Buffer.from([1, 0xff]).toString('base64'),
      userProperties: [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ] as [string, string][],
    };
    let seen: unknown[] = [];
    await send((_, context) => void (seen = [context.getTopic(), context.getPacket()]), { properties });
    const packet = {
      ...{ cmd: 'publish', topic: RECORD.topic, payload: RECORD.payload, qos: 1, retain: false, dup: false },
      properties: {
        contentType: 'text/plain',
        correlationData: Buffer.from([1, 0xff]),
        userProperties: { a: ['1', '3'], b: '2' },
      },
    };
    assert.deepEqual(seen, [RECORD.topic, packet]);
  });

  it('can ask for the record and the attempt', async () => {
    const seen: unknown[] = [];
    await send((_, context) => void seen.push(context.record.topic, context.record.position, context.attempt));
    assert.deepEqual(seen, ['devices/a/telemetry', 7, 3]);
  });

  it('can ask for the levels of the topic that have a name', async () => {
    const seen: unknown[] = [];
    const handle: Handle = (_, { parameters }) => void seen.push(parameters);
    const sender = new HandlerSender([handle as unknown as MessageHandler], { timeoutMs: 1_000, reply: false });
    const find = parametersOf([parameterised('devices/{deviceId}/telemetry')]);
    await sender.send(RECORD, { attempt: 1, replay: false, parametersOf: find });
    await send(handle);
    assert.deepEqual(seen, [{ deviceId: 'a' }, {}]);
  });

  it('can ask for the trace context: of the attempt, else the message’s own when it is one', async () => {
    const [attempt, own] = ['b', 'c'].map((digit) => `00-${'a'.repeat(32)}-${digit.repeat(16)}-01`);
    const seen: unknown[] = [];
    const handle: Handle = (_, { traceparent }) => void seen.push(traceparent);
    const sender = new HandlerSender([handle as unknown as MessageHandler], { timeoutMs: 1_000, reply: false });
    const said = (value: string): Record => ({ ...RECORD, properties: { userProperties: [['traceparent', value]] } });
    for (const record of [said(own!), said('none'), RECORD]) {
      await sender.send(record, { attempt: 1, replay: false });
      await sender.send(record, { attempt: 1, replay: false, traceparent: attempt! });
    }
    assert.deepEqual(seen, [own, attempt, undefined, attempt, undefined, attempt]);
  });
});
