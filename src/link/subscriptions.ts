import type { Cause } from '../domain/cause.js';
import type { AcknowledgedSubscription } from '../domain/journal.js';
import { isDenied, type SubscribeAnswer } from '../domain/link.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { within } from '../domain/within.js';
import { blameOfFilter, type Ended } from './blame.js';
import type { BrokerLimits } from './connection.js';
import type { Outstanding } from './evidence.js';

/** SUBSCRIBE packets on the way at once. */
const PARALLEL = 16;
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
/** An end so soon after a SUBSCRIBE has gone out may well be the answer to it. */
export const PROMPT_MS = 1_000;

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
  answered(wanted: Wanted, code: SubscribeAnswer): void;
  /** The broker has not answered for {@link ANSWER_MS_MAX}, and may yet. */
  unanswered(wanted: Wanted): void;
}

/**
 * The difference between what is wanted and what the broker has acknowledged. One filter per SUBSCRIBE: one
 * denied filter would take all others of its packet with it. Where a broker hangs up rather than deny a filter,
 * filters go one at a time until the one is found; that one is set aside, so that the others keep working.
 */
export class Subscriptions {
  /** By subscription name, the broker's refusal. */
  readonly denied = new Map<string, SubscribeAnswer>();
  /** By filter, the QoS the broker acknowledged. */
  #acknowledged = new Map<string, number>();
  /** Asked and not answered, on the connection there is: which time that was, when it was asked more than once. */
  readonly #asked = new Map<string, symbol>();
  /** Those of them that the broker has had long enough for. */
  readonly #overdue = new Set<string>();
  #oneAtATime = false;
  /** By filter: hang-ups in a row on it alone, and until when it is left alone. */
  readonly #suspects = new Map<string, { hangUps: number; until: number }>();
  /** The one filter that was asked for when the connection ended, until it is known why that was. */
  #charged: { filter: string; prompt: boolean } | undefined;
  /** Monotonic: the newest one was asked for. */
  #askedAt = 0;
  /** What this broker has granted this user, in whichever session: who begins another takes none of that back. */
  #permitted = new Set<string>();
  #retrying: NodeJS.Timeout | undefined;
  /** Of {@link add}, by filter. */
  readonly #adding = new Map<string, Promise<unknown>>();

  constructor(private readonly wanted: Wanted[]) {}

  /** Takes over the table that is kept of a session at this broker. */
  load(acknowledged: readonly AcknowledgedSubscription[]): void {
    this.#acknowledged = new Map(acknowledged.map(({ filter, qos }) => [filter, qos]));
    this.#permitted = new Set(this.#acknowledged.keys());
  }

  /** The broker has begun another session, which has none of them. */
  lost(): void {
    this.#acknowledged.clear();
  }

  /** Another user asks from now on: who may do what is not known. */
  forgetUser(): void {
    this.#permitted.clear();
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
    return this.#recent.map((name) => {
      return { kind: 'subscribe', name, bytes: Buffer.byteLength(name), granted: this.#permitted.has(name) };
    });
  }

  /** Names of those that were asked for and not answered in time. */
  get unanswered(): string[] {
    return this.wanted.filter(({ filter, own }) => own !== true && this.#overdue.has(filter)).map(({ name }) => name);
  }

  /** By subscription name, until when those are left alone that the broker hung up on: monotonic. */
  get setAside(): [name: string, until: number][] {
    const aside = this.wanted.filter(({ name }) => this.denied.get(name) === null);
    const until = aside.map(({ name, filter }): [string, number] => [name, this.#suspects.get(filter)?.until ?? 0]);
    return until.filter(([, at]) => at > 0);
  }

  /** Whether anything is to be asked for again now and then. */
  get wanting(): boolean {
    return this.denied.size + this.#overdue.size > 0;
  }

  /** A broker that hangs up on one does so at once. */
  get #recent(): string[] {
    return [...this.#asked.keys()].filter((filter) => !this.#overdue.has(filter));
  }

  /**
   * The broker may have begun a new session of which nobody was told, because its CONNACK got lost or this process
   * ended first: everything is asked again. A subscription that is there loses nothing by it.
   */
  doubt(): void {
    for (const filter of this.#acknowledged.keys()) this.#acknowledged.set(filter, DOUBTED);
  }

  /** As {@link reconcile}, and again each minute while something is wanting, until the connection ends. */
  begin(port: SubscribePort): void {
    // When it ends under it, the next one subscribes what is still missing.
    const reconcile = (): void => void this.reconcile(port).catch(() => undefined);
    reconcile();
    clearInterval(this.#retrying);
    this.#retrying = setInterval(() => {
      this.reprieve();
      if (this.wanting) reconcile();
    }, DENIED_RETRY_MS);
  }

  /** The connection is gone. @param suspected whether a filter may be why @param now monotonic */
  ended(suspected: boolean, now: number): void {
    clearInterval(this.#retrying);
    const [filter, ...others] = this.#recent;
    this.#asked.clear();
    this.#overdue.clear();
    this.#charged = undefined;
    if (filter === undefined) return;
    this.#oneAtATime = true;
    if (suspected && others.length === 0) this.#charged = { filter, prompt: now - this.#askedAt < PROMPT_MS };
  }

  /** Why that was; comes before the next {@link reconcile}. @param now monotonic */
  judged(ended: Ended, cause: Cause, now: number): void {
    const charged = this.#charged;
    this.#charged = undefined;
    if (cause === 'client-id-conflict') this.#acquit(charged?.filter);
    const blame = charged ? blameOfFilter(ended, cause, charged.prompt) : 0;
    if (!charged || blame === 0) return;
    const hangUps = (this.#suspects.get(charged.filter)?.hangUps ?? 0) + blame;
    this.#suspects.set(charged.filter, { hangUps, until: hangUps < HANG_UPS_MAX ? 0 : now + QUARANTINE_MS });
  }

  /**
   * Somebody else takes the session: it may have been they who cut short what the broker has granted before.
   * What nobody has ever granted stays suspect.
   * @param charged was asked for alone this time, too: whether it or they ended it shows once it is left alone
   */
  #acquit(charged: string | undefined): void {
    for (const filter of this.#suspects.keys()) {
      if (filter !== charged && this.#permitted.has(filter)) this.#suspects.delete(filter);
    }
  }

  /**
   * The link has held for a while without what is set aside. What the broker once granted is asked for again, this
   * once: it may have been cut short by somebody else, who is gone now.
   */
  reprieve(): void {
    for (const [filter, suspect] of this.#suspects) if (this.#permitted.delete(filter)) suspect.until = 0;
  }

  /** Subscribes what is missing and unsubscribes what is no longer wanted. Rejects when the connection ends. */
  async reconcile(port: SubscribePort): Promise<void> {
    const filters = new Set(this.wanted.map(({ filter }) => filter));
    for (const filter of this.#acknowledged.keys()) {
      if (filters.has(filter)) continue;
      await within(ANSWER_MS_MAX, this.#unsubscribe(filter, port));
    }
    const missing = this.wanted.filter(
      ({ filter, qos }) =>
        this.#acknowledged.get(filter) !== qos && (!this.#asked.has(filter) || this.#overdue.has(filter)),
    );
    const atOnce = this.#oneAtATime ? 1 : PARALLEL;
    for (let i = 0; i < missing.length; i += atOnce) {
      await Promise.all(missing.slice(i, i + atOnce).map((one) => this.#subscribeInTime(one, port)));
    }
    this.#oneAtATime = false;
  }

  /**
   * Wanted from now on, as the others are. @returns the broker's answer; undefined: there is none yet. One that it
   * denies is asked again with the others, and not by this.
   */
  async add(wanted: Wanted, port: SubscribePort): Promise<SubscribeAnswer | undefined> {
    const { filter } = wanted;
    if (!this.wanted.includes(wanted)) this.wanted.push(wanted);
    const known = this.#answerTo(wanted);
    if (known !== undefined) return known;
    const adding = this.#adding.get(filter) ?? within(ANSWER_MS_MAX, this.#subscribe(wanted, port));
    this.#adding.set(filter, adding);
    await adding.catch(() => undefined); // the connection ended
    this.#adding.delete(filter);
    return this.#answerTo(wanted);
  }

  /** undefined: the broker has not granted it, or is in doubt. */
  #answerTo({ name, filter, qos }: Wanted): SubscribeAnswer | undefined {
    const denied = this.denied.get(name);
    return denied === undefined && this.#acknowledged.get(filter) === qos ? qos : denied;
  }

  async #unsubscribe(filter: string, port: SubscribePort): Promise<void> {
    await port.unsubscribe(filter);
    this.#acknowledged.delete(filter);
    port.dropped(filter);
  }

  async #subscribeInTime(wanted: Wanted, port: SubscribePort): Promise<void> {
    const { filter } = wanted;
    const answered = this.#subscribe(wanted, port);
    const asked = this.#asked.get(filter);
    await within(ANSWER_MS_MAX, answered);
    if (asked === undefined || this.#asked.get(filter) !== asked || this.#overdue.has(filter)) return;
    this.#overdue.add(filter);
    port.unanswered(wanted);
  }

  async #subscribe(wanted: Wanted, port: SubscribePort): Promise<void> {
    const { name, filter, qos } = wanted;
    const refusal = this.#refusal(filter, port);
    const code = refusal === undefined ? await this.#ask(wanted, port) : refusal;
    if (isDenied(code)) {
      this.denied.set(name, code);
    } else {
      this.denied.delete(name);
      this.#permitted.add(filter);
      // The QoS asked for is remembered, so that a broker that grants less is not asked at every connect.
      this.#acknowledged.set(filter, qos);
      port.acknowledged({ filter, qos });
    }
    port.answered(wanted, code);
  }

  /** What is known to be refused is not asked. */
  #refusal(filter: string, port: SubscribePort): SubscribeAnswer | undefined {
    const { limits } = port;
    if (!limits.sharedAvailable && filter.startsWith('$share/')) return SHARED_UNSUPPORTED;
    if (!limits.wildcardAvailable && /[+#]/.test(filter)) return WILDCARD_UNSUPPORTED;
    return (this.#suspects.get(filter)?.until ?? 0) > port.now() ? null : undefined;
  }

  async #ask(wanted: Wanted, port: SubscribePort): Promise<number> {
    this.#asked.set(wanted.filter, Symbol());
    this.#askedAt = port.now();
    const code = await port.subscribe(wanted);
    this.#asked.delete(wanted.filter);
    this.#overdue.delete(wanted.filter);
    this.#suspects.delete(wanted.filter);
    if (isDenied(code)) this.#permitted.delete(wanted.filter);
    return code;
  }
}
