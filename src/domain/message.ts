/**
 * A message is one MQTT PUBLISH as received. Messages travel from the link to the journal in
 * column-shaped batches: one copy of the payload bytes, moved between threads by transfer.
 */

/** MQTT 5 PUBLISH properties that survive the way through the gateway [MQTT 5.0, 3.3.2.3]. */
export interface MessageProperties {
  payloadFormatIndicator?: boolean;
  /** Seconds, as sent by the publisher. */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  /** Base64, so that properties can be kept as JSON. */
  correlationData?: string;
  /** Pairs in the order received; names may repeat. */
  userProperties?: [string, string][];
}

export type QoS = 0 | 1 | 2;

export interface Message {
  topic: string;
  qos: QoS;
  retain: boolean;
  /** Set by the broker on a re-delivery; a hint, never proof [MQTT-3.3.1-3]. */
  dup: boolean;
  /** MQTT packet identifier; 0 for QoS 0. */
  packetId: number;
  /** Wall clock, milliseconds since the epoch. */
  receivedAt: number;
  payload: Uint8Array;
  properties: MessageProperties | null;
}

/** Many messages in columns; `payloads` holds all payload bytes back to back. */
export interface MessageBatch {
  topics: string[];
  /** qos in bits 0–1, retain in bit 2, dup in bit 3. */
  flags: Uint8Array;
  packetIds: Uint16Array;
  receivedAt: Float64Array;
  /** n + 1 offsets into `payloads`. */
  offsets: Uint32Array;
  payloads: Uint8Array<ArrayBuffer>;
  properties: (MessageProperties | null)[];
}

export function flagsOf(message: Pick<Message, 'qos' | 'retain' | 'dup'>): number {
  return message.qos | (message.retain ? 4 : 0) | (message.dup ? 8 : 0);
}

export function qosOf(flags: number): QoS {
  return (flags & 3) as QoS;
}

export function retainOf(flags: number): boolean {
  return (flags & 4) !== 0;
}

export function packMessages(messages: readonly Message[]): MessageBatch {
  const count = messages.length;
  const offsets = new Uint32Array(count + 1);
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += messages[i]!.payload.length;
    offsets[i + 1] = total;
  }
  const batch: MessageBatch = {
    topics: new Array<string>(count),
    flags: new Uint8Array(count),
    packetIds: new Uint16Array(count),
    receivedAt: new Float64Array(count),
    offsets,
    payloads: new Uint8Array(total),
    properties: new Array<MessageProperties | null>(count),
  };
  for (let i = 0; i < count; i++) {
    const message = messages[i]!;
    batch.topics[i] = message.topic;
    batch.flags[i] = flagsOf(message);
    batch.packetIds[i] = message.packetId;
    batch.receivedAt[i] = message.receivedAt;
    batch.payloads.set(message.payload, offsets[i]);
    batch.properties[i] = message.properties;
  }
  return batch;
}

export function unpackMessages(batch: MessageBatch): Message[] {
  return batch.topics.map((topic, i) => ({
    topic,
    qos: qosOf(batch.flags[i]!),
    retain: retainOf(batch.flags[i]!),
    dup: (batch.flags[i]! & 8) !== 0,
    packetId: batch.packetIds[i]!,
    receivedAt: batch.receivedAt[i]!,
    payload: batch.payloads.subarray(batch.offsets[i], batch.offsets[i + 1]),
    properties: batch.properties[i]!,
  }));
}
