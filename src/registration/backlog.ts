import { isDeepStrictEqual } from 'node:util';
import { compileFilter } from '../domain/filter.js';
import { READ_BYTES_MAX, type JournalReader } from '../domain/journal.js';
import { PayloadJson, type DecodePayload, type IsForeign } from '../domain/payload-json.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import type { ParametersOf } from '../domain/topic-parameters.js';
import { topicMatches } from '../domain/topic.js';

/** Positions looked at in one turn of the event loop. */
const POSITIONS_PER_TURN = 10_000;
/** As above, where records are read, with their payloads. */
const READ_POSITIONS_PER_TURN = 256;
/** Rows whose records are read at once. */
const ROWS_PER_TURN = 16;

type Reader = Pick<JournalReader, 'waiting' | 'recordsAt' | 'admittedAfter' | 'topicCounts'>;
/** What a subscriber is to be given. */
type Wanted = Pick<SubscriberSettings, 'topics' | 'where'>;
/** What a content filter looks at beside the record. */
interface Sight {
  json: PayloadJson['forFilter'];
  parametersOf: ParametersOf | undefined;
}

/** Where a subscriber stands still: its cursor, and up to where records were dispatched. */
interface Place {
  cursor: number;
  through: number;
}

/** What a subscriber would not be given any more. */
export interface Lost {
  records: number;
  /** Those of them that have waiting rows. */
  waiting: number[];
}

interface Sources {
  reader: Reader;
  parametersOf?: ParametersOf;
  decode?: DecodePayload;
  isForeign?: IsForeign;
}

/** What of a backlog other topics or another content filter would leave behind, while the subscriber stands still. */
export async function lostBacklog(
  { reader, decode, isForeign, parametersOf }: Sources,
  at: Place,
  before: SubscriberSettings,
  after: Wanted,
): Promise<Lost> {
  const lost: Lost = { records: 0, waiting: [] };
  if (isWider(before, after)) return lost;
  const sight: Sight = { json: new PayloadJson(decode, undefined, isForeign).forFilter, parametersOf };
  const [wanted, wants] = [selector(before, sight), selector(after, sight)];
  const byTopic = before.where === undefined && after.where === undefined;
  lost.records = byTopic
    ? await countTopics(reader, at, before, after)
    : await countRecords(reader, at, (record) => wanted(record) && !wants(record));
  const rows = reader.waiting(before.id).map(({ position }) => position);
  for (let first = 0; first < rows.length; first += ROWS_PER_TURN) {
    await turn();
    for (const record of reader.recordsAt(rows.slice(first, first + ROWS_PER_TURN))) {
      if (wants(record)) continue;
      lost.waiting.push(record.position);
      // The others are counted above; what waits need not be wanted, when the file said something else in between.
      if (record.position <= at.cursor || !wanted(record)) lost.records++;
    }
  }
  return lost;
}

/** Whether nothing can be lost, whatever the records hold. */
function isWider(before: Wanted, after: Wanted): boolean {
  const topics = before.topics.every((filter) => after.topics.includes(filter));
  return topics && (after.where === undefined || isDeepStrictEqual(before.where, after.where));
}

function selector({ topics, where }: Wanted, { json, parametersOf }: Sight): (record: Record) => boolean {
  const passes = where && compileFilter(where, parametersOf);
  return (record) => matches(topics, record.topic) && (passes?.(record, json) ?? true);
}

async function countTopics(reader: Reader, at: Place, before: Wanted, after: Wanted): Promise<number> {
  let lost = 0;
  for (let from = at.cursor; from < at.through; from += POSITIONS_PER_TURN) {
    const through = Math.min(from + POSITIONS_PER_TURN, at.through);
    await turn();
    for (const { topic, count } of reader.topicCounts(from, through)) {
      if (matches(before.topics, topic) && !matches(after.topics, topic)) lost += count;
    }
  }
  return lost;
}

async function countRecords(reader: Reader, at: Place, isLost: (record: Record) => boolean): Promise<number> {
  let lost = 0;
  for (let from = at.cursor; from < at.through;) {
    await turn();
    const through = Math.min(from + READ_POSITIONS_PER_TURN, at.through);
    const records = reader.admittedAfter(from, through, READ_POSITIONS_PER_TURN);
    lost += records.filter(isLost).length;
    const bytes = records.reduce((sum, { payload }) => sum + payload.length, 0);
    from = bytes >= READ_BYTES_MAX ? records.at(-1)!.position : through; // there may be more of so many bytes
  }
  return lost;
}

function matches(filters: readonly string[], topic: string): boolean {
  return filters.some((filter) => topicMatches(filter, topic));
}

/** Who waits for a turn of the event loop: each gets one of its own, however many subscribers change at once. */
const waiting: (() => void)[] = [];

function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(next);
  });
}

function next(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(next);
}
