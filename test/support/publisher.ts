/** A device fleet in the test process: numbered messages, with a record of what the broker has acknowledged. */
import { connect, type MqttClient } from 'mqtt';
import { atExit } from './children.js';

export interface PublishPlan {
  url: string;
  /** Message n goes to `topics[n % topics.length]`. */
  topics: string[];
  count: number;
  /** The first number. Default 0. */
  from?: number;
  /** Default 1. */
  qos?: 0 | 1 | 2;
  /** Messages in flight at once. Default 100; 20 for QoS 2, of which Mosquitto takes no more. */
  window?: number;
  /** Messages a second; default: as fast as the broker takes them. */
  perSecond?: number;
  /** Default: `{"gwId":"gw-7","n":…,"pad":"…"}` with `padBytes` of padding. */
  payload?: (n: number) => string | Buffer;
  /** Default 64. */
  padBytes?: number;
  /** Default 5. */
  protocolVersion?: 4 | 5;
  username?: string;
  password?: string;
  /** All of it. Default 60 000. */
  timeoutMs?: number;
}

export interface PublishReport {
  /** Numbers the broker acknowledged (QoS 0: that were written), in the order in which it did. */
  acknowledged: number[];
  /** Numbers that were in flight when a connection broke: the broker may have taken them twice. */
  maybeTwice: Set<number>;
  /** Connections after the first. */
  reconnects: number;
}

/** Publishes in the background; `done` resolves when every message is acknowledged, however often the broker restarts. */
export class Publisher {
  readonly done: Promise<PublishReport>;
  readonly report: PublishReport = { acknowledged: [], maybeTwice: new Set(), reconnects: -1 };
  readonly #client: MqttClient;
  readonly #inFlight = new Set<number>();
  readonly #startedAt = performance.now();
  #next: number;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  #settle: (error?: Error) => void = () => undefined;

  constructor(private readonly plan: PublishPlan) {
    const { url, from = 0, protocolVersion = 5, username, password, timeoutMs = 60_000 } = plan;
    this.#next = from;
    this.#client = connect(url, { protocolVersion, username, password, reconnectPeriod: 100, keepalive: 30 });
    const forget = atExit(() => this.#client.end(true));
    this.done = new Promise((resolve, reject) => {
      const { acknowledged } = this.report;
      const late = setTimeout(
        () => this.#settle(new Error(`published ${acknowledged.length} of ${plan.count} in ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#settle = (error) => {
        this.#ended = true;
        clearTimeout(late);
        clearTimeout(this.#timer);
        forget();
        // By force only when something is left to wait for: what was written last must still go out.
        this.#client.end(this.#inFlight.size > 0, () => (error ? reject(error) : resolve(this.report)));
      };
    });
    this.#client.on('error', () => undefined); // It connects again by itself.
    this.#client.on('connect', () => {
      this.report.reconnects++;
      this.#fill();
    });
    this.#client.on('close', () => this.#inFlight.forEach((n) => this.report.maybeTwice.add(n)));
    if (plan.count === 0) this.#settle();
  }

  /** Gives up what is not acknowledged yet; `done` resolves with what was. */
  stop(): Promise<PublishReport> {
    this.#settle();
    return this.done;
  }

  #fill(): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    const { count, from = 0, qos = 1, window = qos === 2 ? 20 : 100 } = this.plan;
    const due = Math.min(count, this.#due());
    while (this.#next < from + due && this.#inFlight.size < window) {
      this.#publish(this.#next++);
    }
    if (due < count) this.#timer = setTimeout(() => this.#fill(), 5);
  }

  #publish(n: number): void {
    const { topics, qos = 1 } = this.plan;
    this.#inFlight.add(n);
    this.#client.publish(topics[n % topics.length]!, this.#payload(n), { qos }, (error) => this.#sent(n, error));
  }

  /** How many may have been sent by now. */
  #due(): number {
    const { perSecond } = this.plan;
    if (perSecond === undefined) return Infinity;
    return Math.ceil(((performance.now() - this.#startedAt) / 1_000) * perSecond);
  }

  #sent(n: number, error: Error | undefined | null): void {
    if (!this.#inFlight.delete(n)) return;
    // What mqtt.js was given while it sent old publishes again is not kept by it when the connection closes meanwhile.
    if (error?.message === 'Connection closed' && !this.#ended) return void setImmediate(() => this.#publish(n));
    if (error) return this.#settle(error);
    this.report.acknowledged.push(n);
    if (this.report.acknowledged.length === this.plan.count) this.#settle();
    else this.#fill();
  }

  #payload(n: number): string | Buffer {
    const { payload, padBytes = 64 } = this.plan;
    return payload ? payload(n) : numberedPayload(n, padBytes);
  }
}

export function publishNumbered(plan: PublishPlan): Publisher {
  return new Publisher(plan);
}

export function numberedPayload(n: number, padBytes = 64): string {
  return JSON.stringify({ gwId: 'gw-7', n, pad: 'x'.repeat(padBytes) });
}

/** The number in a payload of {@link numberedPayload}. */
export function numberOf(body: Uint8Array): number {
  return (JSON.parse(Buffer.from(body).toString('utf8')) as { n: number }).n;
}
