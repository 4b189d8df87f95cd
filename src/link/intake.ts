import type { IPublishPacket } from 'mqtt';
import { failpoint } from '../domain/failpoint.js';
import type { Journal } from '../domain/journal.js';
import type { LinkCounters } from '../domain/link.js';
import { packMessages, type Message, type MessageProperties } from '../domain/message.js';
import type { AckKind } from './connection.js';

/** What is taken from the socket and not yet on disk, at most. Past it QoS 0 is dropped and the reader held. */
export const PENDING_BYTES_MAX = 32 * 1024 * 1024;
export const PENDING_MESSAGES_MAX = 8_192;

/** Where acknowledgements go: the connection that brought the message, as long as it lives. */
export interface AckWriter {
  acknowledge(acks: readonly { kind: AckKind; packetId: number }[]): void;
  resume(): void;
}

/** A message whose acknowledgement is still owed to the broker. */
interface Owed {
  message: Message;
  /** Of the whole packet: a topic and user properties may weigh more than the payload. */
  bytes: number;
  committed: boolean;
}

/**
 * From socket to journal: gathers messages into batches, and acknowledges them in the order received
 * [MQTT-4.6.0-2, MQTT-4.6.0-3] once they are on disk, to the connection that brought them and to no other.
 */
export class Intake {
  readonly counters: Pick<LinkCounters, 'received' | 'journaled' | 'dropped' | 'suppressed'> = {
    received: [0, 0, 0],
    journaled: 0,
    dropped: 0,
    suppressed: 0,
  };
  #writer: AckWriter | undefined;
  /** In the order received on this connection. */
  #owed: Owed[] = [];
  /** By packet id: received on the last connection, never acknowledged there. */
  #carried = new Map<number, Owed>();
  /** QoS 2 packet ids in the journal that the broker has not let go of. */
  #unreleased = new Set<number>();
  #gathering: Owed[] = [];
  #pendingMessages = 0;
  #pendingBytes = 0;
  #held = false;
  #draining = false;

  constructor(
    private readonly journal: Pick<Journal, 'append' | 'release'>,
    private readonly failed: (error: Error) => void,
  ) {}

  get pendingAcks(): number {
    return this.#owed.length;
  }

  /** Another session, at another broker: what the journal knows of its QoS 2 packet ids. */
  load(unreleased: readonly number[]): void {
    this.#carried.clear();
    this.#unreleased = new Set(unreleased);
  }

  /** A connection is up. On a new session packet ids start over. */
  begin(writer: AckWriter, sessionPresent: boolean): void {
    this.#writer = writer;
    if (!sessionPresent) this.load([]);
  }

  /** The connection is gone: what it was owed must never reach another one. */
  end(): void {
    for (const owed of this.#owed) this.#carried.set(owed.message.packetId, owed);
    this.#owed = [];
    this.#writer = undefined;
    this.#held = false;
  }

  /** From now on messages are read and left unacknowledged: the broker keeps them for the next start. */
  drain(): void {
    this.#draining = true;
  }

  /** Whether everything taken is on disk and acknowledged. */
  get idle(): boolean {
    return this.#pendingMessages === 0;
  }

  /** @returns false when the reader must be held until resume() is called on the writer */
  message(packet: IPublishPacket): boolean {
    const message = messageOf(packet);
    const bytes = Math.max(packet.length ?? 0, message.payload.length);
    this.counters.received[message.qos]++;
    failpoint('received');
    if (this.#draining) return true;
    if (message.qos === 0) {
      if (this.#full()) this.counters.dropped++;
      else this.#gather({ message, bytes, committed: false });
      return true;
    }
    if (!this.#recognised(message)) {
      const owed = { message, bytes, committed: false };
      if (message.qos === 2) this.#unreleased.add(message.packetId);
      this.#owed.push(owed);
      this.#gather(owed);
    }
    this.#held = this.#full();
    return !this.#held;
  }

  /** Not for the journal: only its acknowledgement is owed, in its turn. QoS 0 or 1. @returns as {@link message} */
  skip(packet: IPublishPacket): boolean {
    if (packet.qos === 0) return true;
    this.#owed.push({ message: messageOf(packet), bytes: 0, committed: true });
    this.#acknowledge();
    return true;
  }

  /** PUBREL: PUBCOMP goes out when the journal has forgotten the id, lest a new message be taken for the old one. */
  released(packetId: number): void {
    const writer = this.#writer;
    this.#unreleased.delete(packetId);
    this.#carried.delete(packetId);
    this.journal
      .release([packetId])
      .then(() => this.#writer === writer && writer?.acknowledge([{ kind: 'pubcomp', packetId }]), this.failed);
  }

  /** Whether the broker sends again what is already here; then only its acknowledgement is owed. */
  #recognised(message: Message): boolean {
    const carried = this.#carried.get(message.packetId);
    this.#carried.delete(message.packetId);
    if (message.qos === 2) {
      // Without DUP it is no re-delivery [MQTT-3.3.1-1]: a broker that restarted from an older state starts its packet
      // ids over. To believe the id would lose the message; not to believe it repeats one at worst.
      if (!this.#unreleased.has(message.packetId) || !message.dup) return false;
      this.#owe(
        carried ??
          this.#owed.find((owed) => owed.message.packetId === message.packetId) ?? {
            message,
            bytes: 0,
            committed: true,
          },
      );
      return true;
    }
    if (!carried || !message.dup || !sameMessage(carried.message, message)) return false;
    this.#owe(carried);
    return true;
  }

  #owe(owed: Owed): void {
    this.counters.suppressed++;
    if (!this.#owed.includes(owed)) this.#owed.push(owed);
    this.#acknowledge();
  }

  #full(): boolean {
    return this.#pendingBytes >= PENDING_BYTES_MAX || this.#pendingMessages >= PENDING_MESSAGES_MAX;
  }

  #gather(owed: Owed): void {
    if (this.#gathering.length === 0) setImmediate(() => this.#flush());
    this.#gathering.push(owed);
    this.#pendingMessages++;
    this.#pendingBytes += owed.bytes;
  }

  #flush(): void {
    const gathered = this.#gathering;
    this.#gathering = [];
    this.journal
      .append(packMessages(gathered.map(({ message }) => message)))
      .then(() => this.#committed(gathered), this.failed);
  }

  #committed(gathered: Owed[]): void {
    for (const owed of gathered) {
      owed.committed = true;
      this.#pendingMessages--;
      this.#pendingBytes -= owed.bytes;
    }
    this.counters.journaled += gathered.length;
    failpoint('journaled', gathered.length);
    this.#acknowledge();
    if (this.#held && !this.#full()) {
      this.#held = false;
      this.#writer?.resume();
    }
  }

  #acknowledge(): void {
    let ready = 0;
    while (ready < this.#owed.length && this.#owed[ready]!.committed) ready++;
    if (ready === 0 || !this.#writer) return;
    const acks = this.#owed.slice(0, ready).map(({ message: { qos, packetId } }) => ({
      kind: qos === 2 ? ('pubrec' as const) : ('puback' as const),
      packetId,
    }));
    this.#owed = this.#owed.slice(ready);
    this.#writer.acknowledge(acks);
    failpoint('acked', ready);
  }
}

function sameMessage(one: Message, other: Message): boolean {
  return (
    one.topic === other.topic &&
    one.qos === other.qos &&
    one.retain === other.retain &&
    Buffer.compare(one.payload, other.payload) === 0 &&
    JSON.stringify(one.properties) === JSON.stringify(other.properties)
  );
}

function messageOf(packet: IPublishPacket): Message {
  const { topic, qos, retain, dup, messageId, payload } = packet;
  return {
    topic,
    qos: qos,
    retain,
    dup,
    packetId: messageId ?? 0,
    receivedAt: Date.now(),
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    properties: packet.properties ? propertiesOf(packet.properties) : null,
  };
}

function propertiesOf(sent: NonNullable<IPublishPacket['properties']>): MessageProperties | null {
  const properties: MessageProperties = {};
  if (sent.payloadFormatIndicator !== undefined) properties.payloadFormatIndicator = sent.payloadFormatIndicator;
  if (sent.messageExpiryInterval !== undefined) properties.messageExpiryInterval = sent.messageExpiryInterval;
  if (sent.contentType !== undefined) properties.contentType = sent.contentType;
  if (sent.responseTopic !== undefined) properties.responseTopic = sent.responseTopic;
  if (sent.correlationData !== undefined) properties.correlationData = sent.correlationData.toString('base64');
  if (sent.userProperties !== undefined) {
    properties.userProperties = Object.entries(sent.userProperties).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one]),
    );
  }
  return Object.keys(properties).length > 0 ? properties : null;
}
