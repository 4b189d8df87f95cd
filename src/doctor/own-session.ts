import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QoS } from '../domain/message.js';
import type { Settings } from '../domain/settings.js';
import type { BrokerAddress } from './address.js';
import { Probe, type Ending } from './probe.js';

/** A broker of MQTT 3.1.1 need not take longer ones [MQTT-3.1.3-5]. */
const SHORT_ID_CHARACTERS = 23;
/** How long the broker keeps the doctor's session should the doctor be killed. */
const LEFT_BEHIND_SECONDS = 60;
const CLEANING_MS = 3_000;
/** Where no CONNACK was ever seen. */
const CLEANING_UNSEEN_MS = 500;
/** A CONNECT that was cut off may still be waiting at the broker, and must not be taken after the clean one. */
const SETTLING_MS = 200;

/**
 * `<clientId or holdfast>-doctor-<random>`: begins like the gateway's id, because brokers give permissions by
 * prefix; no longer than 23 characters unless the gateway's is longer too.
 */
export function doctorClientId(clientId: string, random = randomBytes(2).toString('hex')): string {
  const ending = `-doctor-${random}`;
  const start = clientId === '' ? 'holdfast' : clientId;
  return start.length > SHORT_ID_CHARACTERS
    ? start + ending
    : start.slice(0, SHORT_ID_CHARACTERS - ending.length) + ending;
}

/** The doctor's own session at one broker: opened, reopened where a check lost it, and ended without a trace. */
export class OwnSession {
  /** What the broker took. */
  protocolVersion: 4 | 5 = 5;
  #probe: Probe | undefined;
  readonly #subscribed = new Set<string>();
  /** The broker may have made it, even if its CONNACK got lost. */
  #mayExist = false;
  #existed = false;
  #cutOff = false;

  constructor(
    readonly address: BrokerAddress,
    readonly settings: Settings,
    readonly clientId: string,
  ) {}

  /** A connection that keeps the session; MQTT 5: for `expirySeconds` after it. */
  async open(signal: AbortSignal, expirySeconds = this.shortExpirySeconds): Promise<Probe | Ending> {
    this.#mayExist = true;
    const opened = await this.#connect(signal, { clean: false, expirySeconds });
    this.#cutOff = signal.aborted;
    if (opened instanceof Probe) {
      this.#probe = opened;
      this.#existed = true;
    } else if (opened.code !== 0 && !this.#existed) this.#mayExist = false;
    return opened;
  }

  /** The open connection, or a new one. It is cut when the signal says that time is up: an answer may still come. */
  async probe(signal: AbortSignal): Promise<Probe | Ending> {
    const probe = !this.#probe || this.#probe.isOver ? await this.open(signal) : this.#probe;
    if (probe instanceof Probe) signal.addEventListener('abort', () => probe.cut(), { once: true });
    return probe;
  }

  /** Closes the connection and leaves the session at the broker. */
  async leave(): Promise<void> {
    await this.#probe?.close(this.shortExpirySeconds);
    this.#probe = undefined;
  }

  async subscribe(probe: Probe, filter: string, qos: QoS, options?: { echo: boolean }): Promise<number | Ending> {
    this.#subscribed.add(filter);
    return probe.subscribe(filter, qos, options);
  }

  async unsubscribe(probe: Probe, filter: string): Promise<void> {
    await probe.unsubscribe(filter);
    if (!probe.isOver) this.#subscribed.delete(filter);
  }

  /** Takes back every subscription and ends the session. @returns whether nothing that was there is left behind */
  async end(): Promise<boolean> {
    if (!this.#mayExist) return true;
    const limit = AbortSignal.timeout(this.#existed ? CLEANING_MS : CLEANING_UNSEEN_MS);
    const probe = this.#probe;
    if (probe && !probe.isOver) {
      const cut = (): void => probe.cut();
      limit.addEventListener('abort', cut);
      for (const filter of this.#subscribed) await this.unsubscribe(probe, filter);
      await probe.close(0);
      limit.removeEventListener('abort', cut);
    }
    if (this.#cutOff) await sleep(SETTLING_MS);
    // A new session in its place is what every broker understands, also where DISCONNECT cannot say it.
    const last = await this.#connect(limit, { clean: true, expirySeconds: 0 });
    if (!(last instanceof Probe)) return !this.#existed;
    await last.close();
    this.#mayExist = false;
    return true;
  }

  /** For the session's short life: never longer than the gateway's own. */
  get shortExpirySeconds(): number {
    return Math.min(LEFT_BEHIND_SECONDS, this.expirySeconds);
  }

  /** What the gateway asks for. */
  get expirySeconds(): number {
    return Math.floor(this.settings.session.expiryMs / 1_000);
  }

  #connect(signal: AbortSignal, how: { clean: boolean; expirySeconds: number }): Promise<Probe | Ending> {
    const { broker, session } = this.settings;
    const { address, clientId, protocolVersion } = this;
    const keepaliveSeconds = Math.ceil(session.keepaliveMs / 1_000);
    return Probe.open({ address, broker, protocolVersion, clientId, keepaliveSeconds, ...how }, signal);
  }
}
