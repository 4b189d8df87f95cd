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

/** @param now wall clock, milliseconds since the epoch */
export function decide(
  outcome: Outcome,
  tried: Tried,
  retry: SubscriberSettings['retry'],
  now: number,
  random: Random,
): Decision {
  const expired = now - tried.receivedAt > retry.maxAgeMs;
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'gone':
      return { kind: 'returned' };
    case 'throttled':
      return expired ? { kind: 'dead', reason: 'expired' } : { kind: 'returned' };
    case 'dead':
      return { kind: 'dead', reason: outcome.reason };
    case 'retry': {
      const delayMs = retry.scheduleMs[tried.attempts - 1];
      if (delayMs === undefined) return { kind: 'dead', reason: outcome.reason };
      if (expired) return { kind: 'dead', reason: 'expired' };
      return { kind: 'wait', delayMs: addedJitter(delayMs, random) };
    }
  }
}
