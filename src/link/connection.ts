import { connect, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Message, QoS } from '../domain/message.js';
import type { WillSettings } from '../domain/settings.js';
import { clientOptions, PUBREL_MARK } from './client-options.js';
import { transportOptions, type WebSocketFacts } from './transport.js';

/**
 * One connection: one mqtt.js client, used once and thrown away. Nothing that mqtt.js would carry over to
 * the next connection (queued acks, stored publishes, packet ids) can then confirm a message that nobody
 * journaled: an ack is always written to the connection that brought its message.
 */

export interface ConnectionOptions {
  url: string;
  protocolVersion: 4 | 5;
  clientId: string;
  keepaliveSeconds: number;
  expirySeconds: number;
  receiveMaximum: number;
  maxPacketBytes: number;
  username?: string;
  password?: string;
  tls: { ca?: string; cert?: string; key?: string; serverName?: string };
  wsHeaders: { [name: string]: string };
  will?: WillSettings | undefined;
  connectTimeoutMs: number;
}

/** What the broker said of itself in CONNACK; defaults where it said nothing [MQTT 5.0, 3.2.2.3]. */
export interface BrokerLimits {
  sessionPresent: boolean;
  receiveMaximum: number;
  maximumPacketBytes: number;
  maximumQoS: QoS;
  retainAvailable: boolean;
  wildcardAvailable: boolean;
  sharedAvailable: boolean;
  keepaliveSeconds: number | undefined;
}

/** What is known when a connection has ended. */
export interface CloseEvidence {
  /** The CONNACK, DISCONNECT or error code of the broker, 0 when it said nothing. */
  code: number;
  where: 'connack' | 'disconnect' | 'error' | 'close';
  /** Texts of the errors seen, oldest first. */
  errors: string[];
  /** System error code such as ECONNREFUSED. */
  systemCode: string | undefined;
  /** Whether CONNACK had said yes. */
  wasUp: boolean;
  /** Why this side ended it, if it did. */
  ended: 'keepalive' | 'stop' | undefined;
  /** TCP was connected, and the TLS handshake had not ended. */
  securing?: boolean;
  /** What came back to a CONNECT without TLS is of this protocol. */
  spoke?: 'TLS' | 'HTTP' | undefined;
  /** Absent when the address is no WebSocket. */
  webSocket?: WebSocketFacts;
}

export interface ConnectionHandlers {
  /** CONNACK said yes. Comes before any message, also before those right behind CONNACK. */
  accepted(limits: BrokerLimits): void;
  /** Subscribing and publishing may begin. */
  ready(): void;
  /** Returns false to hold the reader: nothing more is read until {@link Connection.resume}. */
  message(packet: IPublishPacket): boolean;
  /** PUBREL: the broker lets go of a QoS 2 packet id. */
  released(packetId: number): void;
  /** Any packet came in. */
  heard(): void;
  closed(evidence: CloseEvidence): void;
}

/** What mqtt.js is told so that it sends no acknowledgement of its own: ours goes out after the commit. */
const DEFERRED = new Error('deferred');
const RECEIVE_MAXIMUM_DEFAULT = 65_535; // [MQTT 5.0, 3.2.2.3.3]
/** What `ws` says when this side ends an upgrade: what made it do so is known already. */
const OWN_DOING = 'WebSocket was closed before the connection was established';
/** What Node says to a write after the other end has closed in order: that close is what happened. */
const WRITTEN_TOO_LATE = /^This socket has been ended by the other party$|^WebSocket is not open: readyState [23]/;

const DISCONNECT = Buffer.from([0xe0, 0]);
const DISCONNECT_WITH_WILL = Buffer.from([0xe0, 2, 0x04, 0]); // [MQTT 5.0, 3.14.2.1]

const PUBACK = 0x40;
const PUBREC = 0x50;
const PUBCOMP = 0x70;
const ACK_BYTES = 4;

export class Connection {
  readonly #client: MqttClient;
  readonly #errors: Error[] = [];
  #code = 0;
  #where: CloseEvidence['where'] = 'close';
  #ended: CloseEvidence['ended'];
  #up = false;
  #held: (() => void) | undefined;
  #securing = false;
  #spoke: CloseEvidence['spoke'];
  readonly #webSocket: WebSocketFacts = { stage: 'connecting' };
  /** Who waits for the answers to the pings on the way, oldest first. */
  readonly #pings: (() => void)[] = [];

  constructor(
    private readonly options: ConnectionOptions,
    private readonly handlers: ConnectionHandlers,
  ) {
    this.#client = connect(options.url, { ...clientOptions(options), ...transportOptions(options, this.#webSocket) });
    this.#takeOverAcks();
    this.#client.on('packetreceive', (packet) => {
      handlers.heard();
      if (packet.cmd === 'connack' && (packet.reasonCode ?? packet.returnCode ?? 0) === 0) this.#accepted(packet);
      else if (packet.cmd === 'pingresp') this.#pings.shift()?.();
    });
    // mqtt.js emits 'connect' some turns after CONNACK, when the first messages may already be here.
    this.#client.on('connect', () => handlers.ready());
    this.#client.on('disconnect', (packet) => {
      this.#note('disconnect', packet.reasonCode ?? 0);
      this.#client.stream.destroy(); // mqtt.js leaves the socket open after a server's DISCONNECT
    });
    this.#client.on('error', (error) => this.#failed(error as Error & { code?: number | string }));
    this.#client.once('close', () => handlers.closed(this.#evidence()));
  }

  open(): void {
    try {
      this.#client.connect();
      // mqtt.js keeps errors without a code to itself: every refused WebSocket upgrade is one.
      this.#client.stream.on('error', (error: Error) => this.#failed(error));
      if (/^mqtts:/i.test(this.options.url)) this.#followHandshake();
      else if (/^mqtt:/i.test(this.options.url)) {
        this.#client.stream.once('data', (first: Buffer) => (this.#spoke = otherProtocol(first)));
      }
    } catch (error) {
      // A certificate or key that cannot be read is thrown at once, and no 'close' follows.
      this.#errors.push(error as Error);
      this.handlers.closed(this.#evidence());
    }
  }

  get protocolVersion(): 4 | 5 {
    return this.options.protocolVersion;
  }

  get held(): boolean {
    return this.#held !== undefined;
  }

  /** Reads on after {@link ConnectionHandlers.message} returned false. */
  resume(): void {
    const goOn = this.#held;
    this.#held = undefined;
    goOn?.();
  }

  /** Writes PUBACKs and PUBRECs with reason code 0, in the order given, in one write. */
  acknowledge(received: readonly Pick<Message, 'qos' | 'packetId'>[]): void {
    const bytes = Buffer.allocUnsafe(received.length * ACK_BYTES);
    let at = 0;
    for (const { qos, packetId } of received) at = writeAck(bytes, at, qos === 2 ? PUBREC : PUBACK, packetId);
    this.#write(bytes);
  }

  complete(packetId: number): void {
    const bytes = Buffer.allocUnsafe(ACK_BYTES);
    writeAck(bytes, 0, PUBCOMP, packetId);
    this.#write(bytes);
  }

  /** @param answered is called when the broker has dealt with this and all that was sent before */
  ping(answered: () => void = () => undefined): void {
    this.#pings.push(answered);
    this.#write(Buffer.from([0xc0, 0]));
  }

  /**
   * @param own what we publish ourselves is wanted too
   * @returns the SUBACK code: the granted QoS, or 0x80 and above when refused
   */
  subscribe(filter: string, qos: QoS, { own = false }: { own?: boolean } = {}): Promise<number> {
    const shared = filter.startsWith('$share/');
    const options =
      this.options.protocolVersion === 5
        ? { qos, rh: 1 as const, rap: true, nl: !shared && !own } // no local is a protocol error on shared ones [MQTT-3.8.3-4]
        : { qos };
    return new Promise((resolve, reject) => {
      this.#client.subscribe(filter, options, (error, grants, packet) => {
        const granted = (error as { packet?: { granted?: number[] } } | null)?.packet?.granted ?? packet?.granted;
        if (granted) resolve(granted[0] as number);
        else if (error) reject(error);
        else resolve(grants?.[0]?.qos ?? qos);
      });
    });
  }

  unsubscribe(filter: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.unsubscribe(filter, (error) => (error ? reject(error) : resolve()));
    });
  }

  /**
   * @param settled is called with the PUBACK's reason code (QoS 1), or 0 once written (QoS 0); never after
   * the connection has closed
   */
  publish(
    packet: Pick<IPublishPacket, 'topic' | 'payload' | 'retain' | 'properties'> & { qos: 0 | 1 },
    settled: (reasonCode: number) => void,
  ): void {
    const { topic, payload, qos, retain } = packet;
    const properties = this.options.protocolVersion === 5 ? packet.properties : undefined;
    const answered = (error: unknown): void => {
      if (!error) settled(0);
      else if (typeof (error as { code?: unknown }).code === 'number') settled((error as { code: number }).code);
    };
    try {
      this.#client.publish(topic, payload, { qos, retain, ...(properties ? { properties } : {}) }, answered);
    } catch (error) {
      // It may have been written by half: whatever came behind would be taken for the rest of it.
      this.#failed(error as Error);
    }
  }

  /** The broker does not answer. */
  giveUp(): void {
    this.#ended = 'keepalive';
    this.#client.stream.destroy();
  }

  /**
   * Says DISCONNECT, which keeps the session, and resolves when the broker has closed, or after `waitMs` without it.
   * An MQTT 5 broker publishes the will then, if there is one. Going away before would reset the connection, and the broker would drop acknowledgements it has not read yet.
   */
  async disconnect(waitMs: number): Promise<void> {
    const { stream } = this.#client;
    this.#ended = 'stop';
    const { will, protocolVersion } = this.options;
    if (this.#up) this.#write(will && protocolVersion === 5 ? DISCONNECT_WITH_WILL : DISCONNECT);
    const closed = new Promise<void>((resolve) => (stream.closed ? resolve() : stream.once('close', () => resolve())));
    stream.end();
    const late = setTimeout(() => stream.destroy(), waitMs);
    await closed;
    clearTimeout(late);
  }

  #write(bytes: Buffer): void {
    if (!this.#client.stream.destroyed) this.#client.stream.write(bytes);
  }

  #followHandshake(): void {
    this.#client.stream.once('connect', () => (this.#securing = true));
    this.#client.stream.once('secureConnect', () => (this.#securing = false));
  }

  #takeOverAcks(): void {
    const client = this.#client;
    client.handleMessage = (packet, callback) => {
      if (PUBREL_MARK in packet) {
        this.handlers.released(packet.messageId!);
        callback(DEFERRED);
      } else {
        this.#deliver(packet, () => callback(DEFERRED));
      }
    };
    // Set after construction, because the constructor takes it for MQTT 5 alone.
    client.options.customHandleAcks = (_topic, _message, packet, callback) => {
      const publish = packet as IPublishPacket;
      if (publish.qos === 2) this.#deliver(publish, () => callback(DEFERRED));
      else callback(0);
    };
  }

  #deliver(packet: IPublishPacket, goOn: () => void): void {
    if (this.handlers.message(packet)) goOn();
    else this.#held = goOn;
  }

  #accepted(packet: IConnackPacket): void {
    if (this.#up) return; // a second CONNACK: mqtt.js ends the connection for it
    this.#up = true;
    (this.#client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    const said = packet.properties ?? {};
    this.handlers.accepted({
      sessionPresent: packet.sessionPresent,
      receiveMaximum: said.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT,
      maximumPacketBytes: said.maximumPacketSize ?? Infinity,
      maximumQoS: (said.maximumQoS ?? 2) as QoS,
      retainAvailable: said.retainAvailable !== false,
      wildcardAvailable: said.wildcardSubscriptionAvailable !== false,
      sharedAvailable: said.sharedSubscriptionAvailable !== false,
      keepaliveSeconds: said.serverKeepAlive,
    });
  }

  #failed(error: Error & { code?: number | string }): void {
    if (error === DEFERRED) return;
    const known =
      unfolded(error).every((one) => this.#errors.includes(one)) ||
      (error.message === OWN_DOING && this.#errors.length > 0);
    if (!known && !WRITTEN_TOO_LATE.test(error.message)) this.#errors.push(...unfolded(error));
    if (typeof error.code === 'number') this.#note(this.#up ? 'error' : 'connack', error.code);
    // mqtt.js leaves the socket open after a parser error, and would wait for ever.
    if (!this.#client.stream.destroyed) this.#client.stream.destroy();
  }

  #note(where: CloseEvidence['where'], code: number): void {
    if (this.#where !== 'close') return; // the first word of the broker counts
    this.#where = where;
    this.#code = code;
  }

  #evidence(): CloseEvidence {
    const systemCode = this.#errors
      .map((error) => (error as NodeJS.ErrnoException).code)
      .find((code) => typeof code === 'string');
    const { systemCode: below } = this.#webSocket;
    return {
      code: this.#code,
      where: this.#where,
      errors: this.#errors.map((error) => error.message),
      systemCode: systemCode ?? below,
      wasUp: this.#up,
      ended: this.#ended,
      spoke: this.#spoke,
      securing: this.#securing || this.#webSocket.stage === 'securing',
      ...(/^ws/i.test(this.options.url) ? { webSocket: this.#webSocket } : {}),
    };
  }
}

/** Of a host with several addresses, what each of them said. */
export function unfolded(error: Error): Error[] {
  return error instanceof AggregateError && error.errors.length > 0 ? (error.errors as Error[]) : [error];
}

/** Without a reason code, which means success [MQTT 5.0, 3.4.2.1]. @returns where the next one goes */
function writeAck(into: Buffer, at: number, firstByte: number, packetId: number): number {
  into[at] = firstByte;
  into[at + 1] = 2; // remaining length
  into[at + 2] = packetId >> 8;
  into[at + 3] = packetId & 0xff;
  return at + ACK_BYTES;
}

/** An answer that is no MQTT, by its first bytes. */
function otherProtocol(first: Buffer): CloseEvidence['spoke'] {
  const [type, major] = first;
  if (type === 0x15 && major === 3) return 'TLS'; // content type alert, major version 3 [RFC 8446, 5.1]
  return first.subarray(0, 5).toString('latin1') === 'HTTP/' ? 'HTTP' : undefined;
}
