/** A subscriber is who receives records: a webhook URL, or an in-process handler. */
import type { Filter } from './filter.js';

export interface SubscriberSettings {
  /** Its identity: the backlog, holds and dead letters belong to this name. */
  id: string;
  /** Absent for an in-process handler. */
  url?: string;
  /** Topic filters; a record that matches several is still one delivery. */
  topics: string[];
  /** Records that it does not select are none of this subscriber's. Absent: all. */
  where?: Filter;
  /** Where a new subscriber starts; later changes of it have no effect. */
  startFrom: StartFrom;
  format: 'cloudevents' | 'cloudevents-structured' | 'cloudevents-batch' | 'raw';
  /** `json`: what it is given is the decoded payload as JSON. Absent: the bytes as they came. */
  payload?: 'original' | 'json';
  /** `dapr`: the body of a 2xx may say `{"status": "SUCCESS|RETRY|DROP"}`. */
  answers: 'status' | 'dapr';
  ordering: 'none' | 'topic' | 'key';
  /** With `ordering: key`: JSON pointer into the payload. */
  key?: string;
  /** Attempts in flight at once. */
  concurrency: number;
  /** Whole attempt, in milliseconds. */
  timeoutMs: number;
  /** Until a connection is there, TLS included, in milliseconds; the whole attempt is over at `timeoutMs` all the same. */
  connectTimeoutMs: number;
  /** From the start of an attempt to the head of the answer, in milliseconds; as above. */
  headersTimeoutMs: number;
  /** Attempts a second, retries included; a batch is one. Up to one second's worth, and at least one, may come at once. */
  rateLimit?: { perSecond: number };
  /** With `format: cloudevents-batch`: how many records, and bytes of payload, go together, and how long for. */
  batch?: BatchSettings;
  /** What may be undelivered; beyond it the oldest are given up, and that is told. */
  maxBacklog?: { records?: number; bytes?: number };
  retry: {
    /** Waits in milliseconds before the second, third, … attempt; after the last one a dead letter. */
    scheduleMs: number[];
    /**
     * Milliseconds since the record was received, or is given again, or the subscriber was resumed; past it a record
     * that fails, or waits for a subscriber that is throttled or broken, becomes a dead letter.
     */
    maxAgeMs: number;
  };
  breaker: { failures: number; openForMs: number };
  /** Standard Webhooks secrets (`whsec_…`); one signature each. */
  signing: { secrets: string[] };
  /** Static headers sent with every attempt. */
  headers: { [name: string]: string };
  /** What becomes the `authorization` header. */
  auth?: { bearer: string } | { basic: { username: string; password: string } };
  /** PEM texts, already read from their files. Used with https. */
  tls?: { ca?: string; cert?: string; key?: string; serverName?: string };
  /** Whether a 200 with a body is published to the record's response topic. */
  reply: boolean;
}

export interface BatchSettings {
  /** At least 1. */
  maxMessages: number;
  /** How long a record may wait for others. */
  maxWaitMs: number;
  /** Of payload; one larger record still goes, alone. */
  maxBytes: number;
}

/** A position, or an instant in milliseconds since the epoch, or one of two words. */
export type StartFrom = 'now' | 'earliest' | { position: number } | { time: number };

export const SUBSCRIBER_DEFAULTS = {
  startFrom: 'now',
  format: 'cloudevents',
  payload: 'original',
  answers: 'status',
  ordering: 'none',
  concurrency: 16,
  timeoutMs: 15_000,
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 15_000,
  retry: { scheduleMs: [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000], maxAgeMs: 72 * 3_600_000 },
  breaker: { failures: 10, openForMs: 30_000 },
  signing: { secrets: [] },
  headers: {},
  reply: false,
} as const satisfies Partial<SubscriberSettings>;

/** Where a subscriber stands in the journal. */
export interface SubscriberProgress {
  id: string;
  /** Every matching record up to here is delivered, waiting (a row of its own) or a dead letter. */
  cursor: number;
  topics: string[];
  hold: Hold;
  /** Since when it is there, or was woken: the age of nothing that waits for it began before. Wall clock, milliseconds. */
  freshAt: number;
}

/** What keeps a subscriber from being sent anything until an operator resumes it. Outlives restarts. */
export interface Hold {
  paused: boolean;
  /** What its 410 said; '' when it gave none. */
  gone: string;
}

/** A subscriber that came over REST, as it was sent: secrets and all, without its id. */
export interface Registration {
  id: string;
  body: { [key: string]: unknown };
}

/** What the journal has to know of a subscriber. */
export interface KnownSubscriber extends Pick<SubscriberSettings, 'id' | 'topics' | 'startFrom'> {
  /** These two say what the keys of its waiting rows mean; with others than before, rows lose their keys. */
  ordering?: string;
  key?: string;
}

/** A record that failed and will be tried again, or one held behind it because order is kept. */
export interface Waiting {
  subscriber: string;
  position: number;
  /** The ordering key, '' when order is not kept. */
  key: string;
  /**
   * The ways that its key was made by, and those of all records that were not settled when the row came into being. Empty or
   * absent: not known, so nothing follows from it about other records.
   */
  keyWays?: string;
  /** Attempts made so far; 0 for a record held behind another. */
  attempts: number;
  /** Wall-clock instant in milliseconds of the next attempt; null: held until the one before it is settled. */
  dueAt: number | null;
  /** Why the last attempt failed; '' when none was made. */
  reason: string;
  /** Set when it is given again: since when, wall clock in milliseconds. Its age counts from here. */
  replayedAt?: number;
}

/** A waiting row as the journal has it, with what is known of its record. */
export interface SavedWaiting extends Waiting {
  /** Of the payload. */
  bytes: number;
  /** Wall clock, milliseconds since the epoch; 0 when the record is damaged. */
  receivedAt: number;
}

/** A record a subscriber could not be given. */
export interface DeadLetter {
  subscriber: string;
  position: number;
  reason: string;
  /** HTTP status of the last answer, 0 when there was none. */
  status: number;
  /** The first 2 KiB of the last answer, or the error's text. */
  detail: string;
  attempts: number;
  /** Wall clock, milliseconds since the epoch. */
  at: number;
}

/** Why records were given up although nobody had them. A closed list: it is a metric label. */
export const DISCARD_REASONS = [
  'backlog-full', // the subscriber's maxBacklog
  'journal-full', // journal.whenFull
] as const;
export type DiscardReason = (typeof DISCARD_REASONS)[number];

/** The oldest undelivered records of one subscriber were given up. */
export interface Discarded {
  subscriber: string;
  reason: DiscardReason;
  /** How many; with `journal-full` those that only a content filter or an early delivery spared are among them. */
  records: number;
  /** Their positions are between these, both included. */
  from: number;
  through: number;
}

/** What one subscriber's lanes have to save: applied whole or not at all. */
export interface Settlement {
  subscriber: string;
  cursor: number;
  /** Rows to insert or replace. */
  waiting?: Waiting[];
  /** Positions whose waiting row is done with. */
  released?: number[];
  dead?: DeadLetter[];
  /** How far each {@link Replay} has come, by its number. One that has come through is done with. */
  replays?: { number: number; position: number }[];
}
