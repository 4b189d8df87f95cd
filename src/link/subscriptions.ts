import type { AcknowledgedSubscription } from '../domain/journal.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { within } from '../domain/within.js';
import type { BrokerLimits } from './connection.js';
import type { Outstanding } from './evidence.js';

/** SUBSCRIBE packets on the way at once. */
const PARALLEL = 16;
const DENIED = 0x80;
/** A broker that has not answered for so long is not waited for: the next filters have their turn. */
export const ANSWER_MS_MAX = 5_000;
/** How often the broker is asked again for what it denies. */
const DENIED_RETRY_MS = 60_000;
/** In place of a QoS. */
const DOUBTED = -1;
const SHARED_UNSUPPORTED = 0x9e; // [MQTT 5.0, 3.9.3]
const WILDCARD_UNSUPPORTED = 0xa2;
/** A broker that hangs up this often on a SUBSCRIBE that is on the way alone refuses it in deed. */
const HANG_UPS_MAX = 2;
/** How long such a filter is left alone: asking again costs the link. */
export const QUARANTINE_MS = 600_000;

/** What is wanted of the broker. `own`: for the gateway itself, not a subscription of the configuration. */
export type Wanted = Pick<SubscriptionSettings, 'name' | 'filter' | 'qos'> & { own?: boolean };
export type FilterLimits = Pick<BrokerLimits, 'wildcardAvailable' | 'sharedAvailable'>;

export interface SubscribePort {
  limits: FilterLimits;
  /** Monotonic milliseconds. */
  now(): number;
  /** Resolves with the SUBACK's code. */
  subscribe(wanted: Wanted): Promise<number>;
  unsubscribe(filter: string): Promise<void>;
  /** The broker has said yes: worth remembering. */
  acknowledged(subscription: AcknowledgedSubscription): void;
  dropped(filter: string): void;
  /** The broker, or what it said of itself, has settled this one. */
  answered(wanted: Wanted, code: number): void;
}

/**
 * The difference between what is wanted and what the broker has acknowledged. One filter per SUBSCRIBE: one
 * denied filter would take all others of its packet with it. Where a broker hangs up rather than deny a filter,
 * filters go one at a time until the one is found; that one is set aside, so that the others keep working.
 */
export class Subscriptions {
  /** By subscription name, the broker's refusal. */
  readonly denied = new Map<string, number>();
  /** By filter, the QoS the broker acknowledged. */
  #acknowledged = new Map<string, number>();
  /** Asked and not answered, on the connection there is. */
  readonly #asked = new Set<string>();
  #oneAtATime = false;
  /** By filter: hang-ups in a row on it alone, and until when it is left alone. */
  readonly #suspects = new Map<string, { hangUps: number; until: number }>();
  /** The one filter that was asked for when the connection ended, until it is known why that was. */
  #charged: string | undefined;
  #retrying: NodeJS.Timeout | undefined;
  /** Of {@link add}, by filter. */
  readonly #adding = new Map<string, Promise<unknown>>();

  constructor(private readonly wanted: Wanted[]) {}

  /** Takes over the table of a session; an empty one when the broker has none. */
  load(acknowledged: readonly AcknowledgedSubscription[]): void {
    this.#acknowledged = new Map(acknowledged.map(({ filter, qos }) => [filter, qos]));
  }

  /** Names of those that are wanted and acknowledged. */
  get granted(): string[] {
    const granted = this.wanted.filter(({ filter, own }) => own !== true && this.#acknowledged.has(filter));
    return granted.map(({ name }) => name);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  get outstanding(): Outstanding[] {
    return [...this.#asked].map((name) => {
      return { kind: 'subscribe', name, bytes: Buffer.byteLength(name), granted: this.#acknowledged.has(name) };
    });
  }

  /**
   * The broker may have begun a new session of which nobody was told, because its CONNACK got lost or this process
   * ended first: everything is asked again. A subscription that is there loses nothing by it.
   */
  doubt(): void {
    for (const filter of this.#acknowledged.keys()) this.#acknowledged.set(filter, DOUBTED);
  }

  /** As {@link reconcile}, and again each minute while something is denied, until the connection ends. */
  begin(port: SubscribePort): void {
    // When it ends under it, the next one subscribes what is still missing.
    const reconcile = (): void => void this.reconcile(port).catch(() => undefined);
    reconcile();
    clearInterval(this.#retrying);
    this.#retrying = setInterval(() => this.denied.size > 0 && reconcile(), DENIED_RETRY_MS);
  }

  /** The connection is gone. @param suspected whether a filter may be why */
  ended(suspected: boolean): void {
    clearInterval(this.#retrying);
    const asked = [...this.#asked];
    this.#asked.clear();
    this.#charged = suspected && asked.length === 1 ? asked[0] : undefined;
    if (asked.length > 0) this.#oneAtATime = true;
  }

  /**
   * Why that was; comes before the next {@link reconcile}.
   * @param blame how much it tells against a filter, in hang-ups @param now monotonic
   */
  judged(blame: number, now: number): void {
    const filter = this.#charged;
    this.#charged = undefined;
    if (filter === undefined || blame === 0) return;
    const hangUps = (this.#suspects.get(filter)?.hangUps ?? 0) + blame;
    this.#suspects.set(filter, { hangUps, until: hangUps < HANG_UPS_MAX ? 0 : now + QUARANTINE_MS });
  }

  /**
   * Somebody else takes the session: it may have been they who cut short what the broker has granted before.
   * What nobody has ever granted stays suspect.
   */
  acquit(): void {
    for (const filter of this.#suspects.keys()) if (this.#acknowledged.has(filter)) this.#suspects.delete(filter);
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
    const missing = this.wanted.filter(
      ({ filter, qos }) => this.#acknowledged.get(filter) !== qos && !this.#asked.has(filter),
    );
    const atOnce = this.#oneAtATime ? 1 : PARALLEL;
    for (let i = 0; i < missing.length; i += atOnce) {
      await Promise.all(missing.slice(i, i + atOnce).map((one) => within(ANSWER_MS_MAX, this.#subscribe(one, port))));
    }
    this.#oneAtATime = false;
  }

  /**
   * Wanted from now on, as the others are. @returns the broker's code; undefined: it has not answered. One that it
   * denies is asked again with the others, and not by this.
   */
  async add(wanted: Wanted, port: SubscribePort): Promise<number | undefined> {
    const { name, filter, qos } = wanted;
    if (!this.wanted.includes(wanted)) this.wanted.push(wanted);
    const known = (): number | undefined => this.denied.get(name) ?? this.#codeOf(filter, qos);
    if (known() !== undefined) return known();
    const adding = this.#adding.get(filter) ?? within(ANSWER_MS_MAX, this.#subscribe(wanted, port));
    this.#adding.set(filter, adding);
    await adding.catch(() => undefined); // the connection ended
    this.#adding.delete(filter);
    return known();
  }

  /** undefined: the broker has not granted it, or is in doubt. */
  #codeOf(filter: string, qos: number): number | undefined {
    return this.#acknowledged.get(filter) === qos ? qos : undefined;
  }

  async #subscribe(wanted: Wanted, port: SubscribePort): Promise<void> {
    const { name, filter, qos } = wanted;
    const code = this.#refusal(filter, port) ?? (await this.#ask(wanted, port));
    if (code >= DENIED) this.denied.set(name, code);
    else {
      this.denied.delete(name);
      // The QoS asked for is remembered, so that a broker that grants less is not asked at every connect.
      this.#acknowledged.set(filter, qos);
      port.acknowledged({ filter, qos });
    }
    port.answered(wanted, code);
  }

  /** What is known to be refused is not asked. */
  #refusal(filter: string, port: SubscribePort): number | undefined {
    const { limits } = port;
    if (!limits.sharedAvailable && filter.startsWith('$share/')) return SHARED_UNSUPPORTED;
    if (!limits.wildcardAvailable && /[+#]/.test(filter)) return WILDCARD_UNSUPPORTED;
    return (this.#suspects.get(filter)?.until ?? 0) > port.now() ? DENIED : undefined;
  }

  async #ask(wanted: Wanted, port: SubscribePort): Promise<number> {
    this.#asked.add(wanted.filter);
    const code = await port.subscribe(wanted);
    this.#asked.delete(wanted.filter);
    this.#suspects.delete(wanted.filter);
    return code;
  }
}
