/** How a record looks in its row, and how a damaged one is told from a good one. */
import { crc32 } from 'node:zlib';
import { qosOf, retainOf, type MessageProperties } from '../domain/message.js';
import type { Record } from '../domain/record.js';
import { uuidOfHex } from '../domain/uuid.js';
import type { TopicNames } from './topic-names.js';

/** The id as text, because a row with one array buffer less is read a fifth faster. */
export const RECORD_COLUMNS =
  'r.position, lower(hex(r.id)), r.topic_id, r.flags, r.received_at, r.payload, r.properties, r.checksum';

/** One row of {@link RECORD_COLUMNS}, as an array. */
export type RecordRow = [
  position: number,
  id: string,
  topicId: number,
  flags: number,
  receivedAt: number,
  payload: Uint8Array,
  properties: string | null,
  checksum: number,
];

/** From this bit on the flags count how often the record came in again, as a mended rejection. */
export const REPLAYS_SHIFT = 4;

/** CRC-32 over everything the record says; the topic's text, not its number, so that a damaged topic is seen too. */
export function checksum(
  topic: string,
  flags: number,
  receivedAt: number,
  payload: Uint8Array,
  properties: string | null,
): number {
  return crc32(payload, crc32(`${topic}\n${flags}\n${receivedAt}\n${properties ?? ''}`));
}

/** The record of a row, or undefined when its checksum does not hold. */
export function recordOf(row: RecordRow, topics: TopicNames): Record | undefined {
  const [position, id, topicId, flags, receivedAt, payload, properties, expected] = row;
  const topic = topics.of(topicId);
  if (topic === undefined || checksum(topic, flags, receivedAt, payload, properties) !== expected) return undefined;
  return {
    position,
    id: uuidOfHex(id),
    topic,
    qos: qosOf(flags),
    retain: retainOf(flags),
    receivedAt,
    payload,
    properties: properties === null ? null : (JSON.parse(properties) as MessageProperties),
  };
}
