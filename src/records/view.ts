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
  /** Wall clock, milliseconds since the epoch. */
  receivedAt: number;
  properties?: MessageProperties;
};

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
    receivedAt,
    ...(properties ? { properties } : {}),
    ...payloadView(payload),
  };
}
