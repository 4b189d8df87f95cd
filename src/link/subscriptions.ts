import type { AcknowledgedSubscription } from '../domain/journal.js';
import type { SubscriptionSettings } from '../domain/settings.js';

/** SUBSCRIBE packets on the way at once. */
const PARALLEL = 16;
const DENIED = 0x80;
/** In place of a QoS. */
const DOUBTED = -1;

export interface SubscribePort {
  subscribe(filter: string, qos: SubscriptionSettings['qos']): Promise<number>;
  unsubscribe(filter: string): Promise<void>;
  /** The broker has said yes: worth remembering. */
  acknowledged(subscription: AcknowledgedSubscription): void;
  dropped(filter: string): void;
}

/**
 * The difference between what is wanted and what the broker has acknowledged. One filter per SUBSCRIBE: one
 * denied filter would take all others of its packet with it.
 */
export class Subscriptions {
  /** By filter, the QoS the broker acknowledged. */
  #acknowledged = new Map<string, number>();
  /** By subscription name, the broker's refusal. */
  readonly denied = new Map<string, number>();

  constructor(private wanted: readonly SubscriptionSettings[]) {}

  /** Takes over the table of a session; an empty one when the broker has none. */
  load(acknowledged: readonly AcknowledgedSubscription[]): void {
    this.#acknowledged = new Map(acknowledged.map(({ filter, qos }) => [filter, qos]));
  }

  /** Names of those that are wanted and acknowledged. */
  get granted(): string[] {
    return this.wanted.filter(({ filter }) => this.#acknowledged.has(filter)).map(({ name }) => name);
  }

  /**
   * The broker may have begun a new session of which nobody was told, because its CONNACK got lost or this process
   * ended first: everything is asked again. A subscription that is there loses nothing by it.
   */
  doubt(): void {
    for (const filter of this.#acknowledged.keys()) this.#acknowledged.set(filter, DOUBTED);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  want(wanted: readonly SubscriptionSettings[]): void {
    this.wanted = wanted;
  }

  /** Subscribes what is missing and unsubscribes what is no longer wanted. Rejects when the connection ends. */
  async reconcile(port: SubscribePort): Promise<void> {
    const filters = new Set(this.wanted.map(({ filter }) => filter));
    for (const filter of this.#acknowledged.keys()) {
      if (filters.has(filter)) continue;
      await port.unsubscribe(filter);
      this.#acknowledged.delete(filter);
      port.dropped(filter);
    }
    const missing = this.wanted.filter(({ filter, qos }) => this.#acknowledged.get(filter) !== qos);
    for (let i = 0; i < missing.length; i += PARALLEL) {
      await Promise.all(missing.slice(i, i + PARALLEL).map((one) => this.#subscribe(one, port)));
    }
  }

  async #subscribe({ name, filter, qos }: SubscriptionSettings, port: SubscribePort): Promise<void> {
    const code = await port.subscribe(filter, qos);
    if (code >= DENIED) {
      this.denied.set(name, code);
      return;
    }
    this.denied.delete(name);
    // The QoS asked for is remembered, so that a broker that grants less is not asked at every connect.
    this.#acknowledged.set(filter, qos);
    port.acknowledged({ filter, qos });
  }
}
