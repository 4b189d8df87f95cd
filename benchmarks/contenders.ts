/** Who is measured: the bare loop and the gateway, each in a process of its own on a session that the broker keeps. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { gatewayConfig, type GatewayConfig } from '../test/support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../test/support/gateway-process.js';
import { scratchDirectory } from '../test/support/scratch.js';
import { until } from '../test/support/until.js';
import { Forked } from './forked.js';
import { FILTER, type Stage } from './stage.js';

const CONTRACT_FILE = fileURLToPath(new URL('../../../config/contracts/telemetry.schema.json', import.meta.url));
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const LANES = 16; // what a subscriber has when its settings do not say
const MINUTES_10 = 600_000;

/** When a contender had its first and its last message, in milliseconds since the epoch. */
export interface Span {
  firstAt: number;
  lastAt: number;
}

export interface Contender {
  /** Connects once, so that the broker has a session to keep messages for. */
  join(): Promise<void>;
  /** Connects again. Resolves when it is connected, or before when `early`. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly pid: number;
}

export class BareLoop implements Contender {
  #loop: Forked | undefined;

  /** @param count how many messages {@link received} waits for @param url where to send them; '' for nowhere */
  constructor(
    private readonly stage: Stage,
    private readonly count: number,
    private readonly url: string,
  ) {}

  async join(): Promise<void> {
    const client = await connectAsync(this.stage.broker.url, {
      clientId: 'bare',
      clean: false,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 3_600 },
    });
    await client.subscribeAsync(FILTER, { qos: 1 });
    await client.endAsync();
  }

  async start(): Promise<void> {
    const { stage, count, url } = this;
    this.#loop = new Forked('bare', [stage.broker.url, 'bare', FILTER, String(count), String(LANES), url]);
    const { up } = await this.#loop.next<{ up: boolean }>();
    if (!up) throw new Error('the broker has not kept the session of the bare loop');
  }

  get pid(): number {
    return this.#loop!.pid;
  }

  received(): Promise<Span> {
    return this.#loop!.next<Span>(MINUTES_10);
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }
}

export class Gateway implements Contender {
  readonly directory = scratchDirectory('bench');
  #process: GatewayProcess | undefined;

  /** @param settings of its file, besides the session and the subscription */
  constructor(
    private readonly stage: Stage,
    private readonly settings: GatewayConfig,
  ) {}

  get process(): GatewayProcess {
    return this.#process!;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** The journal's directory. */
  get data(): string {
    return join(this.directory, 'data');
  }

  async join(): Promise<void> {
    await this.start('link');
    await until(() => this.#subscribed(), { what: 'the subscription of the gateway' });
    await this.stop();
  }

  /** Takes as many messages to disk for no subscriber, and leaves. */
  async journal(messages: number): Promise<void> {
    await this.start('startup', { subscribers: [] });
    const admitted = async (): Promise<boolean> =>
      (await this.process.metric('holdfast_messages_journaled_total')) >= messages;
    await until(admitted, { timeoutMs: MINUTES_10, everyMs: 200, what: 'everything on disk' });
    await this.stop();
  }

  async start(wait: 'startup' | 'link' = 'startup', settings: GatewayConfig = {}): Promise<void> {
    const config = await gatewayConfig({
      broker: { url: this.stage.broker.url },
      session: { clientId: 'gateway', receiveMaximum: 1_024, keepalive: '30s' },
      subscriptions: [{ name: 'telemetry', filter: FILTER, qos: 1 }],
      ...this.settings,
      ...settings,
    });
    const profile = process.env['HOLDFAST_BENCH_PROFILES'];
    const nodeArgs = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    this.#process = await startGateway(config, { directory: this.directory, until: wait, nodeArgs });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  #subscribed(): boolean {
    const journal = new DatabaseSync(join(this.data, 'journal.db'), { readOnly: true });
    try {
      return journal.prepare('SELECT 1 FROM acknowledged_subscriptions').get() !== undefined;
    } finally {
      journal.close();
    }
  }
}

/** As its users run it: a contract, a signature, one subscriber unless told otherwise, one POST for each message. */
export function deliveringTo(url: string, subscribers: GatewayConfig[] = [subscriber(url)]): GatewayConfig {
  return {
    subscriptions: [{ name: 'telemetry', filter: FILTER, qos: 1, contract: 'telemetry' }],
    contracts: { telemetry: { format: 'json', schema: CONTRACT_FILE, mode: 'enforce' } },
    subscribers,
  };
}

export function subscriber(url: string, more: GatewayConfig = {}): GatewayConfig {
  return { id: 'app', url, topics: [FILTER], concurrency: LANES, signing: { secrets: [SECRET] }, ...more };
}
