import { LOGIN_CAUSES, type Cause, type Diagnosis } from '../domain/cause.js';
import type { IPublishPacket } from 'mqtt';
import type { Journal } from '../domain/journal.js';
import type { LinkDrop, LinkEvent, LinkStatus } from '../domain/link.js';
import type { ExpectedResponse } from '../domain/publish.js';
import type { Credentials, SessionSettings, SubscriptionSettings } from '../domain/settings.js';
import { causeOfCode } from './causes.js';
import { Canary } from './canary.js';
import { Connection, type BrokerLimits, type CloseEvidence } from './connection.js';
import { connectionOptions } from './connection-options.js';
import { Dial } from './dial.js';
import { isWordless, type Afterwards, type Evidence } from './evidence.js';
import { History } from './history.js';
import { Intake } from './intake.js';
import { Keepalive } from './keepalive.js';
import { knock } from './knock.js';
import { foreignTopic, gapRecord } from './own-records.js';
import { patience } from './patience.js';
import { Presence } from './presence.js';
import { mayHaveConnected } from './refusals.js';
import { Relay } from './relay.js';
import { Responses } from './responses.js';
import type { SessionAmbient, SessionOptions } from './session-options.js';
import { subscribePort } from './subscribe-port.js';
import { Subscriptions, type SubscribePort, type Wanted } from './subscriptions.js';
import { mayBeAnothers } from './takeovers.js';

/** A connection that held this long has proven itself: the next drop starts backing off anew. */
const PROVEN_MS = 10_000;
const DRAIN_POLL_MS = 10;
/** What closing in order gets at least. */
const CLOSE_MS_MIN = 500;
const JOURNAL_RETRY_MS = 1_000;
/** Of a probe's PUBLISH, about. */
const CANARY_BYTES = 64;
/** As a subscription, among those that are denied. */
const CANARY = 'canary';

/**
 * The one MQTT session: connects, keeps it, and comes back by itself with full jitter. State is one visible
 * value, `status()`. Everything it takes goes through {@link Intake}, everything it sends through {@link Relay}.
 */
export class Session {
  readonly intake: Intake;
  readonly relay: Relay;
  readonly #subscriptions: Subscriptions;
  readonly #dial: Dial;
  readonly #history: History;
  readonly #canary: Canary | undefined;
  readonly #responses: Responses;
  readonly #presence: Presence;
  #credentials: Credentials;
  #connection: Connection | undefined;
  #limits: BrokerLimits | undefined;
  #keepalive: Keepalive | undefined;
  #state: LinkStatus['state'] = 'idle';
  #since: number;
  #upSince = 0;
  /** Wall clock: while it waits, when the next attempt is due. */
  #retryAt = 0;
  /** Wall clock: the broker was last heard of, in this run or the one before; 0: never. */
  #heardAt = 0;
  #sessionPresent = false;
  #sessionName = '';
  #connects = 0;
  #failures = 0;
  /** The broker may have taken a CONNECT whose CONNACK was never seen: by this process or the one before. */
  #doubt = true;
  #timer: NodeJS.Timeout | undefined;
  #knocking: AbortController | undefined;
  /** A knock found nobody, and what comes next may show more clearly whether the broker was away. */
  #glimpsed: Afterwards | undefined;

  constructor(
    private readonly options: SessionOptions,
    private readonly journal: Journal,
    private readonly tell: (event: LinkEvent) => void,
    private readonly failed: (error: Error) => void,
    private readonly ambient: SessionAmbient,
  ) {
    const { canary } = options.session;
    const wanted: Wanted[] = [...options.subscriptions];
    if (canary) wanted.push({ name: CANARY, filter: canary.topic, qos: 0, own: true });
    this.#since = ambient.clock.now();
    this.#dial = new Dial(options.broker);
    this.#history = new History(
      tell,
      (evidence, cause) => this.#judged(evidence, cause),
      (drops) => this.#remember(drops),
    );
    this.#subscriptions = new Subscriptions(wanted);
    this.#credentials = options.broker;
    this.#presence = new Presence(options.session, (problem) => tell({ kind: 'presence', problem }), ambient.clock);
    this.intake = new Intake(journal, failed);
    this.relay = new Relay(journal, failed, ambient);
    if (canary) this.#canary = this.#newCanary(canary);
    this.#responses = new Responses(options, ambient);
  }

  start(): void {
    void this.#connect();
  }

  /** Used from the next connect on, which comes soon when the broker has refused the ones before. */
  renew(credentials: Credentials): void {
    if (credentials.username !== this.#credentials.username) this.#subscriptions.forgetUser();
    this.#credentials = credentials;
    this.#presence.renew();
    this.relay.renew();
    const { lastCause } = this.#history;
    if (this.#state !== 'waiting' || !lastCause || !LOGIN_CAUSES.has(lastCause)) return;
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#wait(patience('network', 0, this.options.session.reconnect, this.ambient.random));
  }

  /** As {@link Subscriptions.want}. */
  resubscribe(subscriptions: readonly SubscriptionSettings[]): void {
    this.#subscriptions.want(subscriptions);
  }

  /** As {@link Responses.expect}. */
  expectResponse(expected: ExpectedResponse): Promise<void> {
    const up = this.#state === 'up' && this.#connection && this.#limits;
    const port = up ? this.#subscribePort(this.#connection!, this.#limits!) : undefined;
    return this.#responses.expect(expected, port && { protocol: this.#dial.protocol, port }, this.#subscriptions);
  }

  /** As {@link Responses.forget}. */
  forgetResponse(token: string): void {
    this.#responses.forget(token);
  }

  status(): LinkStatus {
    return {
      state: this.#state,
      ...(this.#state === 'waiting' ? { retryAt: new Date(this.#retryAt).toISOString() } : {}),
      clientId: this.options.clientId,
      url: this.#dial.address,
      protocol: this.#dial.protocol,
      sessionPresent: this.#sessionPresent,
      since: new Date(this.#since).toISOString(),
      pendingAcks: this.intake.pendingAcks,
      subscribed: this.#subscriptions.granted,
      denied: Object.fromEntries(this.#subscriptions.denied),
      setAside: Object.fromEntries(this.#subscriptions.setAside.map(([name, until]) => [name, this.#wallClock(until)])),
      unanswered: this.#subscriptions.unanswered,
      counters: {
        connects: this.#connects,
        reconnects: Math.max(0, this.#connects - 1),
        ...this.intake.counters,
        ...this.relay.counters,
      },
      drops: this.#history.drops,
      ...(this.#canary ? { canary: this.#canary.status() } : {}),
    };
  }

  #wallClock(monotonicMs: number): string {
    const { clock } = this.ambient;
    return new Date(Math.round(clock.now() + monotonicMs - clock.monotonic())).toISOString();
  }

  /** Lets commits and their acknowledgements finish, then says DISCONNECT, which keeps the session. */
  async stop(deadlineMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.intake.drain();
    const deadline = this.ambient.clock.monotonic() + deadlineMs;
    while (this.#state === 'up' && this.ambient.clock.monotonic() < deadline) {
      if (this.intake.idle && this.relay.idle) break;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    clearTimeout(this.#timer); // The link may have dropped meanwhile.
    const connection = this.#connection;
    const wasUp = this.#state === 'up';
    this.#knocking?.abort();
    if (wasUp) this.#heardAt = this.#keepalive!.heardAt;
    this.#become('stopped');
    this.#canary?.stop();
    this.#history.afterwards();
    this.#remember(this.#history.drops);
    if (wasUp && connection) await this.#presence.farewell(connection, this.#dial.protocolVersion);
    await connection?.disconnect(Math.max(CLOSE_MS_MIN, deadline - this.ambient.clock.monotonic()));
  }

  async #connect(): Promise<void> {
    this.#knocking?.abort();
    this.#become('connecting');
    try {
      await this.#openSession();
    } catch (error) {
      this.failed(error as Error);
      if (this.#state === 'connecting') this.#wait(JOURNAL_RETRY_MS);
      return;
    }
    if (this.#state !== 'connecting') return; // stopped meanwhile
    const { session, clientId } = this.options;
    const will = this.#presence.nextWill();
    const connection = new Connection(connectionOptions(this.#dial, session, clientId, this.#credentials, will), {
      accepted: (limits) => this.#accepted(connection, limits),
      ready: () => this.#ready(connection),
      message: (packet) => this.#message(packet),
      released: (packetId) => this.intake.released(packetId),
      heard: () => this.#keepalive?.heard(),
      closed: (evidence) => this.#closed(evidence),
    });
    this.#connection = connection;
    connection.open();
  }

  /** The table of acknowledged subscriptions belongs to one broker and one client id. */
  async #openSession(): Promise<void> {
    const { host } = new URL(this.#dial.url);
    const name = `${this.options.clientId}@${host}`;
    if (name === this.#sessionName) return;
    if (this.#sessionName === '') {
      const { drops, heardAt } = await this.journal.linkHistory();
      this.#history.load(drops);
      this.#heardAt = heardAt;
    }
    const kept = await this.journal.openSession(name);
    this.#sessionName = name;
    this.#doubt = true;
    this.#subscriptions.load(kept.subscriptions);
    this.intake.load(kept.unreleased);
  }

  #accepted(connection: Connection, limits: BrokerLimits): void {
    if (this.#state === 'stopped') return;
    const { sessionPresent } = limits;
    this.#history.afterwards(this.#glimpsed ?? { kind: 'accepted', sessionPresent });
    this.#history.back(this.ambient.clock.now());
    this.#dial.accepted();
    this.#limits = limits;
    this.#upSince = this.ambient.clock.monotonic();
    this.#sessionPresent = sessionPresent;
    this.#become('up');
    if (!sessionPresent) this.#sessionIsNew();
    else if (this.#doubt || mayBeAnothers(this.#history.lastCause, this.#dial.protocolVersion))
      this.#subscriptions.doubt();
    this.#doubt = false;
    this.intake.begin(connection, sessionPresent);
    const keepaliveMs = (limits.keepaliveSeconds ?? 0) * 1000 || this.options.session.keepaliveMs;
    this.#keepalive = new Keepalive(
      { ping: () => connection.ping(), silent: () => connection.giveUp(), held: () => connection.held },
      keepaliveMs,
      () => this.ambient.clock.now(),
    );
    this.#keepalive.start();
    this.tell({ kind: 'up', sessionPresent, reconnect: this.#connects > 0, after: this.#history.lastCause });
    this.#connects++;
    this.#presence.accepted();
  }

  #ready(connection: Connection): void {
    if (connection !== this.#connection || this.#state !== 'up' || !this.#limits) return;
    const limits = this.#limits;
    this.#presence.announce(connection, limits, (relayLimits) => {
      if (connection === this.#connection && this.#state === 'up') this.relay.begin(connection, relayLimits);
    });
    this.#subscriptions.begin(this.#subscribePort(connection, limits));
    this.#canary?.start();
  }

  #message(packet: IPublishPacket): boolean {
    const { canary } = this.options.session;
    const foreign = foreignTopic(packet.topic);
    if (foreign !== undefined) {
      this.tell({ kind: 'own-topic', topic: packet.topic });
      return this.intake.message({ ...packet, topic: foreign });
    }
    if (this.#responses.heard(packet)) return this.intake.skip(packet);
    if (!canary || packet.topic !== canary.topic) return this.intake.message(packet);
    this.#canary?.heard(packet.payload.toString());
    return packet.qos === 2 ? this.intake.message(packet) : this.intake.skip(packet);
  }

  #sessionIsNew(): void {
    const to = this.ambient.clock.now();
    if (this.#heardAt > 0 || this.#subscriptions.acknowledgedCount > 0) {
      // Of another broker, too: what came meanwhile is in a session that is out of sight.
      this.tell({ kind: 'session-lost', from: this.#heardAt, to });
      this.journal.append(gapRecord(this.#heardAt, to)).catch(this.failed);
    }
    this.#subscriptions.lost();
    this.journal.resetSession(this.#sessionName).catch(this.failed);
  }

  #subscribePort(connection: Connection, limits: BrokerLimits): SubscribePort {
    const { journal, failed, tell, ambient } = this;
    const name = this.#sessionName;
    return subscribePort(connection, limits, { name, journal, failed, tell, clock: ambient.clock });
  }

  #newCanary({ topic, everyMs }: NonNullable<SessionSettings['canary']>): Canary {
    const port = {
      publish: (payload: string, answered: (code: number) => void) => {
        const connection = this.#connection;
        const qos = this.#limits?.maximumQoS === 0 ? 0 : 1;
        connection?.publish({ topic, payload, qos, retain: false }, (code) => {
          if (connection === this.#connection) answered(code);
        });
      },
      facts: () => ({ topic, protocol: this.#dial.protocol, denied: this.#subscriptions.denied.get(CANARY) }),
      alone: () => this.#subscriptions.outstanding.length + this.relay.outstanding.length === 0,
      changed: (diagnosis: Diagnosis | undefined, already: boolean) => {
        this.tell(diagnosis ? { kind: 'canary', silent: true, diagnosis, already } : { kind: 'canary', silent: false });
        // A session that lost its subscriptions without a word is mended by asking for them again.
        if (!diagnosis || already || !this.#connection || !this.#limits) return;
        this.#subscriptions.doubt();
        this.#subscriptions.begin(this.#subscribePort(this.#connection, this.#limits));
      },
    };
    return new Canary(port, everyMs, this.ambient.clock);
  }

  #closed(evidence: CloseEvidence): void {
    const { clock, random, threadDelayMs } = this.ambient;
    this.#keepalive?.stop();
    this.#connection = undefined;
    this.#glimpsed = undefined;
    const outstanding = [...this.#subscriptions.outstanding, ...this.relay.outstanding, ...this.#presence.outstanding];
    const hungUp = isWordless(evidence);
    // What was on the way beside the canary is not blamed: once the canary goes alone it shows which of them it was.
    const canaried = this.#canary?.untaken === true;
    const denied = hungUp || (evidence.ended === undefined && causeOfCode(evidence.code) === 'not-authorized');
    if (canaried && denied) this.#canary.hungUp(outstanding.length === 0);
    if (canaried) outstanding.push({ kind: 'publish', name: this.options.session.canary!.topic, bytes: CANARY_BYTES });
    this.#canary?.stop();
    this.intake.end();
    this.#subscriptions.ended(hungUp && !canaried, clock.monotonic());
    this.relay.end(!canaried);
    this.#presence.closed(evidence);
    if (this.#state === 'stopped') return;
    const upMs = evidence.wasUp ? clock.monotonic() - this.#upSince : 0;
    const delayMs = threadDelayMs(); // what a thread that stood still read afterwards may have come long before
    if (evidence.wasUp) this.#heardAt = this.#keepalive!.heardAt - delayMs;
    const refused = evidence.wasUp ? this.relay.refused : undefined;
    const diagnosis = this.#history.ended(
      {
        ...evidence,
        protocolVersion: this.#dial.protocolVersion,
        keepaliveMs: this.#keepalive?.keepaliveMs ?? this.options.session.keepaliveMs,
        sessionPresent: this.#sessionPresent,
        upMs,
        threadDelayMs: delayMs,
        silentRefusals: this.#dial.silentRefusals,
        outstanding,
        refused,
      },
      clock.now(),
    );
    // A broker that took the link and answered is well, however soon it hung up on a publish that it denies.
    const well = upMs >= PROVEN_MS || (refused !== undefined && diagnosis.cause === 'publish-denied');
    this.#failures = well ? 0 : this.#failures + 1;
    if (!evidence.wasUp) {
      this.#doubt ||= mayHaveConnected(diagnosis, evidence);
      this.#dial.refused(diagnosis.cause, evidence);
    } else if (diagnosis.cause === 'server-moved') this.#dial.moveOn();
    this.#wait(patience(diagnosis.cause, this.#failures, this.options.session.reconnect, random));
    if (this.#history.open && hungUp) void this.#knock();
  }

  /** It is settled why a connection ended, before the next one asks for anything. */
  #judged(evidence: Evidence, cause: Cause): void {
    this.#subscriptions.judged(evidence, cause, this.ambient.clock.monotonic());
    this.relay.judged(evidence, cause);
  }

  /** A broker that restarts closes its clients without a word, as one does that gives the session to another. */
  async #knock(): Promise<void> {
    const { signal } = (this.#knocking = new AbortController());
    const heldOff = this.#history.lastCause === 'client-id-conflict';
    const met = await knock(this.#dial.url, signal);
    // Of a broker that is there, the next connect knows more, unless that is a long time off.
    if (!met || (met.kind === 'there' && !heldOff)) return;
    if (signal.aborted) return void (this.#glimpsed = met);
    this.#history.afterwards(met);
    const cause = this.#history.lastCause!;
    if (!heldOff || cause === 'client-id-conflict') return;
    clearTimeout(this.#timer);
    this.#wait(patience(cause, this.#failures, this.options.session.reconnect, this.ambient.random));
  }

  #wait(delayMs: number): void {
    this.#become('waiting');
    this.#retryAt = this.ambient.clock.now() + delayMs;
    this.#timer = setTimeout(() => void this.#connect(), delayMs);
  }

  /** Told again with the next drop should the disk have no room for it now. */
  #remember(drops: readonly LinkDrop[]): void {
    this.journal.saveLinkHistory({ drops: [...drops], heardAt: this.#heardAt }).catch(() => undefined);
  }

  #become(state: LinkStatus['state']): void {
    this.#state = state;
    this.#since = this.ambient.clock.now();
  }
}
