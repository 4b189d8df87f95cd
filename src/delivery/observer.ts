import type { FailureReason } from '../domain/attempt.js';
import type { Replay } from '../domain/replay.js';
import type { Record } from '../domain/record.js';
import type { DeadLetter, Discarded } from '../domain/subscriber.js';

/** `active`: sent to. `paused`: an operator asked. `broken`: failing, probed now and then. `gone`: it answered 410. */
export type SubscriberState = 'active' | 'paused' | 'broken' | 'gone';

/** Where a subscriber stands now. */
export interface SubscriberStatus {
  id: string;
  state: SubscriberState;
  /** Why it is not active, or is active and throttled; '' when it is sent to. */
  reason: string;
  /** Its breaker is open, or it asked for a pause: until then nothing is sent. Wall clock, milliseconds since the epoch. */
  heldUntil?: number;
  /** Every matching record up to here is delivered, waiting (a row of its own) or a dead letter. */
  cursor: number;
  /**
   * Matching records neither delivered nor dead. Still rising just after the start, while the backlog is counted. With
   * a content filter, what it leaves out is among those that were not read yet.
   */
  lagRecords: number;
  /** Age of the oldest of them; 0 when there is none. */
  lagSeconds: number;
  /** Records that failed and wait for their next attempt, or are held behind one that does. */
  waiting: number;
  /** Attempts that are running. */
  inFlight: number;
  /** Ranges of the journal that it is given again, the one under way first: `position` is how far it has come. */
  replays: Omit<Replay, 'number' | 'subscriber'>[];
}

/** An attempt that failed, and is or will be made again, for a log line. */
export interface FailedAttempt {
  reason: FailureReason;
  /** HTTP status, 0 when there was no answer. */
  status: number;
  detail: string;
  /** Of its record, of several the first. */
  position: number;
  id: string;
  topic: string;
  /** How many records there were, when it was a batch. */
  records?: number;
  /** 1 for the first try. */
  attempt: number;
  durationMs: number;
  /** When it is tried again at the earliest, ISO 8601; absent: as soon as there is room, or when the subscriber is well again. */
  nextAt?: string;
}

/** Told what happens, for metrics and logs. Called synchronously on the delivery path: must be quick and must not throw. */
export interface DeliveryObserver {
  /**
   * One attempt ended, of a record or a batch. A 410 counts as `throttled`, a batch that is split as `retry`.
   * @param traceparent W3C trace context of the attempt; undefined: it was not traced
   */
  attempt(
    subscriber: string,
    outcome: 'delivered' | 'retry' | 'throttled' | 'dead',
    seconds: number,
    traceparent?: string,
  ): void;
  /** @param secondsSinceReceived from the socket to the answer @param traceparent of the attempt that succeeded */
  delivered(subscriber: string, secondsSinceReceived: number, traceparent?: string): void;
  state(subscriber: string, state: SubscriberState, reason: string): void;
  /** An attempt failed, and its records wait: not one that made a dead letter. Called often. */
  failed(subscriber: string, failed: FailedAttempt): void;
  /** The first success after it. */
  recovered(subscriber: string): void;
  /** Its backlog went beyond its bound, and the oldest records were given up. Called often while it stays there. */
  discarded(discarded: Discarded): void;
  /** A record became a dead letter; it is saved soon after. */
  died(letter: DeadLetter & Pick<Record, 'id' | 'topic'>): void;
  /** A defect: the subscriber begins anew from what is on disk, as after a crash. */
  fault(subscriber: string, error: unknown): void;
  /** What was settled could not be saved; it is kept and tried again every second. */
  saveFailed(error: unknown): void;
}
