import type { Cause } from '../domain/cause.js';
import { blameOf, type Ended } from './blame.js';
import { causeOfRefusal } from './causes.js';
import type { BrokerLimits, Connection } from './connection.js';
import { Denials } from './denials.js';
import type { Outstanding, RefusedPublish } from './evidence.js';
import { failpoint } from '../domain/failpoint.js';
import type { Journal } from '../domain/journal.js';
import type { Clock } from '../domain/clock.js';
import { expiresAt, type OutboxEntry, type PublishResult } from '../domain/publish.js';
import { traceOf, type SentMark } from '../domain/trace.js';
import { packetBytes, packetOf, type OutgoingPublish } from './packet.js';

/** Publishes on the way to the broker at once, when the broker allows more. */
const WINDOW_MAX = 256;
const RETRY_MS = 1_000;
/** A broker that hangs up this often in a row on a publish that is on the way alone will not take it. */
const HANG_UPS_MAX = 3;
/** An end so soon after a publish has gone out, or was refused, may well be because of it. */
const PROMPT_MS = 1_000;
/** What a broker may say of a packet as it hangs up on it; anything else it says is no fault of a publish. */
const PACKET_CODES = new Set([0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x90, 0x94, 0x95, 0x97, 0x99, 0x9a, 0x9b]);
const UNSPECIFIED_ERROR = 0x80;
const EXPIRED = { outcome: 'expired', reasonCode: 0 } as const;

/** How often publishes are looked for whose time runs out while they wait: there is no connection, or the broker does not answer. */
const EXPIRE_MS = 250;

export interface RelayAmbient {
  clock: Clock;
  /** Publishes ended; the journal is told next. */
  answered?: (results: PublishResult[]) => void;
  /** Told of each publish with a trace context that was sent and answered. Absent: nothing is traced. */
  traced?: ((mark: SentMark) => void) | undefined;
}

/**
 * Carries the outbox to the broker, in order, and tells it how each publish ended. What has no answer when
 * the connection breaks is sent again on the next one: at least once, in the same order.
 */
export class Relay {
  #connection: Connection | undefined;
  #limits: BrokerLimits | undefined;
  /** The newest sequence handed to the current connection. */
  #sentThrough = 0;
  /** On the way on the current connection, in order. */
  readonly #inFlight = new Map<number, OutboxEntry>();
  /** Up to here publishes go one at a time, because a connection ended under them: one of them may be why. */
  #carefulThrough = 0;
  #suspect = { sequence: 0, hangUps: 0 };
  /** The one publish that was on the way when the connection ended, until it is known why that was. */
  #charged: { entry: OutboxEntry; prompt: boolean } | undefined;
  /** Monotonic: the newest one was sent. */
  #sentAt = 0;
  /** The newest that the broker has refused on the current connection; `at`: monotonic. */
  #refused: (RefusedPublish & { at: number }) | undefined;
  readonly #denials = new Denials();
  #fetching = false;
  /** There may be more in the outbox than was sent. */
  #more = false;
  /** Answered by the broker, and the journal not yet told: must not be sent again meanwhile. */
  readonly #answered = new Set<number>();
  #results: PublishResult[] = [];
  /** Those of them that nobody was told yet. */
  #news: PublishResult[] = [];
  #confirming = false;
  #expiring = false;
  /** A counter for the metrics: publishes the broker took or refused. */
  readonly counters = { published: 0, refused: 0 };

  constructor(
    private readonly journal: Pick<Journal, 'outbox' | 'confirm' | 'expireOutbox'>,
    private readonly failed: (error: Error) => void,
    private readonly ambient: RelayAmbient,
  ) {
    setInterval(() => this.#expire(), EXPIRE_MS).unref();
  }

  begin(connection: Connection, limits: BrokerLimits): void {
    this.#connection = connection;
    this.#limits = limits;
    this.#sentThrough = 0;
    this.#refused = undefined;
    this.wake();
  }

  /** The connection has ended. @param suspected whether a publish may be why */
  end(suspected: boolean): void {
    this.#connection = undefined;
    const open = [...this.#inFlight.values()];
    this.#inFlight.clear();
    this.#charged = undefined;
    if (open.length === 0) return;
    this.#carefulThrough = Math.max(this.#carefulThrough, open.at(-1)!.sequence);
    const prompt = this.ambient.clock.monotonic() - this.#sentAt < PROMPT_MS;
    if (suspected && open.length === 1) this.#charged = { entry: open[0]!, prompt };
  }

  /** Why that was; comes before the next {@link begin}. */
  judged(ended: Ended, cause: Cause): void {
    const charged = this.#charged;
    this.#charged = undefined;
    this.#denials.judged(ended, cause, this.ambient.clock.monotonic());
    if (!charged || !PACKET_CODES.has(ended.code)) return;
    this.#hungUpOn(charged.entry, ended.code, cause, blameOf(ended, cause, charged.prompt));
  }

  /** The next connection logs in as somebody else, or with another password. */
  renew(): void {
    this.#denials.forget();
  }

  /** Whether nothing is on the way and nothing is left to tell. */
  get idle(): boolean {
    return this.#inFlight.size === 0 && this.#results.length === 0 && !this.#confirming && !this.#fetching;
  }

  /** On the way and not answered, oldest first. */
  get outstanding(): Outstanding[] {
    const version = this.#connection?.protocolVersion ?? 5;
    return [...this.#inFlight.values()].map((entry) => {
      const bytes = packetBytes(packetOf(entry, this.#leftSeconds(entry)), version);
      return { kind: 'publish', name: entry.topic, bytes, sequence: entry.sequence };
    });
  }

  /** What the broker has refused a moment ago. */
  get refused(): RefusedPublish | undefined {
    if (!this.#refused) return undefined;
    const { at, topic, reasonCode } = this.#refused;
    return this.ambient.clock.monotonic() - at < PROMPT_MS ? { topic, reasonCode } : undefined;
  }

  /** Something may be in the outbox. */
  wake(): void {
    this.#more = true;
    if (!this.#fetching) void this.#fetch();
  }

  /** These came into it, one behind the other. They are sent as they are when nothing else comes first. */
  fresh(entries: readonly OutboxEntry[]): void {
    const connection = this.#connection;
    const next = entries[0]?.sequence === this.#sentThrough + 1;
    const room = this.#room;
    if (!connection || !next || this.#more || this.#fetching || room <= 0) return this.wake();
    this.#send(connection, entries.slice(0, room));
    this.#more = entries.length > room;
  }

  get #room(): number {
    const careful = this.#sentThrough < this.#carefulThrough;
    return (careful ? 1 : Math.min(WINDOW_MAX, this.#limits?.receiveMaximum ?? 0)) - this.#inFlight.size;
  }

  async #fetch(): Promise<void> {
    this.#fetching = true;
    while (this.#more && this.#connection) {
      const connection = this.#connection;
      const room = this.#room;
      if (room <= 0) break;
      this.#more = false;
      try {
        const entries = await this.journal.outbox(this.#sentThrough, room);
        if (connection === this.#connection) {
          this.#send(connection, entries);
          this.#more ||= entries.length === room;
        } else this.#more = true; // fetched for a connection that is gone
      } catch (error) {
        this.failed(error as Error);
        setTimeout(() => this.wake(), RETRY_MS).unref();
        break;
      }
    }
    this.#fetching = false;
  }

  #send(connection: Connection, entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      this.#sentThrough = entry.sequence;
      if (this.#answered.has(entry.sequence)) continue;
      const leftSeconds = this.#leftSeconds(entry);
      const packet = packetOf(entry, leftSeconds);
      const refusal = leftSeconds === 0 ? EXPIRED : this.#refusal(packet, connection.protocolVersion);
      if (refusal) {
        this.#finish({ sequence: entry.sequence, id: entry.id, ...refusal });
        continue;
      }
      this.#inFlight.set(entry.sequence, entry);
      this.#sentAt = this.ambient.clock.monotonic();
      const sentAt = this.ambient.traced ? this.ambient.clock.now() : 0;
      connection.publish(packet, (reasonCode) => {
        if (connection !== this.#connection) return;
        this.#inFlight.delete(entry.sequence);
        if (sentAt > 0) this.#mark(entry, sentAt, reasonCode);
        this.#answer(entry, reasonCode);
        if (this.#more) this.wake();
      });
      failpoint('sent');
    }
  }

  /** Of its time; undefined: it has no end. A clock that was set back prolongs nothing. */
  #leftSeconds(entry: OutboxEntry): number | undefined {
    const at = expiresAt(entry);
    if (at === undefined) return undefined;
    const left = Math.ceil((at - this.ambient.clock.now()) / 1_000);
    return Math.max(0, Math.min(left, entry.properties?.messageExpiryInterval ?? left));
  }

  /** What is on its way ends as the broker says, and what it has answered has ended. */
  #expire(): void {
    const waits = !this.#connection || this.#more;
    if (!waits || this.#expiring) return;
    let after = this.#connection ? this.#sentThrough : 0;
    for (const sequence of this.#answered) after = Math.max(after, sequence);
    this.#expiring = true;
    this.journal
      .expireOutbox(this.ambient.clock.now(), after)
      .catch(() => undefined) // no room for it now: the next time
      .finally(() => (this.#expiring = false));
  }

  /** What the broker has said it will not take is not sent: it would hang up, as it answers or instead. */
  #refusal(packet: OutgoingPublish, version: 4 | 5): Omit<PublishResult, 'sequence' | 'id'> | undefined {
    const limits = this.#limits!;
    const outcome = 'refused';
    if (packetBytes(packet, version) > limits.maximumPacketBytes) {
      return { outcome, reasonCode: 0x95, cause: 'packet-too-large' };
    }
    if (packet.retain && !limits.retainAvailable) return { outcome, reasonCode: 0x9a, cause: 'unsupported' };
    if (packet.qos > limits.maximumQoS) return { outcome, reasonCode: 0x9b, cause: 'unsupported' };
    const denied = this.#denials.refusal(packet.topic, this.ambient.clock.monotonic());
    return denied && { outcome, ...denied };
  }

  #mark({ id, properties }: OutboxEntry, sentAt: number, reasonCode: number): void {
    const parent = properties?.userProperties && traceOf(properties.userProperties)?.parent;
    if (parent === undefined) return;
    const outcome = reasonCode < 0x80 ? 'published' : 'refused';
    this.ambient.traced!({ id, parent, sentAt, answeredAt: this.ambient.clock.now(), outcome, reasonCode });
  }

  #answer({ sequence, id, topic }: OutboxEntry, reasonCode: number): void {
    failpoint('confirmed');
    if (reasonCode < 0x80) this.#finish({ sequence, id, outcome: 'published', reasonCode });
    else {
      this.#refused = { topic, reasonCode, at: this.ambient.clock.monotonic() };
      const cause = causeOfRefusal('publish', reasonCode);
      this.#finish({ sequence, id, outcome: 'refused', reasonCode, cause });
    }
  }

  /** A refusal in deed: without an end to it, it would cost the link again at every connect. */
  #hungUpOn({ sequence, id }: OutboxEntry, code: number, diagnosed: Cause, blame: number): void {
    const hangUps = (this.#suspect.sequence === sequence ? this.#suspect.hangUps : 0) + blame;
    this.#suspect = { sequence, hangUps };
    if (hangUps < HANG_UPS_MAX) return;
    const reasonCode = code || UNSPECIFIED_ERROR;
    const wordless = code === 0 && diagnosed === 'packet-too-large';
    const cause = wordless ? diagnosed : causeOfRefusal('publish', reasonCode);
    this.#finish({ sequence, id, outcome: 'refused', reasonCode, cause });
  }

  #finish(result: PublishResult): void {
    if (result.outcome !== 'expired') this.counters[result.outcome]++;
    this.#answered.add(result.sequence);
    this.#results.push(result);
    if (this.#news.length === 0) setImmediate(() => this.#tell());
    this.#news.push(result);
  }

  /** Who waits for an answer is told at once: what the journal has is enough to send it again. */
  #tell(): void {
    this.ambient.answered?.(this.#news);
    this.#news = [];
    if (!this.#confirming) void this.#confirm();
  }

  async #confirm(): Promise<void> {
    this.#confirming = true;
    while (this.#results.length > 0) {
      const results = this.#results;
      this.#results = [];
      try {
        await this.journal.confirm(results);
        for (const { sequence } of results) this.#answered.delete(sequence);
      } catch {
        // The disk has no room for the answer: it is kept here and told again; it is not sent again.
        this.#results.unshift(...results);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.#confirming = false;
  }
}
