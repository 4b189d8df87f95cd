import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { SUBSCRIBER_DEFAULTS } from '../domain/subscriber.js';
import type { HoldfastContext } from './handler-sender.js';
import { HandlerTransport, type HandlerSubscriber } from './handler-transport.js';

const RECORD = { position: 7, id: 'id', topic: 't', qos: 1, retain: false, receivedAt: 0, properties: null } as const;

/** Starts a Nest microservice with this controller. @returns the subscribers that its handlers became */
async function launched(controller: Type): Promise<HandlerSubscriber[]> {
  @Module({ controllers: [controller] })
  class App {}
  let found: HandlerSubscriber[] = [];
  const strategy = new HandlerTransport((subscribers) => {
    found = subscribers;
    return Promise.resolve({ stop: () => Promise.resolve() });
  });
  const app = await NestFactory.createMicroservice(App, { strategy, logger: false, abortOnError: false });
  await app.listen();
  await app.close();
  return found;
}

/** A controller with one handler of this pattern. */
function handling(pattern: unknown, extras: object = {}): Type {
  @Controller()
  class Handlers {
    @EventPattern(pattern, undefined as never, extras)
    handle(): void {}
  }
  return Handlers;
}

describe('handler patterns', () => {
  it('one that is no topic filter is refused, with the pattern', async () => {
    for (const pattern of ['a/#/b', 'a+', '', { cmd: 'sum' }, '$share/group/a']) {
      await assert.rejects(launched(handling(pattern)), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'CONFIG_INVALID', String(error));
        assert.match(error.message, /^handler pattern ".*": \S/);
        return true;
      });
    }
  });

  it('a key or a filter that means nothing is refused', async () => {
    const where = { kind: 'exact', attribute: 'topik', value: 'a' };
    for (const extras of [{ ordering: 'key' }, { ordering: 'key', key: 'id' }, { where }]) {
      await assert.rejects(launched(handling('a', extras)), { code: 'CONFIG_INVALID', message: /"a": (key|where): / });
    }
  });

  it('@MessagePattern is refused, not taken for an event', async () => {
    @Controller()
    class Asked {
      @MessagePattern('a')
      answer(): string {
        return 'x';
      }
    }
    await assert.rejects(launched(Asked), { code: 'CONFIG_INVALID', message: /@MessagePattern is not supported yet/ });
  });

  it('what cannot start fails the start of the app', async () => {
    const strategy = new HandlerTransport(() => Promise.reject(new Error('the port is taken')));
    await assert.rejects(
      new Promise<void>((resolve, reject) =>
        strategy.listen((error) => (error instanceof Error ? reject(error) : resolve())),
      ),
      /the port is taken/,
    );
    await strategy.close();
    assert.throws(() => strategy.on(), /no events/);
  });

  it('each is a subscriber with the defaults, or with what it says of itself', async () => {
    const [plain] = await launched(handling('devices/+/telemetry'));
    assert.deepEqual(plain!.settings, {
      ...SUBSCRIBER_DEFAULTS,
      id: 'handler:devices/+/telemetry',
      topics: ['devices/+/telemetry'],
    });
    const extras = { id: 'audit', ordering: 'topic', concurrency: 1, timeoutMs: 50, startFrom: 'earliest' };
    const [own] = await launched(handling('a', extras));
    assert.deepEqual(own!.settings, { ...SUBSCRIBER_DEFAULTS, ...extras, topics: ['a'] });
  });
});

describe('records for a Nest handler', () => {
  const calls: string[] = [];

  @Controller()
  class Handlers {
    @EventPattern<string>('a')
    first(@Payload() data: unknown, @Ctx() context: HoldfastContext): void {
      calls.push(`first ${JSON.stringify(data)} ${context.record.topic}`);
    }
    @EventPattern<string>('a')
    second(): void {
      calls.push('second');
    }
    @EventPattern<string>('a')
    async third(): Promise<void> {
      calls.push('third');
    }
    @EventPattern<string>('b')
    one(): void {
      calls.push('one');
    }
    @EventPattern<string>('b')
    async broken(): Promise<void> {
      throw new Error('no disk');
    }
  }

  it('reach every handler of the pattern, each of them once', async () => {
    const subscribers = await launched(Handlers);
    const sender = subscribers.find(({ settings }) => settings.topics[0] === 'a')!.sender;
    calls.length = 0;
    const outcome = await sender.send({ ...RECORD, payload: Buffer.from('[1]') }, { attempt: 1, replay: false });
    assert.deepEqual(outcome, { kind: 'delivered' });
    assert.deepEqual(calls, ['first [1] t', 'second', 'third']);
    await sender.close();
  });

  it('count as failed when one of several handlers fails', async () => {
    const subscribers = await launched(Handlers);
    const sender = subscribers.find(({ settings }) => settings.topics[0] === 'b')!.sender;
    calls.length = 0;
    const outcome = await sender.send({ ...RECORD, payload: Buffer.from('1') }, { attempt: 1, replay: false });
    assert.ok(outcome.kind === 'retry' && outcome.reason === 'threw');
    assert.deepEqual(calls, ['one']);
  });
});
