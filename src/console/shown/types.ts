/**
 * What the console reads, as JSON: the server makes it and the page shows it. Only what browsers have, too, may be imported here.
 * Times are ISO 8601, and by the gateway's clock: the page counts ages from `now`, for the clock of its own may differ.
 */
import type { Cause, Diagnosis } from '../../domain/cause.js';
import type { LinkDrop, LinkStatus } from '../../domain/link.js';
import type { Scope } from '../../domain/scope.js';

/** Said by another thread, which may be stalled just now: then this is the last that it said. */
export type Seen<T> = T & {
  /** When it was said. */
  asOf: string;
};

/** `GET /v1/status` (scope `read`): how the gateway is, in one answer that does not wait for a thread that stands still. */
export interface Status {
  version: string;
  /** Of Node.js, without the `v`. */
  node: string;
  now: string;
  startedAt: string;
  /** The worst first; none: all is well. */
  findings: Finding[];
  /** Absent until the link has started. */
  link?: Seen<LinkFigures>;
  journal: Seen<JournalFigures>;
  contracts: ContractFigures;
  threads: { [thread in 'link' | 'journal' | 'contract' | 'main']: ThreadFigures };
  subscribers: SubscriberSums;
  /** Absent without a configuration file. */
  reload?: LastReload;
}

/** The panels of the page. */
export type Panel = 'link' | 'rates' | 'journal' | 'subscribers' | 'dead-letters' | 'rejections' | 'publish' | 'config';

/** One thing that is not as it should be: the same as an alert says, without Prometheus. */
export interface Finding {
  /** Stable, of small letters and hyphens. With `subject` it names the finding. */
  id: string;
  /** `critical`: messages wait or are lost, and it does not mend itself; `warning`: it may become so; `info`: it was asked for. */
  severity: 'critical' | 'warning' | 'info';
  /** One sentence. */
  what: string;
  /** Id of the subscriber, or name of the subscription or contract; absent: there is only one that it could be about. */
  subject?: string;
  /** Absent: not known. */
  since?: string;
  /** What was seen, in words. */
  why: string;
  /** What an operator can do. */
  mend: string;
  /** Where the page shows more. */
  panel: Panel;
}

/** The drops are in `GET /v1/link`. */
export interface LinkFigures extends Omit<LinkStatus, 'drops'> {
  lastDrop?: LinkDrop;
}

export interface JournalFigures {
  /** `full`: acknowledgements wait and publishes are refused; everything else goes on. */
  state: 'open' | 'full';
  /** Why it is full; '' when it is not. */
  reason: string;
  records: number;
  /** Live pages and the log. */
  bytes: number;
  /** `journal.maxSize`. */
  maxBytes: number;
  /** Newest position, 0 when none was ever written. */
  last: number;
  /** Every record up to here has its verdict. */
  admitted: number;
  /** Publishes that wait for the broker. */
  outbox: number;
  /** When the oldest of them was accepted; absent: none waits. */
  oldestPublishAt?: string;
  corruptRecords: number;
  /** Those that wait; 1000: as many, or more. */
  rejections: number;
  /** Of the commits of the last minute or so; all 0 when there were none. */
  commitSeconds: { p50: number; p99: number; max: number };
}

/** How the thread is that checks. */
export interface ContractFigures {
  /** Threads that were told to end and have not: they are in a call that nothing interrupts. */
  lost: number;
  /** There are too many of these: nothing is checked until one ends, or the process. */
  held: boolean;
  /** Until a thread that keeps ending is replaced; 0: nothing is waited for. */
  waitSeconds: number;
}

export interface ThreadFigures {
  /** How late it is now. */
  delaySeconds: number;
  /** The worst of the last half minute or so. */
  worstDelaySeconds: number;
}

/** Of all subscribers, so that it stays small when there are a thousand. */
export interface SubscriberSums {
  /** How many there are in each state. */
  states: { [state in 'active' | 'paused' | 'broken' | 'gone']: number };
  lagRecords: number;
  /** Of the one that is furthest behind. */
  lagSeconds: number;
  deadLetters: number;
}

export interface LastReload {
  /**
   * `unchanged`: all of it that can be put in force while the gateway runs was in force already. `incomplete`: some of
   * it could not be put in force, and is tried again by the next reload.
   */
  result: 'applied' | 'unchanged' | 'refused' | 'incomplete';
  /** Of the start when there was no reload yet. */
  at: string;
  /** Keys that say something else than the gateway runs with, until it is restarted. */
  needsRestart: string[];
}

/** `GET /v1/activity` (scope `read`): what became of attempts, beside what `GET /v1/subscribers` says. */
export interface Activity {
  now: string;
  items: SubscriberActivity[];
}

export interface SubscriberActivity {
  id: string;
  /** Attempts that ended in the last five minutes. */
  attempts: { [outcome in 'delivered' | 'retry' | 'throttled' | 'dead']: number };
  /** Since the start; absent: nothing was. */
  lastDeliveredAt?: string;
  /** Since the start; absent: none failed. */
  lastFailure?: {
    at: string;
    /** Of the record. */
    position: number;
    id: string;
    /** A `FailureReason`. */
    reason: string;
    /** HTTP status, 0 when there was no answer. */
    status: number;
    /** The first 2 KiB of the answer, or the error's text: written by somebody else. */
    detail: string;
  };
  deadLetters: number;
}

/** What happened during a step of {@link Rates}: so many. */
export const RATE_COUNTS = [
  ...(['received', 'journaled', 'dropped', 'rejected'] as const),
  ...(['delivered', 'retried', 'throttled', 'dead'] as const),
  ...(['published', 'refused'] as const),
] as const;
export type RateCount = (typeof RATE_COUNTS)[number];

/** What was seen at the end of a step; `commitSecondsMax`: during it. */
export const RATE_LEVELS = [
  ...(['linkUp', 'pendingAcks', 'journalBytes', 'commitSecondsMax'] as const),
  ...(['lagRecords', 'lagSeconds', 'deadLetters', 'outbox'] as const),
] as const;
export type RateLevel = (typeof RATE_LEVELS)[number];

/** `GET /v1/rates?span=1h|24h` (scope `read`; default `1h`): what the charts draw, sampled whether or not anybody looks. */
export interface Rates {
  now: string;
  /** When the last step ended; the one before it `stepSeconds` earlier, and so on. */
  until: string;
  /** 5 in an hour, 60 in a day. */
  stepSeconds: number;
  /** Oldest first, all equally long: as many steps as there were since the start, at most the span. null: not known. */
  counts: { [name in RateCount]: (number | null)[] };
  levels: { [name in RateLevel]: (number | null)[] };
}

/**
 * `GET /v1/live` (scope `read`): Server-Sent Events, each with one of these names and its data. The `id` of those that are
 * `told` is the process's `startedAt`, a hyphen and a number; `Last-Event-ID` brings what was told since, of the last 500; `0` all of these.
 */
export interface LiveEvents {
  /** At once, and every two seconds while somebody looks. */
  status: Status;
  told: Told;
  /** What `Last-Event-ID` asks for is no longer kept, or was told before a restart: read everything anew. */
  missed: Record<string, never>;
}

/** One of docs/events.md, under its name, whether or not a subscriber asks for it; and what is told to the page only. */
export type Told = { at: string } & (
  | { name: 'link/up'; sessionPresent: boolean; reconnect: boolean; after: Cause | null }
  | ({ name: 'link/down' } & Diagnosis)
  | { name: 'link/session-lost'; from: string | null; to: string }
  | { name: 'link/subscription-denied'; subscription: string; code: number | null }
  | ({ name: 'link/canary'; silent: boolean } & Partial<Diagnosis>)
  | { name: 'subscriber/state'; subscriber: string; state: string; reason: string }
  | ({ name: 'subscriber/dead-letter' } & ToldLetter)
  | { name: 'subscriber/discarded'; subscriber: string; reason: string; records: number; from: number; through: number }
  | { name: 'journal/state'; state: 'open' | 'full'; reason: string }
  | { name: 'journal/near-full'; near: boolean; bytes: number; maxBytes: number }
  | ({ name: 'reload' } & Omit<LastReload, 'at'>)
  /** So many since the one before; at most one a second for each contract and reason. */
  | { name: 'rejections'; contract: string; reason: string; count: number }
);

/** One record that became a dead letter. */
export interface ToldLetter {
  subscriber: string;
  position: number;
  /** Of the record. */
  id: string;
  topic: string;
  reason: string;
  /** HTTP status of the last answer, 0 when there was none. */
  status: number;
  /** The first 2 KiB of the last answer, or the error's text: written by somebody else. */
  detail: string;
  attempts: number;
}

/** `GET /v1/config` (scope `read`): what is in force now, also after a reload. */
export interface ConfigInForce {
  /** Path of the file; absent: the settings came from none. */
  file?: string;
  /** Keys as in the file. A text that is not known to be harmless is `********`. */
  settings: { [key: string]: unknown };
  /** As in {@link LastReload}. */
  needsRestart: string[];
}

/** `GET /v1/caller` (any scope): what the page may offer to whoever looks at it. */
export interface CallerFacts {
  /** The token's name; null when calls need no token. */
  name: string | null;
  scopes: Scope[];
  /** Topic filters it may publish to, of what `publish.allow` lets in. Absent: all of it. */
  publish?: string[];
}

/** Body of `POST /v1/doctor` (scope `admin`). Answered with one {@link DoctorLine} a line, or 409 while another one runs. */
export interface DoctorRequest {
  /** The only topics that anything is published to. Default: none. */
  probeTopics?: string[];
}

export type DoctorLine =
  /** The next rows are of the broker at this address. */
  | { kind: 'broker'; url: string }
  | { kind: 'begun'; check: string }
  | ({ kind: 'row' } & DoctorRow)
  /** The last line. `ok`: no row failed and every one was reached; `leftBehind`: client ids of sessions that could not be ended. */
  | { kind: 'end'; ok: boolean; interrupted: boolean; leftBehind: string[] };

/** As `holdfast doctor --json` writes it. */
export interface DoctorRow {
  /** What was checked, such as `TLS` or `subscription telemetry`. */
  check: string;
  /** Address of the broker it was seen at; absent for what is not of one broker. */
  broker?: string;
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was seen, in words. */
  seen: string;
  /** What to do about it; empty when there is nothing to do. */
  mend: string;
}
