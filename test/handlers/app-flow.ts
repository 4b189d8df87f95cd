/** Mosquitto, and a Nest app in the test process that has the gateway inside. */
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Module, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import { Holdfast, HoldfastModule, HoldfastTransport } from '../../src/index.js';
import { gatewayConfig, portsOf, type GatewayConfig } from '../support/gateway-config.js';
import { startMosquitto, type Mosquitto } from '../support/mosquitto.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

/** Retries that a test can wait for. */
export const SOON = { retry: { schedule: ['20ms', '20ms', '20ms'] }, breaker: { failures: 1_000 } };

export interface AppParts {
  controllers?: Type[];
  providers?: Provider[];
  /** Merged into the usual configuration. */
  config?: GatewayConfig;
}

export interface DeadLetter {
  topic: string;
  reason: string;
  status: number;
  detail: string;
  attempts: number;
}

export class AppFlow {
  app!: INestApplication;

  constructor(
    readonly broker: Mosquitto,
    /** Path of the configuration file. */
    readonly config: string,
    readonly device: MqttClient,
    readonly ports: { httpPort: number; opsPort: number },
  ) {}

  get holdfast(): Holdfast {
    return this.app.get(Holdfast);
  }

  /** An app with the module, not started. */
  async create({ controllers = [], providers = [] }: AppParts): Promise<INestApplication> {
    @Module({ imports: [HoldfastModule.forRoot({ config: this.config })], controllers, providers })
    class App {}
    return NestFactory.create(App, new FastifyAdapter(), { logger: false, abortOnError: false });
  }

  /** As Nest's documentation starts a hybrid app. Resolves when the broker has answered every subscription. */
  async start(parts: AppParts): Promise<void> {
    this.app = await this.create(parts);
    this.app.connectMicroservice({ strategy: this.app.get(HoldfastTransport) });
    await this.app.startAllMicroservices();
    await this.app.init();
    await this.subscribed();
  }

  async subscribed(): Promise<void> {
    await until(async () => ((await this.holdfast.link())?.subscribed.length ?? 0) > 0, { what: 'the subscriptions' });
  }

  async publish(topic: string, payload: unknown, options: IClientPublishOptions = {}): Promise<void> {
    const body = payload instanceof Uint8Array ? Buffer.from(payload) : JSON.stringify(payload);
    await this.device.publishAsync(topic, body, { qos: 1, ...options });
  }

  async deadLetters(count: number): Promise<DeadLetter[]> {
    const listed = async (): Promise<DeadLetter[]> => {
      const answer = await fetch(`http://127.0.0.1:${this.ports.httpPort}/v1/dead-letters`);
      const { items } = (await answer.json()) as { items: DeadLetter[] };
      return items;
    };
    const enough = async (): Promise<DeadLetter[] | undefined> => {
      const items = await listed();
      return items.length >= count ? items : undefined;
    };
    return until(enough, { what: async () => `${count} dead letters: ${JSON.stringify(await listed())}` });
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.ports.opsPort}/metrics`)).text();
  }
}

/** Everything is stopped when the test ends. */
export async function appFlow(t: TestContext, parts?: AppParts, more: GatewayConfig = {}): Promise<AppFlow> {
  const broker = await startMosquitto();
  t.after(() => broker.stop('SIGKILL'));
  const config = await gatewayConfig({
    broker: { url: broker.url },
    subscriptions: [{ filter: 'devices/#', qos: 1 }],
    log: { level: 'fatal' },
    ...more,
    ...parts?.config,
  });
  const file = join(scratchDirectory('app'), 'gateway.yaml');
  writeFileSync(file, stringify(config));
  const device = await connectAsync(broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  const flow = new AppFlow(broker, file, device, portsOf(config));
  t.after(() => (flow.app as INestApplication | undefined)?.close());
  if (parts) await flow.start(parts);
  return flow;
}
