/** A subscriber as the registry knows it, and as it is shown. */
import type { Outcome, Sender } from '../domain/attempt.js';
import { HoldfastError } from '../domain/errors.js';
import { invalid } from '../domain/request-problem.js';
import type { Hold, SubscriberSettings } from '../domain/subscriber.js';
import type { Standing } from './parts.js';
import { maskedBody, maskedUrl, type Body } from './secrets.js';

/** A time of a clock that is ahead by less is not taken for one to come. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Where a subscriber comes from. `absent`: the journal keeps a backlog for it, and nobody serves it any more: it was
 * taken out of the configuration.
 */
export type SubscriberSource = 'file' | 'handler' | 'registered' | 'absent';

/** A subscriber as it is shown. */
export interface SubscriberView extends Omit<Standing, 'heldUntil'> {
  source: SubscriberSource;
  /** Its query is masked. */
  url?: string;
  topics: string[];
  /** Its breaker is open, or it asked for a pause: until then, ISO 8601, nothing is sent. */
  heldUntil?: string;
  /** Of a registered one: what was sent, with its secrets masked. */
  config?: Body;
}

export interface Entry {
  source: SubscriberSource;
  settings: SubscriberSettings;
  hold: Hold;
  body?: Body;
}

export const ABSENT = 'it is neither in the configuration nor registered; its backlog is kept';

/** Is never asked, because who has it is held. */
export const NOBODY: Sender = {
  send: () => Promise.resolve<Outcome>({ kind: 'throttled', reason: 'refused', status: 0, detail: 'nobody is there' }),
  close: () => Promise.resolve(),
};

export function free(): Hold {
  return { paused: false, gone: '' };
}

export function mustBeOurs(id: string, { source }: Entry): void {
  if (source === 'registered' || source === 'absent') return;
  const where = source === 'file' ? 'the configuration file' : 'a handler of this process';
  throw new HoldfastError('SUBSCRIBER_READ_ONLY', `"${id}" comes from ${where}`);
}

/** From a place that is yet to come it would start now, and nothing would say so. @param last position of the journal */
export function mustHaveCome(startFrom: SubscriberSettings['startFrom'], last: number, now: number): void {
  if (typeof startFrom === 'string') return;
  const isAhead = 'time' in startFrom ? startFrom.time > now + CLOCKS_DIFFER_MS : startFrom.position > last + 1;
  if (!isAhead) return;
  const ahead = 'time' in startFrom ? 'in the future' : `ahead of the journal, whose last position is ${last}`;
  throw invalid([{ pointer: '/startFrom', message: `is ${ahead}. Write now to start with what comes next.` }]);
}

export function backlogLost(id: string, records: number): HoldfastError {
  return new HoldfastError('BACKLOG_WOULD_BE_LOST', `"${id}" has yet to be given ${records} records`, {
    details: { lagRecords: records },
  });
}

export function viewOf({ source, settings, body }: Entry, standing: Standing): SubscriberView {
  const { id, state, reason, heldUntil, ...rest } = standing;
  const { url, topics } = settings;
  return {
    id,
    source,
    ...(url === undefined ? {} : { url: maskedUrl(url) as string }),
    topics,
    state,
    reason: source === 'absent' ? ABSENT : reason,
    ...(heldUntil === undefined ? {} : { heldUntil: new Date(heldUntil).toISOString() }),
    ...rest,
    ...(body ? { config: maskedBody(body) } : {}),
  };
}
