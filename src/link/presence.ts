import type { PresenceSettings, WillSettings } from '../domain/settings.js';
import type { PresenceProblem } from '../domain/link.js';
import type { Clock } from '../domain/clock.js';
import type { BrokerLimits, CloseEvidence, Connection } from './connection.js';
import type { Outstanding } from './evidence.js';

/** How long the outbox waits for the answer to the birth message. */
const BIRTH_MS_MAX = 5_000;
/** How long a stop waits for the answer to the will of MQTT 3.1.1. */
const FAREWELL_MS_MAX = 1_000;
/** A broker that hangs up this often in a row on the birth message is spared it. */
const HANG_UPS_MAX = 3;
/** It is tried again after this long: the hang-ups may have had another reason. */
const REST_MS = 10 * 60_000;
/** After so many refusals one connect goes without the will, to see whether the will is why. */
const REFUSALS_MAX = 2;
/** Taken without the will so often in a row, right after refusing it: the broker denies it. */
const DENIALS_MAX = 2;
/** What a broker says of a will it does not take [MQTT 5.0, 3.2.2.2]. */
const WILL_CODES = new Set([0x90, 0x99, 0x9a, 0x9b]);
/** What may be said of a will, or of a login: not authorised, unspecified, implementation-specific, too large, quota. */
const DOUBTFUL_CODES = new Set([5, 0x80, 0x83, 0x87, 0x95, 0x97]);
/** Room in a PUBLISH for what is neither topic nor payload. */
const PACKET_OVERHEAD_BYTES = 16;

/** What is used of a connection. */
export type PresencePort = Pick<Connection, 'publish' | 'ping'>;

/**
 * Tells others whether the gateway is there: a birth message after every connect, a will that the broker
 * publishes when the link is gone. A broker may deny either, some by hanging up. Neither is worth the link: what is
 * denied again and again is left out, and said.
 */
export class Presence {
  /** The connection was opened with the will. */
  #carried = false;
  /** Connects with the will that were refused in a row. */
  #refusals = 0;
  #denials = 0;
  /** Ends the wait for the answer to the birth message; absent when none is waited for. */
  #waiting: (() => void) | undefined;
  #hangUps = 0;
  /** Monotonic; the birth message is left out until then. */
  #restUntil = 0;

  constructor(
    private readonly settings: { will?: WillSettings; birth?: PresenceSettings },
    private readonly tell: (problem: PresenceProblem) => void,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

  /** @returns the will of the next CONNECT; undefined: it goes without */
  nextWill(): WillSettings | undefined {
    const { will } = this.settings;
    this.#carried = will !== undefined && this.#denials < DENIALS_MAX && this.#refusals < REFUSALS_MAX;
    return this.#carried ? will : undefined;
  }

  /** Another login may be allowed what this one was not. */
  renew(): void {
    this.#refusals = this.#denials = this.#hangUps = this.#restUntil = 0;
  }

  /** The birth message, while the broker has not answered it: it may be what the broker hangs up on. */
  get outstanding(): Outstanding[] {
    const { birth } = this.settings;
    return birth && this.#waiting ? [{ kind: 'publish', name: birth.topic, bytes: bytesOf(birth) }] : [];
  }

  accepted(): void {
    if (this.#carried) this.#denials = 0;
    else if (this.#refusals >= REFUSALS_MAX) {
      this.#denials++;
      this.tell({ message: 'will', problem: 'the broker refused the link with it and took it without' });
    }
    this.#refusals = 0;
  }

  /** The connection has ended, or was never accepted. */
  closed(evidence: CloseEvidence): void {
    if (!evidence.wasUp) this.#refused(evidence);
    const hungUp = this.#waiting !== undefined && evidence.ended === undefined;
    this.#waiting?.();
    if (!hungUp || ++this.#hangUps < HANG_UPS_MAX) return;
    this.#restUntil = this.clock.monotonic() + REST_MS;
    this.tell({ message: 'birth', problem: 'the broker hangs up on it; it is left out for ten minutes' });
  }

  /**
   * Publishes the birth message. `then` is called once the outbox may follow: when the broker has dealt with it,
   * so that no publish is taken for the one it hung up on. It is given what the broker still takes.
   */
  announce(port: PresencePort, limits: BrokerLimits, then: (limits: BrokerLimits) => void): void {
    const { birth } = this.settings;
    if (!birth || this.clock.monotonic() < this.#restUntil) return then(limits);
    const unfit = unfitness(birth, limits);
    if (unfit !== undefined) {
      this.tell({ message: 'birth', problem: unfit });
      return then(limits);
    }
    const late = setTimeout(() => {
      this.#waiting = undefined;
      this.tell({ message: 'birth', problem: 'the broker has not answered it' });
      then({ ...limits, receiveMaximum: Math.max(1, limits.receiveMaximum - 1) });
    }, BIRTH_MS_MAX).unref();
    const over = (): void => {
      clearTimeout(late);
      this.#waiting = undefined;
    };
    const answered = (code: number): void => {
      if (this.#waiting !== over) return;
      over();
      this.#hangUps = 0;
      if (code >= 0x80) this.tell({ message: 'birth', problem: `the broker refused it, code 0x${code.toString(16)}` });
      then(limits);
    };
    this.#waiting = over;
    // Where one message may be on the way, an answer that never came would leave no room for the outbox.
    const qos = limits.maximumQoS === 0 || limits.receiveMaximum === 1 ? 0 : birth.qos;
    port.publish(packetOf(birth, qos), qos === 1 ? answered : () => undefined);
    if (qos === 0) port.ping(() => answered(0));
  }

  /**
   * Before the DISCONNECT of an orderly stop: MQTT 3.1.1 knows no DISCONNECT that lets the will be published, so
   * that it is published here. Resolves when the broker has it, or has had time enough.
   */
  async farewell(port: PresencePort, protocol: 4 | 5): Promise<void> {
    const { will } = this.settings;
    if (!will || !this.#carried || protocol === 5) return;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, FAREWELL_MS_MAX).unref();
      port.publish(packetOf(will, will.qos), () => resolve());
    });
  }

  #refused({ code, where, ended, systemCode, errors }: CloseEvidence): void {
    if (ended !== undefined) return;
    if (!this.#carried) this.#refusals = 0;
    else if (where === 'connack' && WILL_CODES.has(code)) {
      this.#denials = DENIALS_MAX;
      this.tell({ message: 'will', problem: `the broker refused it, code 0x${code.toString(16)}; it is left out` });
    } else if (code === 0 ? hungUp(systemCode, errors) : DOUBTFUL_CODES.has(code)) this.#refusals++;
  }
}

/** The broker was reached, and closed the connection without a word. */
function hungUp(systemCode: string | undefined, errors: readonly string[]): boolean {
  return systemCode === undefined ? errors.length === 0 : systemCode === 'ECONNRESET' || systemCode === 'EPIPE';
}

function bytesOf({ topic, payload }: Pick<PresenceSettings, 'topic' | 'payload'>): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(topic) + PACKET_OVERHEAD_BYTES;
}

/** Why the broker would hang up on it. */
function unfitness({ topic, payload, retain }: PresenceSettings, limits: BrokerLimits): string | undefined {
  if (retain && !limits.retainAvailable) return 'the broker keeps no retained messages; it is left out';
  return bytesOf({ topic, payload }) > limits.maximumPacketBytes
    ? 'it is larger than the broker allows; it is left out'
    : undefined;
}

function packetOf({ topic, payload, retain }: PresenceSettings, qos: 0 | 1): Parameters<Connection['publish']>[0] {
  return { topic, payload: Buffer.from(payload), retain, qos };
}
