/** The gateway starts when the app is ready for it, drains with it, and there is one of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Controller,
  Inject,
  Injectable,
  Logger,
  Module,
  type INestMicroservice,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EventPattern, Holdfast, HoldfastContext, HoldfastModule, HoldfastTransport } from '../../src/index.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { appFlow, type AppFlow, type AppParts } from './app-flow.js';

const COUNT = 20;

/** What a handler needs and the app takes its time to open. */
@Injectable()
class Store implements OnModuleInit {
  open = false;
  numbers = new Set<number>();
  refused = 0;

  async onModuleInit(): Promise<void> {
    await sleep(300);
    this.open = true;
  }
}

@Controller()
class Handlers {
  constructor(@Inject(Store) private readonly store: Store) {}

  @EventPattern('devices/+')
  handle(@Payload() { n }: { n: number }): void {
    if (!this.store.open) this.store.refused++;
    this.store.numbers.add(n);
  }
}

const PARTS: AppParts = { controllers: [Handlers], providers: [Store] };

/** Ways of Nest apps to start. Each leaves the running app in the flow. */
const STARTS: { [name: string]: (flow: AppFlow) => Promise<void> } = {
  'microservices first, then the app': async (flow) => {
    flow.app = await flow.create(PARTS);
    flow.app.connectMicroservice({ strategy: flow.app.get(HoldfastTransport) });
    await flow.app.startAllMicroservices();
    await flow.app.init();
  },
  'the app first, then microservices': async (flow) => {
    flow.app = await flow.create(PARTS);
    flow.app.connectMicroservice({ strategy: flow.app.get(HoldfastTransport) });
    await flow.app.init();
    await flow.app.startAllMicroservices();
  },
  'handlers registered late': async (flow) => {
    flow.app = await flow.create(PARTS);
    flow.app.connectMicroservice({ strategy: flow.app.get(HoldfastTransport) }, { deferInitialization: true });
    await flow.app.init();
    await flow.app.startAllMicroservices();
  },
  'a microservice without HTTP of its own': async (flow) => {
    await (await microservice(flow)).listen();
  },
  'the same, initialised first': async (flow) => {
    const app = await microservice(flow);
    await app.init();
    await app.listen();
  },
};

async function microservice(flow: AppFlow): Promise<INestMicroservice> {
  @Module({ imports: [HoldfastModule.forRoot({ config: flow.config })], ...PARTS })
  class App {}
  const options: AsyncMicroserviceOptions = {
    useFactory: (strategy: HoldfastTransport) => ({ strategy }),
    inject: [HoldfastTransport],
  };
  const app = await NestFactory.createMicroservice(App, { ...options, logger: false, abortOnError: false });
  flow.app = app as never;
  return app;
}

describe('starting', { skip: needs('mosquitto') }, () => {
  it('in any order: what waited at the broker finds the handlers in place and the app initialised', async (t) => {
    const flow = await appFlow(t, {});
    const publish = async (round: number): Promise<void> => {
      for (let n = 0; n < COUNT; n++) await flow.publish(`devices/${n}`, { n: round * COUNT + n });
    };
    for (const [round, [name, start]] of Object.entries(STARTS).entries()) {
      if (round > 0) await flow.app.close();
      else {
        // The subscriber exists from its first start on; what came before is none of its messages.
        await flow.app.close();
        await flow.start(PARTS);
        await flow.app.close();
      }
      await publish(round);
      await start(flow);
      const store = flow.app.get(Store);
      await until(() => store.numbers.size === COUNT, { what: () => `${name}: ${[...store.numbers].join()}` });
      assert.deepEqual([Math.min(...store.numbers), store.refused], [round * COUNT, 0], name);
    }
  });

  it('without its transport the gateway runs, for webhooks and publishes', async (t) => {
    const flow = await appFlow(t);
    flow.app = await flow.create({ ...PARTS, config: {} });
    await assert.rejects(flow.holdfast.publish({ topic: 'a', payload: 1 }), { code: 'NOT_STARTED' });
    await flow.app.init();
    await flow.subscribed();
    assert.deepEqual(await flow.holdfast.subscribers(), []);
  });

  it('a transport that is connected too late is told so', async (t) => {
    const flow = await appFlow(t);
    flow.app = await flow.create(PARTS);
    await flow.app.init();
    flow.app.connectMicroservice({ strategy: flow.app.get(HoldfastTransport) });
    const message = /started without these handlers: connect HoldfastTransport once, before app.init/;
    await assert.rejects(flow.app.startAllMicroservices(), { code: 'CONFIG_INVALID', message });
  });

  it('what the configuration or a handler lacks fails the start of the app, with all that is wrong', async (t) => {
    @Controller()
    class Wrong {
      @EventPattern('devices/+', { timeout: '1', concurrency: 0 })
      handle(): void {}
    }
    const flow = await appFlow(t, undefined, { journal: { directory: './data', maxSize: '1KiB' } });
    flow.app = await flow.create(PARTS);
    await assert.rejects(flow.app.init(), { code: 'CONFIG_INVALID', message: /journal\.maxSize.*must be between/ });
    const other = await appFlow(t);
    await assert.rejects(other.start({ controllers: [Wrong] }), {
      code: 'CONFIG_INVALID',
      message: /^handler pattern "devices\/\+": concurrency must .*; timeout must |; concurrency must /,
    });
  });

  it('a second gateway on the data directory is refused, and the first one goes on', async (t) => {
    const flow = await appFlow(t, PARTS);
    const second = await NestFactory.createMicroservice(class Nothing {}, {
      strategy: new HoldfastTransport({ config: flow.config }),
      ...{ logger: false, abortOnError: false },
    });
    await assert.rejects(second.listen(), {
      code: 'JOURNAL_LOCKED',
      message: /strategy: app\.get\(HoldfastTransport\)/,
    });
    await second.close();
    await flow.publish('devices/1', { n: 1 });
    await until(() => flow.app.get(Store).numbers.has(1), { what: 'the message' });
  });

  it('the app keeps its own logger', async (t) => {
    const lines: unknown[] = [];
    const write = (message: unknown): void => void lines.push(message);
    const flow = await appFlow(t);
    @Module({ imports: [HoldfastModule.forRoot({ config: flow.config })] })
    class App {}
    const logger = { log: write, warn: write, error: write };
    flow.app = await NestFactory.create(App, new FastifyAdapter(), { logger, abortOnError: false });
    await flow.app.init();
    new Logger('App').log('still here');
    assert.ok(lines.includes('still here'), lines.join('\n'));
  });
});

describe('closing the app', { skip: needs('mosquitto') }, () => {
  it('lets a handler in flight end, keeps its settlement, and the session', async (t) => {
    const calls: string[] = [];

    @Controller()
    class Slow {
      @EventPattern('devices/+')
      async handle(@Payload() name: string, @Ctx() { attempt }: HoldfastContext): Promise<void> {
        calls.push(`${name} begun ${attempt}`);
        await sleep(500);
        calls.push(`${name} ended ${attempt}`);
      }
    }
    const flow = await appFlow(t, { controllers: [Slow] });
    await flow.publish('devices/1', 'first');
    await until(() => calls.length === 1, { what: 'the attempt' });
    await flow.app.close();
    assert.deepEqual(calls, ['first begun 1', 'first ended 1']);
    await assert.rejects(flow.holdfast.publish({ topic: 'a', payload: 1 }), { code: 'SHUTTING_DOWN' });
    await flow.publish('devices/1', 'second');
    await flow.start({ controllers: [Slow] });
    await until(() => calls.length >= 4, { what: () => calls.join() });
    await sleep(50);
    assert.deepEqual(calls.slice(2), ['second begun 1', 'second ended 1']);
  });
});

describe('closing the app, and a handler that does not end', { skip: needs('mosquitto') }, () => {
  it('aborts its signal after ops.drain, and calls it again after the next start', async (t) => {
    const calls: string[] = [];

    @Controller()
    class Hanging {
      @EventPattern('devices/+', { timeout: '10m' })
      async handle(@Ctx() { attempt, signal }: HoldfastContext): Promise<void> {
        calls.push(`begun ${attempt}`);
        if (calls.length > 1) return;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        calls.push(`aborted: ${(signal.reason as Error).message}`);
        await new Promise(() => undefined);
      }
    }
    const flow = await appFlow(t, { controllers: [Hanging] }, { ops: { drain: '1s' } });
    await flow.publish('devices/1', 1);
    await until(() => calls.length === 1, { what: 'the attempt' });
    await flow.app.close();
    assert.deepEqual(calls, ['begun 1', 'aborted: the gateway had to stop']);
    await flow.start({ controllers: [Hanging] });
    await until(() => calls.length === 3, { what: () => calls.join() });
    assert.equal(calls[2], 'begun 1', 'it used up no attempt');
  });
});

describe('the service', { skip: needs('mosquitto') }, () => {
  it('publishes as REST does, and everything a module imports can have it', async (t) => {
    @Injectable()
    class Pump {
      constructor(@Inject(Holdfast) readonly holdfast: Holdfast) {}
    }
    @Module({ providers: [Pump] })
    class Pumps {}

    const flow = await appFlow(t, undefined, { publish: { allow: ['commands/#'], wait: '5s' } });
    const root = HoldfastModule.forRootAsync({ useFactory: async () => ({ config: flow.config }), isGlobal: true });
    @Module({ imports: [root, Pumps] })
    class App {}
    flow.app = await NestFactory.create(App, new FastifyAdapter(), { logger: false, abortOnError: false });
    await flow.app.init();
    await flow.subscribed();
    const { holdfast } = flow.app.get(Pump);
    const heard: unknown[] = [];
    flow.device.on('message', (topic, payload) => heard.push([topic, payload]));
    await flow.device.subscribeAsync('commands/#', { qos: 1 });

    const answer = await holdfast.publish({ topic: 'commands/1', payload: { on: true }, contentType: 'a/b' });
    assert.equal(answer.status, 'published');
    assert.equal((await holdfast.publishStatus(answer.id)).status, 'published');
    await holdfast.publish({ topic: 'commands/2', payload: Uint8Array.of(0xff, 0) });
    assert.equal((await holdfast.publish({ topic: 'commands/3', payload: 'text' }, { wait: false })).status, 'queued');
    await until(() => heard.length === 3, { what: () => JSON.stringify(heard) });
    assert.deepEqual(heard, [
      ['commands/1', Buffer.from('{"on":true}')],
      ['commands/2', Buffer.from([0xff, 0])],
      ['commands/3', Buffer.from('text')],
    ]);
    flow.device.on('message', (_topic, payload, { properties }) => {
      if (properties?.responseTopic) flow.device.publish(properties.responseTopic, Buffer.concat([payload, payload]));
    });
    const { payload } = await holdfast.request({ topic: 'commands/ask', payload: 'hi' }, { timeoutSeconds: 5 });
    assert.equal(Buffer.from(payload).toString(), 'hihi');
    await assert.rejects(holdfast.publish({ topic: 'other', payload: 1 }), { code: 'TOPIC_FORBIDDEN' });
    const wrong = holdfast.publish({ topic: 'commands/+', payload: 1, qos: 3 as never });
    await assert.rejects(wrong, (error: { code: string; details: { errors: unknown[] } }) => {
      assert.deepEqual([error.code, error.details.errors.length], ['REQUEST_INVALID', 2]);
      return true;
    });
    await flow.broker.stop();
    await until(async () => (await holdfast.link())?.state !== 'up', { what: 'the link to be down' });
    assert.equal((await holdfast.publish({ topic: 'commands/4', payload: 4 })).status, 'queued');
    await assert.rejects(holdfast.publish({ topic: 'commands/5', payload: 5, qos: 0 }), { code: 'LINK_DOWN' });
  });
});
