/** What findings are made of. */
import type { LinkDrop } from '../domain/link.js';
import type { DiscardReason } from '../domain/subscriber.js';
import type { Finding, Status, SubscriberActivity } from './shown/types.js';

/** One subscriber, as far as something may be wrong with it. */
export interface SubscriberFacts {
  id: string;
  state: 'active' | 'paused' | 'broken' | 'gone';
  /** Why it is not sent to; '' when it is. */
  reason: string;
  /** ISO 8601; absent: since before the start. */
  since?: string;
  /** When something is sent to it again, ISO 8601; absent: it is not held, or nothing is known. */
  heldUntil?: string;
  /** Attempts that failed since the last success, and since when. */
  failing?: { since: string; times: number };
  /** Since the start. */
  lastFailure?: NonNullable<SubscriberActivity['lastFailure']>;
  /** Attempts of the last five minutes that delivered, or made dead letters. */
  delivered: number;
  dead: number;
  /** Since when there are dead letters, never five minutes without a new one, ISO 8601; absent: none since the start. */
  deadSince?: string;
  lagRecords: number;
  lagSeconds: number;
  deadLetters: number;
}

/** Records that failed their contract of late. */
export interface RejectedFacts {
  contract: string;
  reason: string;
  count: number;
  /** ISO 8601; never five minutes without one since then. */
  since: string;
}

/** What happened, and is no state of anything: it stays in sight for a while. */
export interface IncidentFacts {
  /** The last time that the broker had forgotten the session, of a day. */
  sessionLost?: SessionLost;
  /** Since when the broker refuses a subscription, or does not answer for it, by its name: ISO 8601. */
  unsubscribed: { readonly [subscription: string]: string };
  /** Since when the journal is nearly full, ISO 8601. */
  nearFullSince?: string;
  /** These four are of the last hour, or of longer when never an hour passed without. */
  discarded: readonly DiscardFacts[];
  /** Rejections and dead letters that were older than `journal.failedRetention`. */
  expired?: Tally;
  /** QoS 0 over the bound. */
  dropped?: Tally;
  /** Publishes that the broker refused. */
  refused?: Tally;
}

export interface Tally {
  count: number;
  /** Of the first and the last, ISO 8601. */
  since: string;
  at: string;
}

/** What a subscriber will never be given. */
export interface DiscardFacts extends Tally {
  /** Of the subscriber. */
  id: string;
  /** Of the last; `asked`: with `discardBacklog`. */
  reason: DiscardReason | 'asked';
}

/** Messages may be missing between these instants, ISO 8601. */
export interface SessionLost {
  /** When the broker was last heard before; absent: not known. */
  from?: string;
  to: string;
  /** How often within the day. */
  times: number;
}

export interface Facts extends Omit<Status, 'findings' | 'subscribers'> {
  subscribers: readonly SubscriberFacts[];
  /** Of the last five minutes. */
  rejected: readonly RejectedFacts[];
  /** How connections ended and what connects were refused, newest first. */
  drops: readonly LinkDrop[];
  incidents: IncidentFacts;
  /** Since when the journal is full. */
  journalFullSince?: string;
}

export type About = Omit<Finding, 'id' | 'subject'>;
