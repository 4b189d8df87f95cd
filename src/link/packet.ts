import type { IPublishPacket } from 'mqtt';
import type { OutboxEntry } from '../domain/publish.js';

/** A PUBLISH as mqtt.js is given it. */
export interface OutgoingPublish {
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  retain: boolean;
  properties: NonNullable<IPublishPacket['properties']> & { userProperties?: { [name: string]: string[] } };
}

/** Type and flags. */
const HEADER_BYTES = 1;
const PACKET_ID_BYTES = 2;
/** The length before a text or binary data [MQTT 5.0, 1.5.4, 1.5.6]. */
const LENGTH_BYTES = 2;
/** What says which property it is [MQTT 5.0, 2.2.2.2]. */
const IDENTIFIER_BYTES = 1;
const INDICATOR_BYTES = 1;
const EXPIRY_BYTES = 4;

/** @param expirySeconds what is left of its time */
export function packetOf(
  entry: Pick<OutboxEntry, 'topic' | 'payload' | 'retain' | 'properties' | 'qos'>,
  expirySeconds?: number,
): OutgoingPublish {
  const { topic, payload, retain, qos, properties } = entry;
  const sent: OutgoingPublish['properties'] = {};
  if (properties?.payloadFormatIndicator !== undefined) sent.payloadFormatIndicator = properties.payloadFormatIndicator;
  if (expirySeconds !== undefined) sent.messageExpiryInterval = expirySeconds;
  if (properties?.contentType !== undefined) sent.contentType = properties.contentType;
  if (properties?.responseTopic !== undefined) sent.responseTopic = properties.responseTopic;
  if (properties?.correlationData !== undefined)
    sent.correlationData = Buffer.from(properties.correlationData, 'base64');
  // mqtt-packet never writes a packet whose user properties are there and empty, and nobody would ever answer it.
  if (properties?.userProperties !== undefined && properties.userProperties.length > 0) {
    const byName: { [name: string]: string[] } = Object.create(null) as { [name: string]: string[] };
    for (const [name, value] of properties.userProperties) (byName[name] ??= []).push(value);
    sent.userProperties = byName;
  }
  // A Buffer, because mqtt.js writes other byte arrays element by element.
  return {
    topic,
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    retain,
    qos,
    properties: sent,
  };
}

/** All of its bytes, which the broker's Maximum Packet Size is about [MQTT 5.0, 3.2.2.3.6]. MQTT 3.1.1 leaves its properties out. */
export function packetBytes({ topic, payload, qos, properties }: OutgoingPublish, protocolVersion: 4 | 5): number {
  const fields = textBytes(topic) + (qos > 0 ? PACKET_ID_BYTES : 0) + payload.length;
  const remaining = fields + (protocolVersion === 5 ? measured(propertyBytes(properties)) : 0);
  return HEADER_BYTES + measured(remaining);
}

function propertyBytes(properties: OutgoingPublish['properties']): number {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = properties;
  const { correlationData, userProperties = {} } = properties;
  let bytes = 0;
  if (payloadFormatIndicator !== undefined) bytes += IDENTIFIER_BYTES + INDICATOR_BYTES;
  if (messageExpiryInterval !== undefined) bytes += IDENTIFIER_BYTES + EXPIRY_BYTES;
  if (contentType !== undefined) bytes += IDENTIFIER_BYTES + textBytes(contentType);
  if (responseTopic !== undefined) bytes += IDENTIFIER_BYTES + textBytes(responseTopic);
  if (correlationData !== undefined) bytes += IDENTIFIER_BYTES + LENGTH_BYTES + correlationData.length;
  for (const [name, values] of Object.entries(userProperties)) {
    for (const value of values) bytes += IDENTIFIER_BYTES + textBytes(name) + textBytes(value);
  }
  return bytes;
}

function textBytes(text: string): number {
  return LENGTH_BYTES + Buffer.byteLength(text);
}

/** With the variable byte integer before it that says how long it is [MQTT 5.0, 1.5.5]. */
function measured(bytes: number): number {
  let length = 1;
  for (let rest = bytes; rest > 0x7f; rest >>>= 7) length++;
  return length + bytes;
}
