import {
  connect,
  type IClientOptions,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
  type Packet,
} from 'mqtt';
import type { QoS } from '../domain/message.js';
import type { BrokerSettings } from '../domain/settings.js';
import { tlsOptions, type BrokerAddress } from './address.js';

/** One MQTT connection of the doctor's own: opened, asked one thing after another, closed, never reopened. */

export interface ProbeOptions {
  address: BrokerAddress;
  broker: BrokerSettings;
  protocolVersion: 4 | 5;
  clientId: string;
  clean: boolean;
  /** MQTT 5 alone. */
  expirySeconds: number;
  keepaliveSeconds: number;
  /**
   * Confirm nothing: what arrives belongs to somebody else, who gets it again. Default false.
   */
  untouched?: boolean;
}

/** How a connection ended, or why it never was one. */
export interface Ending {
  /** CONNACK or DISCONNECT code; 0 when the broker said nothing. */
  code: number;
  /** The broker's own words for it, as MQTT 5 allows; else empty. */
  words: string;
  errors: string[];
  /** System error code such as ECONNRESET; empty when there was none. */
  systemCode: string;
}

type Answer<C> = Extract<Packet, { cmd: C }>;

const GOODBYE_MS = 500;
const NOT_CONFIRMED = new Error('not confirmed');

export class Probe {
  connack: IConnackPacket | undefined;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly ended: Promise<Ending>;
  readonly #client: MqttClient;
  readonly #connected: Promise<void>;
  readonly #ending: Ending = { code: 0, words: '', errors: [], systemCode: '' };
  readonly #waiting = new Map<string, (packet: Packet) => void>();
  #listener: ((packet: IPublishPacket) => void) | undefined;
  #over = false;

  private constructor(private readonly options: ProbeOptions) {
    this.#client = connect(options.address.url, clientOptions(options));
    if (options.untouched) confirmNothing(this.#client);
    this.#client.on('packetreceive', (packet) => this.#heard(packet));
    this.#client.on('error', (error) => this.#failed(error));
    this.#connected = new Promise((resolve) => this.#client.once('connect', () => resolve()));
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        this.#over = true;
        resolve(this.#ending);
      };
      this.#client.once('close', over);
      try {
        this.#client.connect();
        if (!options.address.webSocket) this.#client.stream.once('data', (first: Buffer) => this.#sniff(first));
      } catch (error) {
        this.#failed(error as Error); // a key that cannot be read is thrown, and no 'close' follows
        over();
      }
    });
  }

  /** Resolves when CONNACK said yes, or with how it ended instead. */
  static async open(options: ProbeOptions, signal: AbortSignal): Promise<Probe | Ending> {
    if (signal.aborted) return { code: 0, words: '', errors: ['time was up before it connected'], systemCode: '' };
    const probe = new Probe(options);
    const cut = (): void => probe.cut();
    signal.addEventListener('abort', cut, { once: true });
    const ending = await Promise.race([probe.#connected, probe.ended]);
    signal.removeEventListener('abort', cut);
    return ending ?? probe;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** @returns the code of SUBACK: the QoS granted, or 0x80 and more */
  async subscribe(filter: string, qos: QoS, { echo = false } = {}): Promise<number | Ending> {
    // Retained messages are not wanted (rh 2). No Local on a shared filter is a protocol error [MQTT-3.8.3-4].
    const nl = !echo && !filter.startsWith('$share/');
    const options = this.options.protocolVersion === 5 ? { qos, rh: 2 as const, rap: true, nl } : { qos };
    const packet = await this.#ask('suback', () => this.#client.subscribe(filter, options, () => undefined));
    return 'cmd' in packet ? (packet.granted[0] as number) : packet;
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.#ask('unsuback', () => this.#client.unsubscribe(filter, () => undefined));
  }

  /** With QoS 1. @returns the code of PUBACK */
  async publish(topic: string, payload: string, expirySeconds: number): Promise<number | Ending> {
    const properties = this.options.protocolVersion === 5 ? { messageExpiryInterval: expirySeconds } : undefined;
    const packet = await this.#ask('puback', () =>
      this.#client.publish(topic, payload, { qos: 1, ...(properties ? { properties } : {}) }, () => undefined),
    );
    return 'cmd' in packet ? (packet.reasonCode ?? 0) : packet;
  }

  /** @returns how long the answer took, in milliseconds */
  async ping(): Promise<number | Ending> {
    const startedAt = performance.now();
    const packet = await this.#ask('pingresp', () => this.#write(Buffer.from([0xc0, 0])));
    return 'cmd' in packet ? performance.now() - startedAt : packet;
  }

  /** Messages from now on; one listener at a time. */
  listen(listener: ((packet: IPublishPacket) => void) | undefined): void {
    this.#listener = listener;
  }

  /** Says DISCONNECT. @param expirySeconds how long the session is kept from now on; MQTT 5 alone */
  async close(expirySeconds?: number): Promise<void> {
    if (this.#over) return;
    if (this.connack) this.#write(disconnectBytes(this.options.protocolVersion === 5 ? expirySeconds : undefined));
    this.#client.stream.end();
    const timer = setTimeout(() => this.cut(), GOODBYE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it without a word. */
  cut(): void {
    if (!this.#client.stream?.destroyed) this.#client.stream?.destroy();
  }

  #ask<C extends Packet['cmd']>(cmd: C, send: () => void): Promise<Answer<C> | Ending> {
    const answer = new Promise<Answer<C>>((resolve) => {
      this.#waiting.set(cmd, (packet) => resolve(packet as Answer<C>));
      if (!this.#over) send();
    });
    return Promise.race([answer, this.ended]);
  }

  #heard(packet: Packet): void {
    if (packet.cmd === 'connack') {
      this.connack = packet;
      const code = packet.reasonCode ?? packet.returnCode ?? 0;
      if (code !== 0) this.#said(code, packet.properties?.reasonString);
    } else if (packet.cmd === 'disconnect') {
      this.#said(packet.reasonCode ?? 0, packet.properties?.reasonString);
      this.cut(); // mqtt.js leaves the socket open after a server's DISCONNECT
    } else if (packet.cmd === 'publish') {
      this.#listener?.(packet);
    } else {
      this.#waiting.get(packet.cmd)?.(packet);
      this.#waiting.delete(packet.cmd);
    }
  }

  /** The parser of MQTT says of a web server's answer that header flags are wrong. */
  #sniff(first: Buffer): void {
    if (first.subarray(0, 5).toString('latin1') !== 'HTTP/') return;
    this.#ending.errors.unshift('HTTP came back: a web server answers');
    this.cut();
  }

  #said(code: number, words = ''): void {
    if (this.#ending.code === 0) Object.assign(this.#ending, { code, words });
  }

  #failed(error: Error & { code?: number | string }): void {
    if (error === NOT_CONFIRMED) return;
    this.#ending.errors.push(error.message);
    if (typeof error.code === 'string' && this.#ending.systemCode === '') this.#ending.systemCode = error.code;
    this.cut(); // mqtt.js leaves the socket open after a parser error
  }

  #write(bytes: Buffer): void {
    if (!this.#client.stream.destroyed) this.#client.stream.write(bytes);
  }
}

/** [MQTT 5.0, 3.14]: reason 0, and Session Expiry Interval where one is given. */
function disconnectBytes(expirySeconds: number | undefined): Buffer {
  if (expirySeconds === undefined) return Buffer.from([0xe0, 0]);
  const bytes = Buffer.from([0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0]);
  bytes.writeUInt32BE(expirySeconds, 5);
  return bytes;
}

function clientOptions(options: ProbeOptions): IClientOptions {
  const { address, broker, protocolVersion, clean } = options;
  const tls = tlsOptions(address, broker.tls);
  return {
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: 2 ** 30, // every check has a limit of its own
    log: () => undefined,
    clean,
    protocolVersion,
    clientId: options.clientId,
    keepalive: options.keepaliveSeconds,
    wsOptions: { headers: broker.wsHeaders, ...tls },
    ...tls,
    ...(broker.username === undefined ? {} : { username: broker.username }),
    ...(broker.password === undefined ? {} : { password: broker.password }),
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: clean ? 0 : options.expirySeconds } } : {}),
  };
}

/**
 * No PUBACK, no PUBREC, and no PUBCOMP: each would tell the broker that the session's owner has the message.
 * mqtt.js answers PUBREL by itself unless its store has the message, so the store has every message.
 */
function confirmNothing(client: MqttClient): void {
  client.handleMessage = (_packet, callback) => callback(NOT_CONFIRMED);
  client.options.customHandleAcks = (_topic, _message, packet, callback) => {
    if ((packet as IPublishPacket).qos === 2) callback(NOT_CONFIRMED);
    else callback(0);
  };
  client.incomingStore.get = ((packet: Packet, callback: (error: null, found: object) => void) => {
    callback(null, { cmd: 'publish', topic: '', payload: Buffer.alloc(0), messageId: packet.messageId });
    return client.incomingStore;
  }) as unknown as typeof client.incomingStore.get;
}
