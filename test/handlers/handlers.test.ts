/** Handlers that fail in every way: each is a failed attempt, the others get everything, the link stays up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Controller, UsePipes, type PipeTransform, BadRequestException } from '@nestjs/common';
import { Ctx, EventPattern as NestEventPattern, Payload } from '@nestjs/microservices';
import { encode } from 'cborg';
import { interval, map, Observable, take } from 'rxjs';
import { EventPattern, HoldfastContext } from '../../src/index.js';
import { needs } from '../support/needs.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { until } from '../support/until.js';
import { appFlow, SOON } from './app-flow.js';

interface Reading {
  n: number;
}

describe('handlers in an app', { skip: needs('mosquitto') }, () => {
  it('throw, hang, block or answer with a stream: each message is retried, and dead in the end, or delivered', async (t) => {
    const seen = { thrown: 0, hung: 0, blocked: 0, streamed: 0, healthy: 0, aborted: 0 };

    @Controller()
    class Handlers {
      @EventPattern('devices/throws', SOON)
      throws(): never {
        seen.thrown++;
        throw new Error('no disk');
      }
      @EventPattern('devices/hangs', { ...SOON, timeout: '50ms' })
      hangs(@Ctx() context: HoldfastContext): Promise<void> {
        seen.hung++;
        context.signal.addEventListener('abort', () => seen.aborted++);
        return new Promise(() => undefined);
      }
      @EventPattern('devices/blocks', SOON)
      blocks(@Ctx() context: HoldfastContext): void {
        const until = performance.now() + 500;
        while (performance.now() < until);
        seen.blocked++;
        if (context.attempt === 1) throw new Error('after a while');
      }
      @EventPattern('devices/streams', SOON)
      streams(@Ctx() context: HoldfastContext): Observable<number> {
        return interval(5).pipe(
          take(3),
          map((i) => {
            if (i === 2 && context.attempt < 3) throw new Error('at the end');
            seen.streamed++;
            return i;
          }),
        );
      }
      @NestEventPattern('devices/+')
      healthy(@Payload() data: unknown): void {
        if (data === 1) seen.healthy++;
      }
    }
    const flow = await appFlow(t, { controllers: [Handlers] });
    for (const name of ['throws', 'hangs', 'blocks', 'streams', 'other']) await flow.publish(`devices/${name}`, 1);
    const dead = await flow.deadLetters(2);
    const found = dead.map(({ topic, reason, detail, attempts }) => [topic, reason, detail, attempts]).sort();
    assert.deepEqual(found, [
      ['devices/hangs', 'timeout', 'the handler did not end within 50 ms', 4],
      ['devices/throws', 'threw', 'no disk', 4],
    ]);
    await until(() => seen.blocked === 2 && seen.streamed === 7, { what: () => JSON.stringify(seen) });
    assert.deepEqual(seen, { thrown: 4, hung: 4, blocked: 2, streamed: 7, healthy: 5, aborted: 4 });
    const link = await flow.holdfast.link();
    assert.deepEqual([link?.state, link?.drops], ['up', []]);
  });

  it('with payload: json the data is what the contract decodes; without, a payload that is no JSON is its bytes', async (t) => {
    const seen: { [handler: string]: unknown[] } = { decoded: [], original: [] };

    @Controller()
    class Handlers {
      @EventPattern('devices/+', { payload: 'json', ordering: 'topic' })
      decoded(@Payload() data: unknown, @Ctx() context: HoldfastContext): void {
        seen['decoded']!.push([data, Buffer.from(context.record.payload).toString()]);
      }
      @EventPattern('devices/#', { ordering: 'topic', where: { exact: { '/n': '1' } } })
      original(@Payload() data: unknown): void {
        seen['original']!.push(data);
      }
    }
    const config = {
      subscriptions: [{ filter: 'devices/#', contract: 'reading' }],
      contracts: { reading: { format: 'cbor', compression: 'auto' } },
    };
    const flow = await appFlow(t, { controllers: [Handlers], config });
    const payloads = [encode({ n: 1 }), gzipSync(encode({ n: 1, big: 2n ** 60n })), encode({ n: 2 })];
    for (const payload of payloads) await flow.publish('devices/1', payload);
    await until(() => seen['decoded']!.length === 3 && seen['original']!.length === 2, {
      what: () => JSON.stringify(seen),
    });
    assert.deepEqual(seen['decoded'], [
      [{ n: 1 }, '{"n":1}'],
      [{ n: 1, big: '1152921504606846976' }, '{"n":1,"big":"1152921504606846976"}'],
      [{ n: 2 }, '{"n":2}'],
    ]);
    assert.deepEqual(
      seen['original'],
      payloads.slice(0, 2).map((payload) => Buffer.from(payload)),
    );
  });

  it('a payload that a pipe refuses is a dead letter at once, with what is wrong with it', async (t) => {
    let handled = 0;
    const numbered: PipeTransform = {
      transform: (value: unknown, { type }) => {
        if (type === 'body' && typeof (value as Reading).n !== 'number') {
          throw new BadRequestException(['n must be a number']);
        }
        return value;
      },
    };

    @Controller()
    @UsePipes(numbered)
    class Handlers {
      @EventPattern('devices/+')
      handle(@Payload() reading: Reading): void {
        handled += reading.n;
      }
    }
    const flow = await appFlow(t, { controllers: [Handlers] });
    await flow.publish('devices/1', { n: 'one' });
    await flow.publish('devices/1', { n: 2 });
    const [dead] = await flow.deadLetters(1);
    assert.deepEqual(
      [dead?.reason, dead?.status, dead?.attempts, dead?.detail],
      ['threw', 400, 1, "[ 'n must be a number' ]"],
    );
    await until(() => handled === 2, { what: 'the valid one' });
  });

  it('several on one pattern share a subscriber; one with an id of its own is another', async (t) => {
    const calls: string[] = [];

    @Controller()
    class Handlers {
      @EventPattern('devices/+', SOON)
      first(@Ctx() context: HoldfastContext): void {
        calls.push(`first ${context.attempt}`);
      }
      @EventPattern('devices/+')
      second(@Ctx() context: HoldfastContext): void {
        calls.push(`second ${context.attempt}`);
        if (context.attempt === 1) throw new Error('once');
      }
      @EventPattern('devices/+', { id: 'audit' })
      audit(@Ctx() context: HoldfastContext): void {
        calls.push(`audit ${context.attempt}`);
      }
    }
    const flow = await appFlow(t, { controllers: [Handlers] });
    await flow.publish('devices/1', 1);
    await until(() => calls.length >= 5, { what: () => calls.join() });
    await sleep(50);
    assert.deepEqual(calls.sort(), ['audit 1', 'first 1', 'first 2', 'second 1', 'second 2']);
    const subscribers = await flow.holdfast.subscribers();
    assert.deepEqual(subscribers.map(({ id }) => id).sort(), ['audit', 'handler:devices/+']);
  });

  it('is told the trace context of its attempt, and untraced the message’s own', async (t) => {
    const own = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const collector = await startOtlpReceiver();
    t.after(() => collector.stop());
    for (const tracing of [undefined, { endpoint: collector.url }]) {
      const seen: { id: string; traceparent: string | undefined }[] = [];

      @Controller()
      class Handlers {
        @EventPattern('devices/+')
        handle(@Ctx() { record, traceparent }: HoldfastContext): void {
          seen.push({ id: record.id, traceparent });
        }
      }
      const flow = await appFlow(t, { controllers: [Handlers], config: tracing ? { tracing } : {} });
      await flow.publish('devices/1', 1, { properties: { userProperties: { traceparent: own } } });
      await until(() => seen.length === 1, { what: 'the message' });
      const [{ id, traceparent }] = seen as [(typeof seen)[0]];
      if (!tracing) {
        assert.equal(traceparent, own);
        continue;
      }
      const span = await until(() => collector.spans.find(({ name }) => name.startsWith('deliver ')), {
        what: 'its span',
      });
      assert.deepEqual([span.traceId, traceparent], [id.replaceAll('-', ''), `00-${span.traceId}-${span.spanId}-01`]);
    }
  });

  it('with ordering: topic, what fails holds back its topic and nothing else', async (t) => {
    const order = new Map<string, number[]>();
    const failures = new Map<string, number>();

    @Controller()
    class Handlers {
      @EventPattern('devices/+', {
        ordering: 'topic',
        retry: { schedule: Array.from({ length: 10 }, () => '10ms') },
        breaker: { failures: 1_000 },
      })
      handle(@Payload() { n }: Reading, @Ctx() { record, attempt }: HoldfastContext): void {
        if (n % 3 === 0 && attempt < 3) {
          failures.set(record.topic, (failures.get(record.topic) ?? 0) + 1);
          throw new Error('not yet');
        }
        order.set(record.topic, [...(order.get(record.topic) ?? []), n]);
      }
    }
    const flow = await appFlow(t, { controllers: [Handlers] });
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    for (const n of numbers) for (const device of ['a', 'b']) await flow.publish(`devices/${device}`, { n });
    const all = (): boolean => [...order.values()].flat().length === 40;
    await until(all, { what: () => JSON.stringify([...order]) });
    assert.deepEqual(order.get('devices/a'), numbers);
    assert.deepEqual(order.get('devices/b'), numbers);
    assert.deepEqual([...failures.values()], [14, 14]);
  });
});
