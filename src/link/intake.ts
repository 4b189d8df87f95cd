import type { IPublishPacket } from 'mqtt';
import { failpoint } from '../domain/failpoint.js';
import type { Journal } from '../domain/journal.js';
import type { LinkCounters } from '../domain/link.js';
import { packMessages, type Message, type MessageProperties } from '../domain/message.js';

/** What is taken from the socket and not yet on disk, at most. Past it QoS 0 is dropped and the reader held. */
export const PENDING_BYTES_MAX = 32 * 1024 * 1024;
export const PENDING_MESSAGES_MAX = 8_192;
/** One turn of the event loop can bring megabytes: on a small disk they would be too much for one transaction. */
const BATCH_BYTES_MAX = 256 * 1024;

/** Where acknowledgements go: the connection that brought the message, as long as it lives. */
export interface AckWriter {
  /** PUBACK or PUBREC for each, in this order. */
  acknowledge(received: readonly Pick<Message, 'qos' | 'packetId'>[]): void;
  /** PUBCOMP. */
  complete(packetId: number): void;
  resume(): void;
}

/** What goes to disk in one call. */
interface Gathered {
  messages: Message[];
  /** Of the whole packets: a topic and user properties may weigh more than the payload. */
  bytes: number;
  committed: boolean;
}
const ON_DISK: Gathered = { messages: [], bytes: 0, committed: true };

/** Messages in a row whose acknowledgements wait for the same commit. Many share one: they come 100 000 a second. */
interface Owed {
  to: Message[];
  after: Gathered;
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
  #carried = new Map<number, { message: Message; after: Gathered }>();
  /** QoS 2 packet ids in the journal that the broker has not let go of. */
  #unreleased = new Set<number>();
  #gathering: Gathered | undefined;
  #pendingMessages = 0;
  #pendingBytes = 0;
  #held = false;
  #draining = false;

  constructor(
    private readonly journal: Pick<Journal, 'append' | 'release'>,
    private readonly failed: (error: Error) => void,
  ) {}

  get pendingAcks(): number {
    return this.#owed.reduce((sum, { to }) => sum + to.length, 0);
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
    for (const { to, after } of this.#owed)
      for (const message of to) this.#carried.set(message.packetId, { message, after });
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
      else this.#gather(message, bytes);
      return true;
    }
    if (!this.#recognised(message)) {
      if (message.qos === 2) this.#unreleased.add(message.packetId);
      this.#owe(message, this.#gather(message, bytes));
    }
    this.#held = this.#full();
    return !this.#held;
  }

  /** Not for the journal: only its acknowledgement is owed, in its turn. @returns as {@link message} */
  skip(packet: IPublishPacket): boolean {
    if (packet.qos === 0 || this.#draining) return true;
    this.#owe(messageOf(packet), ON_DISK);
    this.#acknowledge();
    return true;
  }

  /** PUBREL: PUBCOMP goes out when the journal has forgotten the id, lest a new message be taken for the old one. */
  released(packetId: number): void {
    const writer = this.#writer;
    this.#unreleased.delete(packetId);
    this.#carried.delete(packetId);
    this.journal.release([packetId]).then(() => this.#writer === writer && writer?.complete(packetId), this.failed);
  }

  /** Whether the broker sends again what is already here; then only its acknowledgement is owed. */
  #recognised(message: Message): boolean {
    const carried = this.#carried.get(message.packetId);
    this.#carried.delete(message.packetId);
    if (message.qos === 2) {
      // Without DUP it is no re-delivery [MQTT-3.3.1-1]: a broker that restarted from an older state starts its packet
      // ids over. To believe the id would lose the message; not to believe it repeats one at worst.
      if (!this.#unreleased.has(message.packetId) || !message.dup) return false;
      if (carried || !this.#isOwed(message.packetId)) this.#owe(message, carried?.after ?? ON_DISK);
    } else {
      if (!carried || !message.dup || !sameMessage(carried.message, message)) return false;
      this.#owe(message, carried.after);
    }
    this.counters.suppressed++;
    this.#acknowledge();
    return true;
  }

  #isOwed(packetId: number): boolean {
    return this.#owed.some(({ to }) => to.some((message) => message.packetId === packetId));
  }

  #owe(message: Message, after: Gathered): void {
    const newest = this.#owed.at(-1);
    if (newest?.after === after) newest.to.push(message);
    else this.#owed.push({ to: [message], after });
  }

  #full(): boolean {
    return this.#pendingBytes >= PENDING_BYTES_MAX || this.#pendingMessages >= PENDING_MESSAGES_MAX;
  }

  #gather(message: Message, bytes: number): Gathered {
    if (!this.#gathering || this.#gathering.bytes >= BATCH_BYTES_MAX) this.#gathering = this.#begun();
    const gathering = this.#gathering;
    gathering.messages.push(message);
    gathering.bytes += bytes;
    this.#pendingMessages++;
    this.#pendingBytes += bytes;
    return gathering;
  }

  #begun(): Gathered {
    const gathering = { messages: [], bytes: 0, committed: false };
    setImmediate(() => this.#flush(gathering));
    return gathering;
  }

  #flush(gathered: Gathered): void {
    if (this.#gathering === gathered) this.#gathering = undefined;
    const count = gathered.messages.length;
    this.journal.append(packMessages(gathered.messages)).then(() => this.#committed(gathered, count), this.failed);
    gathered.messages = []; // those that are owed an acknowledgement are kept there
  }

  #committed(gathered: Gathered, count: number): void {
    gathered.committed = true;
    this.#pendingMessages -= count;
    this.#pendingBytes -= gathered.bytes;
    this.counters.journaled += count;
    failpoint('journaled', count);
    this.#acknowledge();
    if (this.#held && !this.#full()) {
      this.#held = false;
      this.#writer?.resume();
    }
  }

  #acknowledge(): void {
    if (!this.#writer) return;
    let ready = 0;
    while (this.#owed[ready]?.after.committed) ready++;
    if (ready === 0) return;
    const received = this.#owed.splice(0, ready).flatMap(({ to }) => to);
    this.#writer.acknowledge(received);
    failpoint('acked', received.length);
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

export function messageOf(packet: IPublishPacket): Message {
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
