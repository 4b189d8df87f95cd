/** What `/openapi.json` says of the reads behind the console. */
import { FAILURE_REASONS } from '../domain/attempt.js';
import {
  count,
  flag,
  instant,
  listOf,
  number,
  object,
  optional,
  Schema,
  text,
  uuid,
  words,
  type AnySchema,
} from '../domain/schema.js';
import { linkFigures } from './link-status.js';
import {
  RATE_COUNTS,
  RATE_LEVELS,
  type Activity,
  type CallerFacts,
  type ContractFigures,
  type Finding,
  type JournalFigures,
  type LastReload,
  type Rates,
  type Seen,
  type Status,
  type SubscriberActivity,
  type SubscriberSums,
  type ThreadFigures,
} from './shown/types.js';

const finding = object<Finding>({
  id: text.says('Stable; with `subject` it names the finding.'),
  severity: words('critical', 'warning', 'info').says(
    '`critical`: messages wait or are lost, and it does not mend itself; `warning`: it may become so; `info`: it was asked for.',
  ),
  what: text,
  subject: optional(text.says('Of which subscriber, subscription, contract or thread, where there are several.')),
  since: optional(instant.says('Absent: not known.')),
  why: text.says('What was seen.'),
  mend: text.says('What to do about it.'),
  panel: words('link', 'rates', 'journal', 'subscribers', 'dead-letters', 'rejections', 'publish', 'config').says(
    'Where the console shows more.',
  ),
}).named('Finding');

const seconds = number.with({ minimum: 0 });

const journal = object<Seen<JournalFigures>>({
  state: words('open', 'full').says(
    '`full`: acknowledgements wait and publishes are refused; everything else goes on.',
  ),
  reason: text.says('Why it is full; empty when it is not.'),
  records: count,
  bytes: count.says('Live pages and the log.'),
  maxBytes: count.says('`journal.maxSize`.'),
  last: count.says('Newest position, 0 when none was ever written.'),
  admitted: count.says('Every record up to here has its verdict.'),
  outbox: count.says('Publishes that wait for the broker.'),
  oldestPublishAt: optional(instant.says('When the oldest of them was accepted; absent: none waits.')),
  corruptRecords: count,
  rejections: count.says('Those that wait; 1000: as many, or more.'),
  commitSeconds: object<JournalFigures['commitSeconds']>({ p50: seconds, p99: seconds, max: seconds }).says(
    'Of the commits of the last minute; all 0 when there were none.',
  ),
  asOf: instant.says('When it was said.'),
}).named('JournalFigures');

const contracts = object<ContractFigures>({
  lost: count.says('Threads that were told to end and have not.'),
  held: flag.says('There are too many of these: nothing is checked.'),
  waitSeconds: seconds.says('Until a thread that keeps ending is replaced; 0: nothing is waited for.'),
}).named('ContractFigures');

const thread = object<ThreadFigures>({
  delaySeconds: seconds.says('How late it is now.'),
  worstDelaySeconds: seconds.says('The worst of the last half minute or so.'),
}).named('ThreadFigures');

const subscribers = object<SubscriberSums>({
  states: object<SubscriberSums['states']>({ active: count, paused: count, broken: count, gone: count }),
  lagRecords: count,
  lagSeconds: seconds.says('Of the one that is furthest behind.'),
  deadLetters: count,
}).named('SubscriberSums');

export const lastReload = object<LastReload>({
  result: words('applied', 'unchanged', 'refused', 'incomplete'),
  at: instant.says('Of the start when there was no reload yet.'),
  needsRestart: listOf(text).says('Keys that say something else than the gateway runs with, until it is restarted.'),
}).named('LastReload');

export const status = object<Status>({
  version: text,
  node: text.says('Version of Node.js.'),
  now: instant,
  startedAt: instant,
  findings: listOf(finding).says('What is not as it should be, the worst first.'),
  link: optional(linkFigures),
  journal,
  contracts,
  threads: object<Status['threads']>({ link: thread, journal: thread, contract: thread, main: thread }),
  subscribers,
  reload: optional(lastReload),
}).named('Status');

const known = new Schema<number | null>({ type: ['number', 'null'] });

function columns<K extends string>(names: readonly K[]): Schema<{ [name in K]: (number | null)[] }> {
  const members = Object.fromEntries(names.map((name): [string, AnySchema] => [name, listOf(known)]));
  return object<{ [name: string]: unknown }>(members as never).as();
}

export const rates = object<Rates>({
  now: instant,
  until: instant.says('When the last step ended; the one before it `stepSeconds` earlier, and so on.'),
  stepSeconds: count,
  counts: columns(RATE_COUNTS).says('What happened during each step, oldest first. null: not known.'),
  levels: columns(RATE_LEVELS).says(
    'What was seen at the end of each step; of `commitSecondsMax` and `lagSeconds` the worst.',
  ),
}).named('Rates');

const failure = object<NonNullable<SubscriberActivity['lastFailure']>>({
  at: instant,
  position: count.says('Of the record; of a batch the first.'),
  id: uuid.says('Of the record.'),
  reason: words(...FAILURE_REASONS).as<string>(),
  status: count.says('HTTP status, 0 when there was no answer.'),
  detail: text.says('The first 2 KiB of the answer, or the error’s text: written by somebody else.'),
});

export const activity = object<Activity>({
  now: instant,
  items: listOf(
    object<SubscriberActivity>({
      id: text,
      attempts: object<SubscriberActivity['attempts']>({
        delivered: count,
        retry: count,
        throttled: count,
        dead: count,
      }).says('Those that ended in the last five minutes.'),
      lastDeliveredAt: optional(instant.says('Since the start; absent: nothing was.')),
      lastFailure: optional(failure.says('Since the start; absent: none failed.')),
      deadLetters: count,
    }),
  ),
}).named('Activity');

export const caller = object<CallerFacts>({
  name: new Schema<string | null>({ type: ['string', 'null'] }).says('null: calls need no token.'),
  scopes: listOf(words('publish', 'read', 'admin')),
  publish: optional(listOf(text).says('Topic filters it may publish to, of those of `publish.allow`. Absent: all.')),
}).named('Caller');
