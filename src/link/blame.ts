import type { Cause } from '../domain/cause.js';
import type { CloseEvidence } from './connection.js';
import { isGone, isOrderly, isTakeoverGuessed, type Afterwards, type Evidence } from './evidence.js';

/** What explains an end by itself, whatever was on the way. */
const ACQUITTING: ReadonlySet<Cause> = new Set<Cause>(['client-id-conflict', 'event-loop-stall']);
const DOUBTFUL = 0.5;

/** A connection that ended, and what was met next. */
export type Ended = CloseEvidence & { afterwards?: Afterwards } & Pick<Evidence, 'refused'>;

/**
 * How much an end tells against the one operation that was on the way, in hang-ups. A line that breaks is mostly the
 * line's doing, and so is a broker that goes away its own; but some brokers refuse with a reset, and some die of it.
 * One that had just refused another publish has most likely hung up for that.
 * @param cause what the end was diagnosed as
 * @param prompt it came as soon as the operation had been sent
 */
export function blameOf(ended: Ended, cause: Cause, prompt = false): number {
  if (ended.ended !== undefined || ACQUITTING.has(cause)) return 0;
  if (isGone(ended.afterwards) || ended.refused) return DOUBTFUL;
  return ended.code !== 0 || isOrderly(ended) || prompt ? 1 : DOUBTFUL;
}

/**
 * The same of a filter, which is set aside for a while and no more: so a takeover that is only inferred, time and
 * again as this one is asked for, leaves some doubt. Once it is left alone it shows which of the two it was.
 */
export function blameOfFilter(ended: Ended, cause: Cause, prompt: boolean): number {
  return isTakeoverGuessed(cause, ended) ? DOUBTFUL : blameOf(ended, cause, prompt);
}
