import { publishNumbered } from '../test/support/publisher.js';
import { startMosquitto, type Mosquitto } from '../test/support/mosquitto.js';
import type { Arrivals } from './receiver.js';
import { Forked } from './forked.js';

const DEVICES = 100;
export const FILTER = 'devices/+/telemetry';

export interface Publishing {
  perSecond?: number;
  /** Payloads say when they were made. Default false. */
  timed?: boolean;
  /** How many topics they are spread over. Default 100. */
  devices?: number;
}
const PAYLOAD_BYTES = 256;
const PUBLISH_WINDOW = 1_000;
const FILL_TIMEOUT_MS = 600_000;
const ARRIVE_TIMEOUT_MS = 600_000;

/** Where one contender is measured: a broker and a receiver that nobody has used before. */
export class Stage {
  private constructor(
    readonly broker: Mosquitto,
    readonly receiver: Forked,
    /** Of the receiver. */
    readonly url: string,
  ) {}

  static async open(): Promise<Stage> {
    const broker = await startMosquitto({ maxInflight: 0 });
    const receiver = new Forked('receiver');
    const { port } = await receiver.next<{ port: number }>();
    return new Stage(broker, receiver, `http://127.0.0.1:${port}/events`);
  }

  get pids(): number[] {
    return [this.broker.pid, this.receiver.pid];
  }

  /** From now on the receiver counts anew; see {@link arrivals}. */
  async expect(count: number): Promise<void> {
    this.receiver.tell({ expect: count });
    await this.receiver.next();
  }

  /** Resolves when as many have arrived as were expected. */
  arrivals(): Promise<Arrivals> {
    return this.receiver.next<Arrivals>(ARRIVE_TIMEOUT_MS);
  }

  /** Resolves when the broker has taken so many. */
  async publish(count: number, { perSecond, timed = false, devices = DEVICES }: Publishing = {}): Promise<void> {
    const payload = timed ? timedPayload : plainPayload;
    const topics = Array.from({ length: devices }, (_, device) => topicOf(device));
    const plan = { topics, payload, window: PUBLISH_WINDOW, timeoutMs: FILL_TIMEOUT_MS };
    await publishNumbered({ url: this.broker.url, count, perSecond, ...plan }).done;
  }

  async close(): Promise<void> {
    await this.receiver.stop();
    await this.broker.stop('SIGKILL');
  }
}

export function topicOf(device: number): string {
  return `devices/${device}/telemetry`;
}

function plainPayload(n: number): string {
  return padded(`{"gwId":"gw-7","deviceId":"device-${n % DEVICES}","at":${Date.now()},"temperature":21.5,"pad":"`);
}

/** Begins with the instant at which it was made. */
function timedPayload(n: number): string {
  const t = (performance.timeOrigin + performance.now()).toFixed(3);
  return padded(`{"t":${t},"gwId":"gw-7","deviceId":"device-${n % DEVICES}","temperature":21.5,"pad":"`);
}

function padded(start: string): string {
  return `${start.padEnd(PAYLOAD_BYTES - 2, 'x')}"}`;
}
