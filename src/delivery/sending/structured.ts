import { isUtf8 } from 'node:buffer';
import type { Record } from '../../domain/record.js';

const JSON_TYPE = /^(?:application|text)\/(?:[^;\s]+\+)?json(?:[ \t]*;.*)?$/i;
const BYTE_ORDER_MARK = 0xef;
const END = Buffer.from('}');

/**
 * One record as a CloudEvent in JSON, as UTF-8. A payload that is JSON, and is called nothing else, is `data` in its own
 * text, so that no digit and no order of keys is lost. Any other is `data_base64`.
 * @param source value of the attribute `source`
 */
export function structuredEvent(record: Record, source: string): Buffer {
  const { id, topic, receivedAt, position, properties } = record;
  const payload = Buffer.from(record.payload.buffer, record.payload.byteOffset, record.payload.length);
  const declared = properties?.contentType;
  const embedded = (declared === undefined || JSON_TYPE.test(declared)) && isJson(payload);
  const head = JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type: 'mqtt.message',
    subject: topic,
    time: new Date(receivedAt).toISOString(),
    sequence: `${position}`.padStart(20, '0'),
    datacontenttype: declared ?? (embedded ? 'application/json' : 'application/octet-stream'),
  }).slice(0, -1);
  if (embedded) return Buffer.concat([Buffer.from(`${head},"data":`), payload, END]);
  return Buffer.from(`${head},"data_base64":"${payload.toString('base64')}"}`);
}

function isJson(payload: Buffer): boolean {
  if (payload[0] === BYTE_ORDER_MARK || !isUtf8(payload)) return false;
  try {
    JSON.parse(payload.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
