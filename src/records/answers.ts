/** What `/openapi.json` says of the answers of this room. */
import type { ListedDeadLetter, ListedRejection } from '../domain/journal.js';
import type { MessageProperties } from '../domain/message.js';
import type { Answer } from '../domain/operation.js';
import { contractProblem } from '../domain/problem-schema.js';
import { REJECTION_REASONS } from '../domain/record.js';
import type { Gap } from '../domain/replay.js';
import {
  base64,
  count,
  flag,
  instant,
  listOf,
  object,
  optional,
  Schema,
  text,
  uuid,
  words,
  type AnySchema,
} from '../domain/schema.js';
import type { DeadLetterReplay } from './dead-letters.js';
import type { Page } from './list.js';
import { key } from './parameters.js';
import type { ShownRecord } from './records.js';
import type { RejectionReplay } from './rejections.js';
import type { ReplayAnswer } from './subscriber-replays.js';
import type { RecordView, Timed } from './view.js';

const pair = new Schema<[string, string]>({ type: 'array', items: text, minItems: 2, maxItems: 2 });
const properties = object<MessageProperties>({
  payloadFormatIndicator: optional(flag),
  messageExpiryInterval: optional(count.says('Seconds, as it was sent.')),
  contentType: optional(text),
  responseTopic: optional(text),
  correlationData: optional(base64),
  userProperties: optional(listOf(pair).says('Pairs of name and value; names may repeat.')),
}).named('MessageProperties');

const recordMembers = {
  position: key.says('Its place in the journal.'),
  id: uuid.says('The same in every attempt and replay.'),
  topic: text,
  qos: words(0, 1, 2),
  retain: flag,
  receivedAt: instant,
  properties: optional(properties),
};
/** With its payload as text, or as base64 where it is no UTF-8. */
const payload = { payload: optional(text), payloadBase64: optional(base64) };
const onePayload = { oneOf: [{ required: ['payload'] }, { required: ['payloadBase64'] }] };
interface Written {
  payload?: string;
  payloadBase64?: string;
}

export const record = object<Omit<RecordView, 'payload' | 'payloadBase64'> & Written>(
  { ...recordMembers, ...payload },
  { ...onePayload, description: 'Its payload is text where it is UTF-8, base64 otherwise.' },
)
  .as<RecordView>()
  .named('Record');

export const shownRecord = object<Omit<ShownRecord, 'payload' | 'payloadBase64'> & Written>(
  {
    ...recordMembers,
    ...payload,
    verdict: words('admitted', 'rejected', 'pending').says('`pending`: its contract has not been checked yet.'),
    replays: count.says('How often it came in again, as a mended rejection.'),
  },
  onePayload,
).named('ShownRecord');

const deadLetterMembers = {
  number: key,
  subscriber: text,
  position: key.says('Of its record.'),
  id: uuid.says('Of its record.'),
  topic: text,
  reason: text,
  status: count.says('HTTP status of the last answer; 0: there was none.'),
  detail: text.says('The start of the last answer, or what went wrong.'),
  attempts: count,
  at: instant.says('When it became one.'),
};
export const deadLetter = object<Timed<ListedDeadLetter>>(deadLetterMembers).named('DeadLetter');
export const oneDeadLetter = object<Timed<ListedDeadLetter> & { record?: RecordView }>({
  ...deadLetterMembers,
  record: optional(record.says('Absent when it is damaged.')),
}).named('DeadLetterWithRecord');

const rejectionMembers = {
  position: key,
  id: uuid,
  topic: text,
  contract: text,
  reason: words(...REJECTION_REASONS),
  problems: listOf(contractProblem),
  at: instant.says('When it was rejected.'),
  replays: count.says('How often it was checked again.'),
};
export const rejection = object<Timed<ListedRejection>>(rejectionMembers).named('Rejection');
export const oneRejection = object<Timed<ListedRejection> & { record?: RecordView }>({
  ...rejectionMembers,
  record: optional(record.says('Absent when it is damaged.')),
}).named('RejectionWithRecord');

const next = optional(count.says('There was no time for all: go on with this as `after`.'));

export const deleted = object<{ deleted: number; next?: number }>({ deleted: count, next }).named('Deleted');

const why = words('contract', 'filter', 'subscriber', 'damaged', 'missing');
export const deadLetterReplay = object<DeadLetterReplay>({
  replayed: count.says('They wait for their subscriber again.'),
  remaining: count.says('They stay, because as many wait for their subscriber already as may.'),
  skipped: object<DeadLetterReplay['skipped']>({
    contract: count,
    filter: count,
    subscriber: count,
    damaged: count,
    missing: count,
  }).says('They stay.'),
  notes: listOf(object<DeadLetterReplay['notes'][number]>({ number: count, why, detail: text }), { maxItems: 100 }),
  next,
}).named('DeadLetterReplay');

export const rejectionReplay = object<RejectionReplay>({
  replayed: count.says('They came in again, under new positions.'),
  skipped: object<RejectionReplay['skipped']>({ damaged: count, missing: count }),
  next,
}).named('RejectionReplay');

export const replayAnswer = object<ReplayAnswer>({
  subscriber: text,
  from: count,
  through: count,
  position: count.says('Every record up to here was given again, or waits.'),
  topics: optional(listOf(text)),
  gap: optional(object<Gap>({ from: count, through: count }).says('Retention has dropped this of it.')),
}).named('Replay');

export function page<T>(name: string, items: Schema<T>): Schema<Page<T>> {
  return object<Page<T>>({
    items: listOf(items),
    next: optional(count.says('Give it as `after` to get the next page; absent on the last one.')),
  }).named(name);
}

export function ok(description: string, schema: AnySchema): { 200: Answer } {
  return { 200: { description, content: { schema } } };
}
