/** What `/openapi.json` says of subscribers. */
import type { Operation } from '../domain/operation.js';
import {
  anything,
  count,
  instant,
  listOf,
  mapOf,
  number,
  object,
  optional,
  Schema,
  text,
  uuid,
  words,
  type AnySchema,
} from '../domain/schema.js';
import type { SubscriberView } from './entry.js';
import type { Standing, TestResult } from './parts.js';

const replay = object<Standing['replays'][number]>({
  from: count,
  through: count,
  position: count.says('Every record up to here was given again, or waits.'),
  topics: optional(listOf(text)),
});

const subscriber = object<SubscriberView>({
  id: text,
  source: words('file', 'handler', 'registered', 'absent').says(
    'Where it comes from. `absent`: from nowhere any more; only its backlog is left.',
  ),
  url: optional(text.says('Its query is masked.')),
  topics: listOf(text),
  state: words('active', 'paused', 'broken', 'gone')
    .as<string>()
    .says('`broken`: its breaker is open; `gone`: it answered 410.'),
  reason: text.says('Why it is not active, or is active and throttled; empty when it is sent to.'),
  heldUntil: optional(instant.says('Until then nothing is sent.')),
  cursor: count.says('Every matching record up to here is delivered, waits, or is a dead letter.'),
  lagRecords: count.says('Matching records not yet delivered.'),
  lagSeconds: number.says('Age of the oldest of them.'),
  waiting: count.says('Records that wait for another attempt, or behind one that does.'),
  inFlight: count,
  replays: listOf(replay).says('Ranges it is given again, the one under way first.'),
  config: optional(mapOf(anything).says('Of a registered one: what was sent, with its secrets masked.')),
}).named('Subscriber');

const testResult = object<TestResult>({
  id: uuid.says('Of the event.'),
  outcome: words('delivered', 'retry', 'throttled', 'dead', 'gone'),
  status: count.says('Of the answer; 0: there was none.'),
  durationMs: count,
  reason: text.says('Why it failed; empty when it did not.'),
  detail: text.says('The start of the answer, or what went wrong.'),
}).named('TestResult');

const path = { id: text.says('Its id.') };
const query = {
  discardBacklog: optional(
    words('true', 'false').with({ default: 'false' }).says('`true`: what it would not be given any more is given up.'),
  ),
};

function ok(description: string, schema: AnySchema): Operation['answers'] {
  return { 200: { description, content: { schema } } };
}

export const list: Operation = {
  id: 'listSubscribers',
  tag: 'subscribers',
  summary: 'Lists all subscribers.',
  answers: ok('All of them.', object<{ items: SubscriberView[] }>({ items: listOf(subscriber) }).named('Subscribers')),
};

export const get: Operation = {
  id: 'getSubscriber',
  tag: 'subscribers',
  summary: 'One subscriber, and how it stands.',
  path,
  answers: ok('The subscriber.', subscriber),
  problems: ['NOT_FOUND'],
};

export const put: Operation = {
  id: 'putSubscriber',
  tag: 'subscribers',
  summary: 'Registers a subscriber, or changes a registered one.',
  description:
    'It outlives restarts. The body has the keys of a subscriber of the configuration file, without references and files. A secret that is sent back as its mask stays what it was.',
  path: { id: text.with({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }).says('Its id.') },
  query,
  body: { schema: new Schema<object>({ $ref: '#/components/schemas/SubscriberBody' }) },
  answers: {
    200: { description: 'It was changed.', content: { schema: subscriber } },
    201: { description: 'It is new.', content: { schema: subscriber } },
  },
  problems: [
    ...(['URL_FORBIDDEN', 'SUBSCRIBER_READ_ONLY', 'SUBSCRIBER_LIMIT', 'BACKLOG_WOULD_BE_LOST'] as const),
    ...(['JOURNAL_FULL', 'SHUTTING_DOWN'] as const),
  ],
};

interface Removed {
  id: string;
  discarded: number;
  replays: number;
}

export const remove: Operation = {
  id: 'removeSubscriber',
  tag: 'subscribers',
  summary: 'Removes a registered subscriber.',
  path,
  query,
  answers: ok(
    'It is gone.',
    object<Removed>({
      id: text,
      discarded: count.says('Records that were given up with it.'),
      replays: count.says('Replays that ended with it.'),
    }).named('Removed'),
  ),
  problems: ['NOT_FOUND', 'SUBSCRIBER_READ_ONLY', 'BACKLOG_WOULD_BE_LOST', 'JOURNAL_FULL', 'SHUTTING_DOWN'],
};

export const pause: Operation = {
  id: 'pauseSubscriber',
  tag: 'subscribers',
  summary: 'Stops sending to a subscriber; its backlog is kept.',
  path,
  answers: ok('It is paused.', subscriber),
  problems: ['NOT_FOUND', 'SUBSCRIBER_ABSENT', 'JOURNAL_FULL', 'SHUTTING_DOWN'],
};

export const resume: Operation = {
  ...pause,
  id: 'resumeSubscriber',
  summary: 'Wakes a subscriber that is paused, gone or broken.',
  answers: ok('It is sent to again.', subscriber),
};

export const test: Operation = {
  id: 'testSubscriber',
  tag: 'subscribers',
  summary: 'Sends a subscriber one synthetic event.',
  description: 'Past its backlog; no metric and no breaker knows of it. 200 whatever came of it: the answer says.',
  path,
  answers: ok('What came of it.', testResult),
  problems: ['NOT_FOUND', 'SUBSCRIBER_ABSENT'],
};
