import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageHandler } from '@nestjs/microservices';
import { concat, EMPTY, NEVER, Observable, of, throwError } from 'rxjs';
import type { Outcome } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import { HandlerSender, HoldfastContext } from './handler-sender.js';

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
  const sender = new HandlerSender(handle as unknown as MessageHandler, timeoutMs);
  return sender.send({ ...RECORD, ...changes }, { attempt: 3 });
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

  it('can ask for the record and the attempt', async () => {
    const seen: unknown[] = [];
    await send((_, context) => void seen.push(context.record.topic, context.record.position, context.attempt));
    assert.deepEqual(seen, ['devices/a/telemetry', 7, 3]);
  });
});
