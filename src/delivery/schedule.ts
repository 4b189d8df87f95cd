import type { FailureReason, Outcome } from '../domain/attempt.js';
import { addedJitter, type Random } from '../domain/backoff.js';
import type { SubscriberSettings } from '../domain/subscriber.js';

/** What becomes of a record after an attempt. */
export type Decision =
  | { kind: 'delivered' }
  /** Back to where it was taken from; no attempt was used up. */
  | { kind: 'returned' }
  | { kind: 'wait'; delayMs: number }
  | { kind: 'dead'; reason: FailureReason };

/** What is known of the record when it was tried. */
export interface Tried {
  /** Attempts made, this one included. */
  attempts: number;
  /** Wall clock, milliseconds since the epoch. */
  receivedAt: number;
}

/** Whether a batch that ended so is split: trying it again as it is could not help, and one record may be to blame. */
export function splits(outcome: Outcome): boolean {
  return outcome.kind === 'dead' || (outcome.kind === 'retry' && !outcome.opensBreaker);
}

/**
 * What becomes of each record of a batch that failed as a whole, through no fault of a record: no attempt is used.
 * @param now wall clock, milliseconds since the epoch
 */
export function decideReturned(receivedAt: number, retry: SubscriberSettings['retry'], now: number): Decision {
  return now - receivedAt > retry.maxAgeMs ? { kind: 'dead', reason: 'expired' } : { kind: 'returned' };
}

/** @param now wall clock, milliseconds since the epoch */
export function decide(
  outcome: Outcome,
  tried: Tried,
  retry: SubscriberSettings['retry'],
  now: number,
  random: Random,
): Decision {
  const returned = decideReturned(tried.receivedAt, retry, now);
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'gone':
      return { kind: 'returned' };
    case 'throttled':
      return returned;
    case 'dead':
      return { kind: 'dead', reason: outcome.reason };
    case 'retry': {
      const delayMs = retry.scheduleMs[tried.attempts - 1];
      if (returned.kind === 'dead') return returned;
      if (delayMs === undefined) return { kind: 'dead', reason: outcome.reason };
      // None waits beyond maxAge: its last attempt is then.
      const leftMs = tried.receivedAt + retry.maxAgeMs - now;
      return { kind: 'wait', delayMs: Math.min(addedJitter(delayMs, random), leftMs + 1) };
    }
  }
}
