import { setImmediate } from 'node:timers/promises';
import type { Journal } from '../domain/journal.js';
import type { OutboxEntry, PublishResult } from '../domain/publish.js';
import type { BrokerLimits, Connection } from './connection.js';

export const LIMITS: BrokerLimits = {
  sessionPresent: true,
  receiveMaximum: 10,
  maximumPacketBytes: 1_000,
  maximumQoS: 1,
  retainAvailable: true,
  wildcardAvailable: true,
  sharedAvailable: true,
  keepaliveSeconds: undefined,
};

export const AMBIENT = { clock: { now: () => 0, monotonic: () => 0 } };

export function entry(sequence: number, options: Partial<OutboxEntry> = {}): OutboxEntry {
  return {
    sequence,
    id: `id-${sequence}`,
    topic: 't',
    payload: Buffer.from(String(sequence)),
    qos: 1,
    retain: false,
    properties: null,
    acceptedAt: 0,
    ...options,
  };
}

export class Outbox implements Pick<Journal, 'outbox' | 'confirm' | 'expireOutbox'> {
  readonly results: PublishResult[] = [];
  /** Its calls. */
  readonly expiries: [at: number, afterSequence: number][] = [];
  constructor(readonly entries: OutboxEntry[]) {}
  asked = 0;
  outbox(after: number, limit: number): Promise<OutboxEntry[]> {
    this.asked++;
    const done = new Set(this.results.map(({ sequence }) => sequence));
    const open = this.entries.filter(({ sequence }) => sequence > after && !done.has(sequence));
    return Promise.resolve(open.slice(0, limit));
  }
  confirm(results: PublishResult[]): Promise<void> {
    this.results.push(...results);
    return Promise.resolve();
  }
  expireOutbox(at: number, afterSequence: number): Promise<void> {
    this.expiries.push([at, afterSequence]);
    return Promise.resolve();
  }
}

/** A connection that keeps what is published until the test answers it. */
export class Wire {
  readonly protocolVersion = 5;
  readonly sent: { text: string; expiry: number | undefined; answer: (code: number) => void }[] = [];
  publish(
    { payload, properties }: { payload: unknown; properties?: { messageExpiryInterval?: number } },
    settled: (code: number) => void,
  ): void {
    this.sent.push({ text: String(payload), expiry: properties?.messageExpiryInterval, answer: settled });
  }
  get connection(): Connection {
    return this as unknown as Connection;
  }
}

export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await setImmediate();
}
