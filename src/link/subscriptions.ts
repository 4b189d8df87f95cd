import type { Cause } from '../domain/cause.js';
import { UNANSWERED, type AcknowledgedSubscription } from '../domain/journal.js';
import { isDenied, type SubscribeAnswer } from '../domain/link.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { within } from '../domain/within.js';
import type { Ended } from './blame.js';
import type { BrokerLimits } from './connection.js';
import type { Outstanding } from './evidence.js';
import { Suspects } from './suspects.js';

/** SUBSCRIBE packets on the way at once. */
const PARALLEL = 16;
/** A broker that has not answered for so long is not waited for: the next filters have their turn. */
export const ANSWER_MS_MAX = 5_000;
/** How often the broker is asked again for what it denies. */
const DENIED_RETRY_MS = 60_000;
/** In place of a QoS. */
const DOUBTED = -1;
/** What a broker says whose subscriptions are used up: MQTT 5, and 3.1.1, which has no other word. */
const QUOTA_CODES: ReadonlySet<SubscribeAnswer> = new Set([0x97, 0x80]);
const SHARED_UNSUPPORTED = 0x9e; // [MQTT 5.0, 3.9.3]
const WILDCARD_UNSUPPORTED = 0xa2;

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
  /** These are about to be asked for. What it returns is waited for: by then whoever comes next knows. Never rejects. */
  asking?(filters: readonly string[]): Promise<unknown>;
  /** The broker has said yes: worth remembering. */
  acknowledged(subscription: AcknowledgedSubscription): void;
  dropped(filter: string): void;
  /** The broker, or what it said of itself, has settled this one. */
  answered(wanted: Wanted, code: SubscribeAnswer): void;
  /** The broker hangs up when it is to let go of this one, and goes on sending it for now. Told each time. */
  spared?(filter: string): void;
  /** The broker has not answered for {@link ANSWER_MS_MAX}, and may yet. */
  unanswered(wanted: Wanted): void;
}

/**
 * The difference between what is wanted and what the broker has acknowledged. One filter per SUBSCRIBE: one
 * denied filter would take all others of its packet with it. Where a broker hangs up rather than deny a filter,
 * filters go one at a time until the one is found; that one is set aside, so that the others keep working.
 * What is wanted may change at any time: what is new is asked for before what is gone is given up, so that nothing is
 * missed that both bring.
 */
export class Subscriptions {
  #wanted: Wanted[];
  /** By filter, the broker's refusal. */
  readonly #refused = new Map<string, SubscribeAnswer>();
  /** By filter, the QoS the broker acknowledged. */
  #acknowledged = new Map<string, number>();
  /** Asked for, now or by who was here before, and never answered: the broker may have them. */
  readonly #unsure = new Set<string>();
  /** Asked and not answered, on the connection there is: which time that was, when it was asked more than once. */
  readonly #asked = new Map<string, symbol>();
  /** The same of those that are given up. */
  readonly #leaving = new Map<string, symbol>();
  /** Those of both that the broker has had long enough for. */
  readonly #overdue = new Set<string>();
  #oneAtATime = false;
  readonly #suspects = new Suspects();
  /** Monotonic: the newest one was asked for. */
  #askedAt = 0;
  /** What this broker has granted this user, in whichever session: who begins another takes none of that back. */
  #permitted = new Set<string>();
  #retrying: NodeJS.Timeout | undefined;
  /** Of {@link add}, by filter. */
  readonly #adding = new Map<string, Promise<unknown>>();
  /** Of the connection there is. */
  #port: SubscribePort | undefined;
  /** On the connection there is {@link reconcile} is under way; `again`: something else is wanted since. */
  #pass: { again: boolean } | undefined;
  /** Counts connections. */
  #connection = 0;

  constructor(wanted: readonly Wanted[]) {
    this.#wanted = [...wanted];
  }

  /** Takes over the table that is kept of a session at this broker. */
  load(kept: readonly AcknowledgedSubscription[]): void {
    this.#acknowledged = new Map();
    this.#unsure.clear();
    for (const { filter, qos } of kept) {
      if (qos === UNANSWERED) this.#unsure.add(filter);
      else this.#acknowledged.set(filter, qos);
    }
    this.#permitted = new Set(this.#acknowledged.keys());
  }

  /** The broker has begun another session, which has none of them. */
  lost(): void {
    this.#acknowledged.clear();
    this.#unsure.clear();
  }

  /**
   * These are wanted from now on, in place of those before; what is the gateway's own stays. The link that is up asks
   * for the difference at once, one that is down when it is up.
   */
  want(subscriptions: readonly Wanted[]): void {
    const before = new Set(this.#wanted.map(({ filter }) => filter));
    this.#wanted = [...subscriptions, ...this.#wanted.filter(({ own }) => own === true)];
    const stay = new Set(this.#wanted.map(({ filter }) => filter).filter((filter) => before.has(filter)));
    for (const known of [this.#refused, this.#suspects, this.#permitted]) {
      for (const filter of known.keys()) if (!stay.has(filter)) known.delete(filter);
    }
    if (this.#pass) this.#pass.again = true;
    else this.#reconcile();
  }

  /** Another user asks from now on: who may do what is not known. */
  forgetUser(): void {
    this.#permitted.clear();
  }

  /** By subscription name, the broker's refusal. */
  get denied(): ReadonlyMap<string, SubscribeAnswer> {
    const denied = this.#wanted.filter(({ filter }) => this.#refused.has(filter));
    return new Map(denied.map(({ name, filter }) => [name, this.#refused.get(filter)!]));
  }

  /** Names of those that are wanted and acknowledged. */
  get granted(): string[] {
    const granted = this.#wanted.filter(({ filter, own }) => own !== true && this.#acknowledged.has(filter));
    return granted.map(({ name }) => name);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  get outstanding(): Outstanding[] {
    return recentOf(this.#asked, this.#overdue).map((name) => {
      return { kind: 'subscribe', name, bytes: Buffer.byteLength(name), granted: this.#permitted.has(name) };
    });
  }

  /** Names of those that were asked for and not answered in time. */
  get unanswered(): string[] {
    const silent = this.#wanted.filter(({ filter, own }) => own !== true && this.#overdue.has(filter));
    return silent.map(({ name }) => name);
  }

  /** By subscription name, until when those are left alone that the broker hung up on: monotonic. */
  get setAside(): [name: string, until: number][] {
    const aside = this.#wanted.filter(({ filter }) => this.#refused.get(filter) === null);
    const until = aside.map(({ name, filter }): [string, number] => [name, this.#suspects.until(filter)]);
    return until.filter(([, at]) => at > 0);
  }

  /** Whether anything is to be asked for again now and then. */
  get wanting(): boolean {
    return this.#refused.size + this.#overdue.size + this.#unwanted.length > 0;
  }

  /** What the broker brings, or may bring, and is not to. */
  get #unwanted(): string[] {
    const filters = new Set(this.#wanted.map(({ filter }) => filter));
    const there = new Set([...this.#acknowledged.keys(), ...this.#unsure]);
    return [...there].filter((filter) => !filters.has(filter));
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
    this.#port = port;
    if (this.#pass) this.#pass.again = true;
    else this.#reconcile();
    clearInterval(this.#retrying);
    this.#retrying = setInterval(() => {
      this.reprieve();
      if (this.wanting && !this.#pass) this.#reconcile();
    }, DENIED_RETRY_MS);
  }

  /** One at a time on a connection: what is on the way alone must be so. */
  #reconcile(): void {
    const port = this.#port;
    if (!port) return;
    const pass = (this.#pass = { again: false });
    const done = (): void => {
      if (this.#pass !== pass) return;
      this.#pass = undefined;
      if (pass.again) this.#reconcile();
    };
    // When the connection ends under it, the next one subscribes what is still missing.
    void this.reconcile(port).then(done, done);
  }

  /** The connection is gone. @param suspected whether a filter may be why @param now monotonic */
  ended(suspected: boolean, now: number): void {
    clearInterval(this.#retrying);
    // A broker that hangs up on one does so at once.
    const recent = [this.#asked, this.#leaving].flatMap((asked) => recentOf(asked, this.#overdue));
    const [filter, ...others] = recent;
    this.#asked.clear();
    this.#leaving.clear();
    this.#overdue.clear();
    this.#port = this.#pass = undefined;
    this.#connection++;
    if (filter !== undefined) this.#oneAtATime = true;
    this.#suspects.charge(suspected && others.length === 0 ? filter : undefined, now - this.#askedAt);
  }

  /** Why that was; comes before the next {@link reconcile}. @param now monotonic */
  judged(ended: Ended, cause: Cause, now: number): void {
    this.#suspects.judged(ended, cause, now, this.#permitted);
  }

  /** As {@link Suspects.reprieve}. */
  reprieve(): void {
    this.#suspects.reprieve(this.#permitted);
  }

  /** Subscribes what is missing and unsubscribes what is no longer wanted. Rejects when the connection ends. */
  async reconcile(port: SubscribePort): Promise<void> {
    const connection = this.#connection;
    // A broker that hung up, maybe for the number of them, is given room first.
    if (this.#oneAtATime && this.#unwanted.length > 0) await this.#giveUp(port);
    const missing = this.#wanted.filter((one) => this.#isMissing(one));
    const noted = this.#note(missing, port);
    if (noted) {
      // What is the gateway's own need not wait, and its first probe does not.
      await Promise.all([
        noted,
        this.#askEach(
          missing.filter(({ own }) => own === true),
          port,
        ),
      ]);
      if (connection !== this.#connection) return;
    }
    await this.#askEach(noted ? missing.filter(({ own }) => own !== true) : missing, port);
    if ((await this.#giveUp(port)) > 0) {
      const crowdedOut = missing.filter(({ filter }) => QUOTA_CODES.has(this.#refused.get(filter) ?? null));
      await this.#askEach(crowdedOut, port);
    }
    if (connection === this.#connection) this.#oneAtATime = false;
  }

  #isMissing({ filter, qos }: Wanted): boolean {
    return this.#acknowledged.get(filter) !== qos && (!this.#asked.has(filter) || this.#overdue.has(filter));
  }

  /** Killed between SUBSCRIBE and SUBACK, the next process must know what the broker may have. */
  #note(missing: readonly Wanted[], port: SubscribePort): Promise<unknown> | undefined {
    const unknown = missing.filter(
      ({ filter, own }) =>
        own !== true &&
        !this.#acknowledged.has(filter) &&
        !this.#unsure.has(filter) &&
        this.#refusal(filter, port) === undefined,
    );
    if (unknown.length === 0) return undefined;
    for (const { filter } of unknown) this.#unsure.add(filter);
    const noted = port.asking?.(unknown.map(({ filter }) => filter));
    return noted && within(ANSWER_MS_MAX, noted);
  }

  async #askEach(wanted: readonly Wanted[], port: SubscribePort): Promise<void> {
    await this.#some(wanted, (one) => this.#subscribeInTime(one, port));
  }

  /** @returns how many the broker has let go of */
  async #giveUp(port: SubscribePort): Promise<number> {
    const there = this.#unwanted.filter((filter) => !this.#leaving.has(filter) || this.#overdue.has(filter));
    const isSpared = (filter: string): boolean => this.#suspects.until(filter) > port.now();
    const unwanted = there.filter((filter) => !isSpared(filter));
    for (const filter of there.filter(isSpared)) port.spared?.(filter);
    await this.#some(unwanted, (filter) => this.#unsubscribeInTime(filter, port));
    const left = new Set(this.#unwanted);
    return unwanted.filter((filter) => !left.has(filter)).length;
  }

  /** So many at once as is fit, while the connection lasts. */
  async #some<T>(all: readonly T[], ask: (one: T) => Promise<void>): Promise<void> {
    const connection = this.#connection;
    const atOnce = this.#oneAtATime ? 1 : PARALLEL;
    for (let i = 0; i < all.length && connection === this.#connection; i += atOnce) {
      await Promise.all(all.slice(i, i + atOnce).map(ask));
    }
  }

  /**
   * Wanted from now on, as the others are. @returns the broker's answer; undefined: there is none yet. One that it
   * denies is asked again with the others, and not by this.
   */
  async add(wanted: Wanted, port: SubscribePort): Promise<SubscribeAnswer | undefined> {
    const { filter } = wanted;
    if (!this.#wanted.includes(wanted)) this.#wanted.push(wanted);
    const known = this.#answerTo(wanted);
    if (known !== undefined) return known;
    const adding = this.#adding.get(filter) ?? within(ANSWER_MS_MAX, this.#subscribe(wanted, port));
    this.#adding.set(filter, adding);
    await adding.catch(() => undefined); // the connection ended
    this.#adding.delete(filter);
    return this.#answerTo(wanted);
  }

  /** undefined: the broker has not granted it, or is in doubt. */
  #answerTo({ filter, qos }: Wanted): SubscribeAnswer | undefined {
    const denied = this.#refused.get(filter);
    return denied === undefined && this.#acknowledged.get(filter) === qos ? qos : denied;
  }

  async #unsubscribeInTime(filter: string, port: SubscribePort): Promise<void> {
    const asked = Symbol();
    this.#leaving.set(filter, asked);
    this.#askedAt = port.now();
    // Wanted again meanwhile, it is to be asked for again: the broker may have taken it away.
    if (this.#acknowledged.has(filter)) this.#acknowledged.set(filter, DOUBTED);
    const isCurrent = (): boolean => this.#leaving.get(filter) === asked;
    const answered = port.unsubscribe(filter).then(() => {
      if (!isCurrent()) return; // it was subscribed again, behind it
      for (const known of [this.#leaving, this.#overdue, this.#suspects, this.#acknowledged, this.#unsure]) {
        known.delete(filter);
      }
      port.dropped(filter);
    });
    await within(ANSWER_MS_MAX, answered);
    if (isCurrent()) this.#overdue.add(filter);
  }

  async #subscribeInTime(wanted: Wanted, port: SubscribePort): Promise<void> {
    const { filter } = wanted;
    const answered = this.#subscribe(wanted, port);
    const asked = this.#asked.get(filter);
    await within(ANSWER_MS_MAX, answered);
    if (asked === undefined || this.#asked.get(filter) !== asked || this.#overdue.has(filter)) return;
    this.#overdue.add(filter);
    const current = this.#current(wanted);
    if (current) port.unanswered(current);
  }

  async #subscribe(wanted: Wanted, port: SubscribePort): Promise<void> {
    const { filter, qos } = wanted;
    const refusal = this.#refusal(filter, port);
    const code = refusal === undefined ? await this.#ask(wanted, port) : refusal;
    const current = this.#current(wanted);
    if (!isDenied(code)) {
      this.#refused.delete(filter);
      this.#permitted.add(filter);
      // The QoS asked for is remembered, so that a broker that grants less is not asked at every connect.
      this.#acknowledged.set(filter, qos);
      port.acknowledged({ filter, qos });
    } else if (current) this.#refused.set(filter, code);
    if (current) port.answered(current, code);
  }

  /** It may have another name by now, or be wanted no more. */
  #current({ filter, own }: Wanted): Wanted | undefined {
    return this.#wanted.find((one) => one.filter === filter && one.own === own);
  }

  /** What is known to be refused is not asked. */
  #refusal(filter: string, port: SubscribePort): SubscribeAnswer | undefined {
    const { limits } = port;
    if (!limits.sharedAvailable && filter.startsWith('$share/')) return SHARED_UNSUPPORTED;
    if (!limits.wildcardAvailable && /[+#]/.test(filter)) return WILDCARD_UNSUPPORTED;
    return this.#suspects.until(filter) > port.now() ? null : undefined;
  }

  async #ask(wanted: Wanted, port: SubscribePort): Promise<number> {
    const { filter } = wanted;
    if (this.#leaving.delete(filter)) this.#overdue.delete(filter);
    this.#asked.set(filter, Symbol());
    this.#askedAt = port.now();
    const code = await port.subscribe(wanted);
    for (const known of [this.#asked, this.#overdue, this.#suspects]) known.delete(filter);
    const wasUnsure = this.#unsure.delete(filter);
    if (isDenied(code)) {
      this.#permitted.delete(filter);
      if (wasUnsure) port.dropped(filter);
    }
    return code;
  }
}

function recentOf(asked: ReadonlyMap<string, symbol>, overdue: ReadonlySet<string>): string[] {
  return [...asked.keys()].filter((filter) => !overdue.has(filter));
}
