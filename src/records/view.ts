import { isUtf8 } from 'node:buffer';
import type { MessageProperties, QoS } from '../domain/message.js';
import type { Record } from '../domain/record.js';

/** Bytes as they are shown: text where they are UTF-8, base64 otherwise. */
export type PayloadView = { payload: string } | { payloadBase64: string };

export type RecordView = PayloadView & {
  position: number;
  id: string;
  topic: string;
  qos: QoS;
  retain: boolean;
  /** ISO 8601. */
  receivedAt: string;
  properties?: MessageProperties;
};

/** Entries of a list as they are shown: `at` is ISO 8601. */
export type Timed<T extends { at: number }> = Omit<T, 'at'> & { at: string };

export function timed<T extends { at: number }>(entry: T): Timed<T> {
  return { ...entry, at: new Date(entry.at).toISOString() };
}

export function payloadView(payload: Uint8Array): PayloadView {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return isUtf8(bytes) ? { payload: bytes.toString() } : { payloadBase64: bytes.toString('base64') };
}

export function recordView({ position, id, topic, qos, retain, receivedAt, properties, payload }: Record): RecordView {
  return {
    position,
    id,
    topic,
    qos,
    retain,
    receivedAt: new Date(receivedAt).toISOString(),
    ...(properties ? { properties } : {}),
    ...payloadView(payload),
  };
}
