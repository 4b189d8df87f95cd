import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BadRequestException,
  Catch,
  Controller,
  Module,
  UseFilters,
  type RpcExceptionFilter,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern as NestEventPattern, Payload, RpcException, Transport } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type { Outcome } from '../domain/attempt.js';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../domain/subscriber.js';
import { EventPattern, MessagePattern, type HandlerExtras } from './decorators.js';
import { HoldfastContext } from './handler-context.js';
import { HandlerTransport, type HandlerSubscriber } from './handler-transport.js';

const RECORD = { position: 7, id: 'id', topic: 't', qos: 1, retain: false, receivedAt: 0, properties: null } as const;

/** Starts a Nest microservice with this controller. @returns the subscribers that its handlers became */
async function launched(controller: Type): Promise<HandlerSubscriber[]> {
  @Module({ controllers: [controller] })
  class App {}
  let found: HandlerSubscriber[] = [];
  const strategy = new HandlerTransport({
    settingsOf: (pattern, extras, reply): SubscriberSettings => {
      return { ...SUBSCRIBER_DEFAULTS, id: `handler:${pattern}`, ...extras, reply, topics: [pattern] };
    },
    launch: (subscribers) => {
      found = subscribers;
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  });
  const app = await NestFactory.createMicroservice(App, { strategy, logger: false, abortOnError: false });
  await app.listen();
  await app.close();
  return found;
}

/** A controller with handlers of these patterns. */
function handling(...patterns: [pattern: unknown, extras?: object, decorator?: unknown][]): Type {
  class Handlers {}
  for (const [i, [pattern, extras = {}, decorator = NestEventPattern]] of patterns.entries()) {
    const value = (): void => undefined;
    Object.defineProperty(Handlers.prototype, `handle${i}`, { value });
    (decorator as (pattern: unknown, extras: object) => MethodDecorator)(pattern, extras)(
      Handlers.prototype,
      `handle${i}`,
      { value },
    );
  }
  Controller()(Handlers);
  return Handlers;
}

function refused(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: string }).code, code, String(error));
    assert.match((error as Error).message, message);
    return true;
  };
}

async function send([subscriber]: HandlerSubscriber[], payload = '1'): Promise<Outcome> {
  const record = { ...RECORD, payload: Buffer.from(payload) };
  return subscriber!.sender.send(record, { attempt: 1, replay: false });
}

describe('handler patterns', () => {
  it('one that is no text is refused, and the other transport it may be for is mentioned', async () => {
    for (const pattern of [{ cmd: 'sum' }, 7]) {
      const message = /^handler pattern .*: is not text.*another transport/;
      await assert.rejects(launched(handling([pattern])), refused('CONFIG_INVALID', message));
    }
  });

  it('two handlers that could both answer are refused, not forgotten', async () => {
    for (const controller of [
      handling(['a', {}, MessagePattern], ['a', {}, MessagePattern]),
      handling(['a', {}, MessagePattern], ['a', {}, NestEventPattern]),
      handling(['a', {}, NestEventPattern], ['a', {}, MessagePattern]),
    ]) {
      await assert.rejects(launched(controller), refused('CONFIG_INVALID', /"a": has several handlers/));
    }
  });

  it('handlers that disagree about their subscriber are refused', async () => {
    const disagree = handling(['a', { concurrency: 1 }], ['a', { concurrency: 2 }]);
    await assert.rejects(launched(disagree), refused('CONFIG_INVALID', /different things of one subscriber/));
    const sameId = handling(['a', { id: 'x' }], ['b', { id: 'x' }]);
    await assert.rejects(launched(sameId), refused('CONFIG_INVALID', /"b": has the id of the subscriber for "a"/));
  });

  it('what cannot start fails the start of the app', async () => {
    let stopped = false;
    const strategy = new HandlerTransport({
      settingsOf: () => assert.fail(),
      launch: () => Promise.reject(new Error('the port is taken')),
      stop: () => Promise.resolve(void (stopped = true)),
    });
    const listening = new Promise<void>((resolve, reject) =>
      strategy.listen((error) => (error instanceof Error ? reject(error) : resolve())),
    );
    await assert.rejects(listening, /the port is taken/);
    await strategy.close();
    assert.equal(stopped, true);
    assert.throws(() => strategy.on(), /no events/);
    assert.throws(() => strategy.unwrap(), /publish with the service Holdfast/);
  });

  it('each is a subscriber; of one pattern they share one, unless they name another', async () => {
    const extras: HandlerExtras = { ordering: 'topic', concurrency: 1 };
    const subscribers = await launched(
      handling(['a'], ['a', extras], ['a'], ['a', { id: 'audit' }], [['b', 'c']], ['d', {}, MessagePattern]),
    );
    const found = subscribers.map(({ settings: { id, topics, concurrency, reply } }) => [
      id,
      ...topics,
      concurrency,
      reply,
    ]);
    assert.deepEqual(found, [
      ['handler:a', 'a', 1, false],
      ['audit', 'a', 16, false],
      ['handler:b', 'b', 16, false],
      ['handler:c', 'c', 16, false],
      ['handler:d', 'd', 16, true],
    ]);
  });

  it('what is for Nest’s MQTT transport is taken, what is for another one is not', async () => {
    @Controller()
    class Handlers {
      @NestEventPattern<string>('mqtt', Transport.MQTT)
      mqtt(): void {}
      @NestEventPattern<object>({ cmd: 'sum' }, Transport.TCP)
      tcp(): void {}
    }
    const subscribers = await launched(Handlers);
    assert.deepEqual(
      subscribers.map(({ settings }) => settings.id),
      ['handler:mqtt'],
    );
  });
});

describe('records for a Nest handler', () => {
  const calls: string[] = [];

  @Controller()
  class Handlers {
    @EventPattern('a')
    first(@Payload() data: unknown, @Ctx() context: HoldfastContext): void {
      calls.push(`first ${JSON.stringify(data)} ${context.record.topic}`);
    }
    @EventPattern('a')
    second(): void {
      calls.push('second');
    }
    @EventPattern('a')
    async third(): Promise<void> {
      calls.push('third');
    }
    @EventPattern('b')
    one(): void {
      calls.push('one');
    }
    @EventPattern('b')
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
    assert.deepEqual(calls.sort(), ['first [1] t', 'second', 'third']);
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

  it('what was thrown is in the outcome, not what Nest makes of it', async () => {
    @Controller()
    class Throwing {
      @EventPattern('a')
      throwing(): void {
        throw new Error('no disk');
      }
    }
    const outcome = await send(await launched(Throwing));
    assert.deepEqual([outcome.kind, 'detail' in outcome && outcome.detail], ['retry', 'no disk']);
  });

  it('a pipe that refuses the payload makes it dead at once; a filter of the app has the last word', async () => {
    @Controller()
    class Piped {
      @EventPattern('a')
      piped(@Payload({ transform: () => refuse() }) data: unknown): void {
        assert.fail(String(data));
      }
    }
    const outcome = await send(await launched(Piped));
    assert.deepEqual(outcome, { kind: 'dead', reason: 'threw', status: 400, detail: 'n must be a number' });

    @Catch()
    class Patient implements RpcExceptionFilter {
      catch(exception: Error): Observable<never> {
        return throwError(() => new RpcException(`try again: ${exception.message}`));
      }
    }
    UseFilters(new Patient())(Piped);
    const again = await send(await launched(Piped));
    assert.deepEqual([again.kind, 'detail' in again && again.detail], ['retry', 'try again: n must be a number']);
  });
});

function refuse(): never {
  throw new BadRequestException('n must be a number');
}
