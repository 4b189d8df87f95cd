/** What `/openapi.json` says of the link. */
import { CAUSES, type Diagnosis } from '../domain/cause.js';
import {
  LINK_DROPS_KEPT,
  type CanaryStatus,
  type LinkCounters,
  type LinkDrop,
  type LinkStatus,
} from '../domain/link.js';
import {
  count,
  flag,
  instant,
  listOf,
  mapOf,
  number,
  object,
  optional,
  Schema,
  text,
  words,
} from '../domain/schema.js';
import type { LinkFigures, Seen } from './shown/types.js';

const diagnosisMembers = {
  cause: words(...CAUSES),
  confidence: words('certain', 'likely', 'guess').says('`certain`: the broker said so; `likely`: inferred.'),
  evidence: listOf(text).says('What was seen.'),
  mend: text.says('What to do about it.'),
};
const diagnosis = object<Diagnosis>(diagnosisMembers).named('Diagnosis');

const drop = object<LinkDrop>({
  at: instant.says('Of several the last.'),
  wasUp: flag.says('Whether it had been up; if not, the connect was refused or failed.'),
  count: optional(count.says('How many there were; absent: one.')),
  firstAt: optional(instant.says('The first of several.')),
  backAt: optional(instant.says('When the link was up again; absent: it has not been since, or it is not known.')),
  ...diagnosisMembers,
}).named('LinkDrop');

const counters = object<LinkCounters>({
  connects: count,
  reconnects: count,
  received: new Schema<LinkCounters['received']>({ type: 'array', items: count, minItems: 3, maxItems: 3 }).says(
    'Messages taken from the socket, by QoS.',
  ),
  journaled: count,
  dropped: count.says('QoS 0 over the bound.'),
  suppressed: count.says('Sent again after a blip, and recognised.'),
  published: count,
  refused: count.says('Publishes the broker refused.'),
}).says('Since the process started.');

const shared = {
  state: words('idle', 'connecting', 'up', 'waiting', 'stopped').says('`waiting`: between two attempts.'),
  retryAt: optional(instant.says('While it waits: when the next attempt is due.')),
  clientId: text,
  url: text.says('Without credentials.'),
  protocol: words('5', '3.1.1'),
  sessionPresent: flag,
  since: instant.says('Since when the state holds.'),
  pendingAcks: count.says('Messages received and not yet acknowledged.'),
  subscribed: listOf(text).says('Names of subscriptions the broker has granted.'),
  denied: mapOf(new Schema<number | null>({ type: ['integer', 'null'] })).says(
    'Names of subscriptions the broker refuses, with its code; null: it hung up on them.',
  ),
  setAside: mapOf(instant).says('Of those it hung up on, until when they are left alone at the most.'),
  unanswered: listOf(text).says('Names of subscriptions that were asked for and not answered.'),
  counters,
  canary: optional(
    object<CanaryStatus>({
      silent: flag,
      seconds: number.says('That the last probe took; while silent, how long the missing one has been away.'),
      diagnosis: optional(diagnosis),
    }).says('Absent without `session.canary`.'),
  ),
};

export const linkStatus = object<LinkStatus>({
  ...shared,
  drops: listOf(drop, { maxItems: LINK_DROPS_KEPT }).says('The last ones, newest first, over restarts.'),
}).named('Link');

export const linkFigures = object<Seen<LinkFigures>>({
  ...shared,
  lastDrop: optional(drop),
  asOf: instant.says('When it was said.'),
}).named('LinkFigures');
