import { fullJitter, type Random } from '../domain/backoff.js';
import { LOGIN_CAUSES, type Cause, type Diagnosis } from '../domain/cause.js';
import type { Clock } from '../domain/clock.js';
import type { Journal } from '../domain/journal.js';
import { LINK_DROPS_KEPT, type LinkDrop, type LinkEvent, type LinkPhase, type LinkStatus } from '../domain/link.js';
import type { BrokerSettings, Credentials, SessionSettings, SubscriptionSettings } from '../domain/settings.js';
import { Connection, type BrokerLimits, type CloseEvidence } from './connection.js';
import { diagnose } from './diagnosis.js';
import { Intake } from './intake.js';
import { Keepalive } from './keepalive.js';
import { Presence } from './presence.js';
import { Relay } from './relay.js';
import { Subscriptions } from './subscriptions.js';

const CONNECT_TIMEOUT_MS_MAX = 10_000;
/** A connection that held this long has proven itself: the next drop starts backing off anew. */
const PROVEN_MS = 10_000;
const DENIED_RETRY_MS = 60_000;
const DRAIN_POLL_MS = 10;
const JOURNAL_RETRY_MS = 1_000;

export interface SessionOptions {
  clientId: string;
  broker: BrokerSettings;
  session: SessionSettings;
  subscriptions: SubscriptionSettings[];
}

/**
 * The one MQTT session: connects, keeps it, and comes back by itself with full jitter. State is one visible
 * value, `status()`. Everything it takes goes through {@link Intake}, everything it sends through {@link Relay}.
 */
export class Session {
  readonly intake: Intake;
  readonly relay: Relay;
  readonly #subscriptions: Subscriptions;
  readonly #presence: Presence;
  #credentials: Credentials;
  #connection: Connection | undefined;
  #limits: BrokerLimits | undefined;
  #keepalive: Keepalive | undefined;
  #phase: LinkPhase = 'idle';
  #since: number;
  #upSince = 0;
  #sessionPresent = false;
  #sessionName = '';
  #connects = 0;
  #failures = 0;
  #drops: LinkDrop[] = [];
  #urlIndex = 0;
  #protocol: 4 | 5;
  /** The broker has taken 3.1.1 where it would not take 5: not asked again. */
  #protocolProven = false;
  #lastCause: Cause | undefined;
  /** The broker may have taken a CONNECT whose CONNACK was never seen: by this process or the one before. */
  #doubt = true;
  #timer: NodeJS.Timeout | undefined;
  #deniedTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: SessionOptions,
    private readonly journal: Journal,
    private readonly tell: (event: LinkEvent) => void,
    private readonly failed: (error: Error) => void,
    private readonly ambient: { clock: Clock; random: Random },
  ) {
    this.#since = ambient.clock.now();
    this.#credentials = options.broker;
    this.#protocol = options.broker.protocol === '3.1.1' ? 4 : 5;
    this.#subscriptions = new Subscriptions(options.subscriptions);
    this.#presence = new Presence(options.session, (problem) => tell({ kind: 'presence', problem }), ambient.clock);
    this.intake = new Intake(journal, failed);
    this.relay = new Relay(journal, failed);
  }

  start(): void {
    void this.#connect();
  }

  /** Used from the next connect on, which comes soon when the broker has refused the ones before. */
  renew(credentials: Credentials): void {
    this.#credentials = credentials;
    this.#presence.renew();
    if (this.#phase !== 'waiting' || !this.#lastCause || !LOGIN_CAUSES.has(this.#lastCause)) return;
    clearTimeout(this.#timer);
    this.#failures = 0;
    const { initialMs, maxMs } = this.options.session.reconnect;
    this.#wait(fullJitter(0, initialMs, maxMs, this.ambient.random));
  }

  status(): LinkStatus {
    const url = new URL(this.#url);
    url.username = url.password = '';
    return {
      phase: this.#phase,
      clientId: this.options.clientId,
      url: url.href,
      protocol: this.#protocol === 5 ? '5' : '3.1.1',
      sessionPresent: this.#sessionPresent,
      since: this.#since,
      pendingAcks: this.intake.pendingAcks,
      subscribed: this.#subscriptions.granted,
      denied: Object.fromEntries(this.#subscriptions.denied),
      counters: {
        connects: this.#connects,
        reconnects: Math.max(0, this.#connects - 1),
        ...this.intake.counters,
        ...this.relay.counters,
      },
      drops: this.#drops,
    };
  }

  /** Lets commits and their acknowledgements finish, then says DISCONNECT, which keeps the session. */
  async stop(deadlineMs: number): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#deniedTimer);
    this.intake.drain();
    const deadline = this.ambient.clock.monotonic() + deadlineMs;
    while (this.#phase === 'up' && this.ambient.clock.monotonic() < deadline) {
      if (this.intake.idle && this.relay.idle) break;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    clearTimeout(this.#timer); // The link may have dropped meanwhile.
    const connection = this.#connection;
    const wasUp = this.#phase === 'up';
    this.#become('stopped');
    if (wasUp && connection) await this.#presence.farewell(connection, this.#protocol);
    connection?.disconnect();
  }

  get #url(): string {
    return this.options.broker.urls[this.#urlIndex]!;
  }

  async #connect(): Promise<void> {
    this.#become('connecting');
    try {
      await this.#openSession();
    } catch (error) {
      this.failed(error as Error);
      if (this.#phase === 'connecting') this.#wait(JOURNAL_RETRY_MS);
      return;
    }
    if (this.#phase !== 'connecting') return; // stopped meanwhile
    const { session, clientId } = this.options;
    const { username, password, tls, wsHeaders } = this.#credentials;
    const connection = new Connection(
      {
        url: this.#url,
        protocolVersion: this.#protocol,
        clientId,
        keepaliveSeconds: Math.ceil(session.keepaliveMs / 1000),
        expirySeconds: Math.floor(session.expiryMs / 1000),
        receiveMaximum: session.receiveMaximum,
        maxPacketBytes: session.maxPacketBytes,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        tls,
        wsHeaders,
        will: this.#presence.nextWill(),
        connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS_MAX, session.keepaliveMs * 1.5),
      },
      {
        accepted: (limits) => this.#accepted(connection, limits),
        ready: () => this.#ready(connection),
        message: (packet) => this.intake.message(packet),
        released: (packetId) => this.intake.released(packetId),
        heard: () => this.#keepalive?.heard(),
        closed: (evidence) => this.#closed(evidence),
      },
    );
    this.#connection = connection;
    connection.open();
  }

  /** The table of acknowledged subscriptions belongs to one broker and one client id. */
  async #openSession(): Promise<void> {
    const { host } = new URL(this.#url);
    const name = `${this.options.clientId}@${host}`;
    if (name === this.#sessionName) return;
    const kept = await this.journal.openSession(name);
    this.#sessionName = name;
    this.#doubt = true;
    this.#subscriptions.load(kept.subscriptions);
    this.intake.load(kept.unreleased);
  }

  #accepted(connection: Connection, limits: BrokerLimits): void {
    if (this.#phase === 'stopped') return;
    this.#limits = limits;
    this.#upSince = this.ambient.clock.monotonic();
    this.#sessionPresent = limits.sessionPresent;
    this.#become('up');
    if (!limits.sessionPresent) this.#sessionIsNew();
    else if (this.#doubt) this.#subscriptions.doubt();
    this.#doubt = false;
    this.intake.begin(connection, limits.sessionPresent);
    const keepaliveMs = (limits.keepaliveSeconds ?? 0) * 1000 || this.options.session.keepaliveMs;
    this.#keepalive = new Keepalive(
      { ping: () => connection.ping(), silent: () => connection.giveUp(), held: () => connection.held },
      keepaliveMs,
    );
    this.#keepalive.start();
    this.tell({
      kind: 'up',
      sessionPresent: limits.sessionPresent,
      reconnect: this.#connects > 0,
      after: this.#lastCause,
    });
    this.#connects++;
    this.#presence.accepted();
    if (this.#protocol === 4) this.#protocolProven = true;
  }

  #ready(connection: Connection): void {
    if (connection !== this.#connection || this.#phase !== 'up' || !this.#limits) return;
    this.#presence.announce(connection, this.#limits, (limits) => {
      if (connection === this.#connection && this.#phase === 'up') this.relay.begin(connection, limits);
    });
    this.#reconcile(connection);
    this.#deniedTimer = setInterval(
      () => this.#subscriptions.denied.size > 0 && this.#reconcile(connection),
      DENIED_RETRY_MS,
    );
  }

  #sessionIsNew(): void {
    if (this.#subscriptions.acknowledgedCount > 0) this.tell({ kind: 'session-lost' });
    this.#subscriptions.load([]);
    this.journal.resetSession(this.#sessionName).catch(this.failed);
  }

  #reconcile(connection: Connection): void {
    const name = this.#sessionName;
    const settled = (filter: string, code: number): void => {
      const known = this.options.subscriptions.find((one) => one.filter === filter);
      if (known) this.tell({ kind: 'subscription', name: known.name, code });
    };
    this.#subscriptions
      .reconcile({
        subscribe: async (filter, qos) => {
          const code = await connection.subscribe(filter, qos);
          settled(filter, code);
          return code;
        },
        unsubscribe: (filter) => connection.unsubscribe(filter),
        acknowledged: (subscription) => void this.journal.saveSubscription(name, subscription).catch(this.failed),
        dropped: (filter) => void this.journal.dropSubscription(name, filter).catch(this.failed),
      })
      .catch(() => {
        // The connection ended under it; the next one subscribes what is still missing.
      });
  }

  #closed(evidence: CloseEvidence): void {
    this.#keepalive?.stop();
    clearInterval(this.#deniedTimer);
    this.#connection = undefined;
    this.intake.end();
    this.relay.end(evidence);
    this.#presence.closed(evidence);
    if (this.#phase === 'stopped') return;
    const diagnosis = diagnose(evidence);
    this.#lastCause = diagnosis.cause;
    this.#drops = [{ ...diagnosis, at: this.ambient.clock.now(), wasUp: evidence.wasUp }, ...this.#drops].slice(
      0,
      LINK_DROPS_KEPT,
    );
    this.tell({ kind: evidence.wasUp ? 'down' : 'refused', diagnosis });
    const proven = evidence.wasUp && this.ambient.clock.monotonic() - this.#upSince >= PROVEN_MS;
    this.#failures = proven ? 0 : this.#failures + 1;
    if (!evidence.wasUp) {
      this.#doubt ||= mayHaveConnected(diagnosis, evidence);
      this.#tryAnotherWay(diagnosis.cause, evidence);
    }
    const { initialMs, maxMs } = this.options.session.reconnect;
    this.#wait(fullJitter(this.#failures, initialMs, maxMs, this.ambient.random));
  }

  #wait(delayMs: number): void {
    this.#become('waiting');
    this.#timer = setTimeout(() => void this.#connect(), delayMs);
  }

  /** An older protocol where the broker does not speak the newer one, else the next address. */
  #tryAnotherWay(cause: Cause, evidence: CloseEvidence): void {
    const { broker } = this.options;
    // Some 3.1.1 brokers hang up on an MQTT 5 CONNECT without a word.
    const silent = evidence.code === 0 && evidence.systemCode === undefined && evidence.errors.length === 0;
    if (broker.protocol === 'auto' && this.#protocol === 5 && (cause === 'protocol-version' || silent)) {
      this.#protocol = 4;
      return;
    }
    if (broker.protocol === 'auto' && !this.#protocolProven) this.#protocol = 5;
    this.#urlIndex = (this.#urlIndex + 1) % broker.urls.length;
  }

  #become(phase: LinkPhase): void {
    this.#phase = phase;
    this.#since = this.ambient.clock.now();
  }
}

/** Neither refused by the broker nor kept from reaching it. */
function mayHaveConnected({ cause, confidence }: Diagnosis, { code }: CloseEvidence): boolean {
  return (
    code === 0 && cause !== 'dns' && cause !== 'tls' && !(cause === 'broker-unreachable' && confidence === 'certain')
  );
}
