/**
 * The Journal port: the durable middle of the gateway. One writer owns it; everyone else calls it
 * through these methods, from any thread. A resolved promise means "on disk, survives a power cut".
 * A rejected one means nothing of that call was kept. Calls take batches: callers gather, the writer commits.
 */
import type { ReceivedMark } from './trace.js';
import type { LinkDrop } from './link.js';
import type { DeadLetterFilter, ListedRecord, Look, Looked, RejectionFilter, TopicAndTime } from './listing.js';
import type { MessageBatch } from './message.js';
import type { ErrorCode } from './errors.js';
import type {
  Acceptance,
  KeptAnswer,
  KeptRequest,
  OutboxEntry,
  PublishKey,
  PublishResult,
  PublishStatus,
} from './publish.js';
import type { Record, Rejection } from './record.js';
import type { Gap, Replay, ReplayRequest, RevivedLetter } from './replay.js';
import type {
  DeadLetter,
  Discarded,
  Hold,
  KnownSubscriber,
  Registration,
  SavedWaiting,
  Settlement,
  SubscriberProgress,
} from './subscriber.js';

/** `full`: appends wait and publishes are refused until there is room; everything else goes on. */
export type JournalState = 'open' | 'full';

/** To count more would take longer than it says. */
export const REJECTIONS_COUNTED = 1_000;

export interface JournalStats {
  state: JournalState;
  /** Why it is full, for a person; '' when it is not. */
  stateReason: string;
  records: number;
  /** Live pages and the log. */
  bytes: number;
  outbox: number;
  /** When the oldest of the outbox was accepted, wall clock in milliseconds; absent: nothing waits. */
  oldestPublishAt?: number | undefined;
  corruptRecords: number;
  /** Of every subscriber that is known, and of those that have some. */
  deadLetters: { [subscriber: string]: number };
  /** Those that wait, up to {@link REJECTIONS_COUNTED}. */
  rejections: number;
  /** Newest position, 0 when none was ever written. */
  last: number;
  /** Every record up to here has its verdict. */
  admitted: number;
}

/** A subscription the broker has acknowledged, or was asked for, for one broker and client id. */
export interface AcknowledgedSubscription {
  filter: string;
  /** {@link UNANSWERED} while the broker has not acknowledged it: it may have it all the same. */
  qos: number;
}

/** In place of a QoS. */
export const UNANSWERED = -1;

/** What the link keeps across restarts. */
export interface LinkState {
  subscriptions: AcknowledgedSubscription[];
  /** Packet ids of QoS 2 messages that are journaled and not yet released by PUBREL. */
  unreleased: number[];
}

/** What the link keeps across restarts, whatever the session. */
export interface LinkHistory {
  drops: LinkDrop[];
  /** Wall clock, milliseconds: the broker was last heard of; 0: never. */
  heardAt: number;
}

/** Why publishes were not accepted: nothing of them was kept. */
export interface AcceptRefusal {
  code: ErrorCode;
  message: string;
}

export interface Journal {
  /**
   * Keeps the messages, in order. Called by the link, many times before the first resolves. While the
   * journal is full the promise stays pending; it resolves when there is room again. QoS 2 packet ids
   * are remembered as unreleased in the same transaction [MQTT-4.3.3-10].
   */
  append(batch: MessageBatch): Promise<void>;
  /** Forgets an unreleased QoS 2 packet id; PUBCOMP may be sent once this resolves. In turn with appends, as all that follows. */
  release(packetIds: number[]): Promise<void>;
  /**
   * Settles the client id: the wanted one, else the one kept here, else a new one, kept from then on.
   * Rejects with CLIENT_ID_CHANGED when the wanted one differs from the kept one and `adopt` is false.
   */
  identify(wanted: string, adopt: boolean): Promise<string>;
  /** What the link had before; switches to `session` (broker and client id). Packet ids of other sessions are void. */
  openSession(session: string): Promise<LinkState>;
  /** The broker has no session: packet ids and acknowledged subscriptions are void. */
  resetSession(session: string): Promise<void>;
  linkHistory(): Promise<LinkHistory>;
  saveLinkHistory(history: LinkHistory): Promise<void>;
  saveSubscription(session: string, subscription: AcknowledgedSubscription): Promise<void>;
  dropSubscription(session: string, filter: string): Promise<void>;

  /**
   * Every record up to `through` has its verdict; `rejections` are those that failed. Called by admission,
   * in order. A verdict without rejections resolves before it is on disk: after a crash the same
   * records are checked again, with the same answer.
   */
  admit(through: number, rejections: Rejection[]): Promise<void>;

  /**
   * Makes the subscribers known. A new one starts where its settings say; a known one keeps its place. One
   * that is no longer in the list keeps its backlog; one that has none is forgotten.
   */
  registerSubscribers(subscribers: KnownSubscriber[]): Promise<SubscriberProgress[]>;
  /** As {@link registerSubscribers} does with one of them; nothing is said of the others. */
  knowSubscriber(subscriber: KnownSubscriber): Promise<SubscriberProgress>;
  /**
   * Nobody serves it any more: it is forgotten when it has none of what was journaled left to be given, or to be given
   * again. When that would take long to say it is kept, for the next start to decide. Dead letters stay.
   * @param cursor where it stands @returns whether it was forgotten
   */
  retireSubscriber(id: string, cursor: number): Promise<boolean>;
  /**
   * Keeps a registration and makes its subscriber known, in one step; a known one keeps its place.
   * @param discarded positions of its waiting rows that are given up
   */
  saveRegistration(
    registration: Registration,
    subscriber: KnownSubscriber,
    discarded: number[],
  ): Promise<SubscriberProgress>;
  /** Forgets the subscriber, its registration and what it still had to be given; dead letters stay. */
  removeSubscriber(id: string): Promise<void>;
  /** Once nothing holds it, the age of all that waits for it begins anew. */
  holdSubscriber(id: string, hold: Hold): Promise<void>;
  /** Saves what was settled; each settlement whole. */
  settle(settlements: Settlement[]): Promise<void>;

  /**
   * Each becomes a waiting row, due at once, and stops being a dead letter, in one transaction.
   * @returns the numbers of those that were dead letters still @param at wall clock, milliseconds
   */
  reviveDeadLetters(letters: RevivedLetter[], at: number): Promise<number[]>;
  /** @returns how many there were */
  deleteDeadLetters(numbers: number[]): Promise<number>;
  /**
   * Moves rejected records to the end, under new positions and their old ids, where admission checks them again;
   * the rejections are gone in the same transaction. Rejects with JOURNAL_FULL. @returns the old positions of those
   * that were moved: the others are no rejections any more, or damaged
   */
  reenter(positions: number[]): Promise<number[]>;
  /** With their records, or a subscriber that is behind would take them for admitted. @returns how many there were */
  deleteRejections(positions: number[]): Promise<number>;
  /**
   * Keeps a range to be given again; retention stops before it. Rejects with NOT_FOUND, REPLAY_EMPTY or
   * REPLAYS_FULL. `gap`: the part of the range that retention has dropped.
   */
  startReplay(request: ReplayRequest): Promise<{ replay: Replay; gap?: Gap }>;
  /** @returns how many there were */
  cancelReplays(subscriber: string): Promise<number>;

  /**
   * Puts publishes in the outbox, in this order, each acceptance whole or not at all.
   * @returns for each why it was not taken: JOURNAL_FULL, OUTBOX_FULL or KEYS_FULL; null: it is on disk
   */
  accept(acceptances: Acceptance[]): Promise<(AcceptRefusal | null)[]>;
  /** What the request with this key was answered, once a later one could be told otherwise. */
  keepAnswer(key: PublishKey, answers: KeptAnswer[]): Promise<void>;
  /** Outbox entries after `sequence` that have no result yet, oldest first, at most `limit`. */
  outbox(afterSequence: number, limit: number): Promise<OutboxEntry[]>;
  /** How publishes ended, as the broker said. */
  confirm(results: PublishResult[]): Promise<void>;
  /**
   * Ends publishes as `expired` whose time has run out, some at most. Called by the relay, which knows that none after
   * `afterSequence` is on its way or answered. @param at wall clock, milliseconds
   */
  expireOutbox(at: number, afterSequence: number): Promise<void>;

  /** Records whose checksum failed when they were read; counted, and set aside from then on. */
  quarantine(positions: number[]): Promise<void>;

  stats(): Promise<JournalStats>;
  /** Finishes what was asked, checkpoints, closes. Nothing may be called afterwards. */
  close(): Promise<void>;
}

/** What the journal tells everyone who listens. */
export interface JournalEvents {
  /** Records up to this position are on disk. */
  committed: number;
  /**
   * These came into the outbox, one behind the other. None: some did, and they are too much to be told; the newest
   * event may be told alone.
   */
  outbox: OutboxEntry[];
  /** A publish ended. */
  confirmed: PublishResult[];
  state: { state: JournalState; reason: string };
  /** Nine tenths of `journal.maxSize` are in use, or no longer. */
  nearFull: { near: boolean; bytes: number; maxBytes: number };
  /** Records were given up, as `whenFull: discard-oldest-of-largest-backlog` asks. Whoever delivers must not wait for them. */
  discarded: Discarded;
  /** As `whenFull: discard-oldest-of-largest-backlog` asks, this is not given again any further: it kept the journal full. */
  replayEnded: Replay;
  /** Rejections and dead letters that were older than the age limit are gone. */
  expired: { rejections: number; deadLetters: number };
  /** Records that are traced are on disk. */
  traced: ReceivedMark[];
  /** Damaged records were found. */
  damaged: number[];
  /** The disk failed: nothing more may be acknowledged, the process must end. */
  fatal: { message: string };
}

export type EmitJournalEvent = <K extends keyof JournalEvents>(event: K, value: JournalEvents[K]) => void;

/** With so many bytes of payload an answer of the reader ends, however many records were asked for. */
export const READ_BYTES_MAX = 8 << 20;

/**
 * Short, synchronous, read-only statements on a connection of the caller's own. Never held across an
 * await: a reader that stays in a transaction keeps the log growing.
 */
export interface JournalReader {
  /** The journal's own UUID, made with the file. */
  readonly journalId: string;
  /**
   * Records after `position` and up to `through`, oldest first; damaged ones are left out. None: there are none
   * left. Fewer than `limit`: the same, unless their payloads have {@link READ_BYTES_MAX} bytes.
   */
  recordsAfter(position: number, through: number, limit: number): Record[];
  /** As {@link recordsAfter}, without those that were rejected. */
  admittedAfter(position: number, through: number, limit: number): Record[];
  recordsAt(positions: number[]): Record[];
  admittedThrough(): number;
  lastPosition(): number;
  /** How many admitted records after `position` and up to `through` each topic has, and the bytes of their payloads. */
  topicCounts(position: number, through: number): TopicCount[];
  /** Every subscriber the journal knows, also those that are no longer configured. */
  progress(): SubscriberProgress[];
  /** Subscribers that came over REST, in the order of their ids. */
  registrations(): Registration[];
  /** In order of position. */
  waiting(subscriber: string): SavedWaiting[];
  /** In the order they came; `number` is their place in it. */
  deadLetters(query: DeadLetterQuery): ListedDeadLetter[];
  listDeadLetters(look: Look, filter: DeadLetterFilter): Looked<ListedDeadLetter>;
  listRejections(look: Look, filter: RejectionFilter): Looked<ListedRejection>;
  listRecords(look: Look, filter: TopicAndTime): Looked<ListedRecord>;
  /** The newest dead letter's number, 0 when there was none ever. */
  lastDeadLetter(): number;
  /** Up to here retention has dropped what was settled. */
  droppedThrough(): number;
  /**
   * The position of the first record that was received at `time` or later; one after the last when there is none.
   * Supposes that records came in the order of their times, give or take ten seconds.
   */
  positionAt(time: number): number;
  /** Of one subscriber, in the order in which it is given them. */
  replays(subscriber: string): Replay[];
  /** `topic` is absent where it is long, or was published by an earlier version. */
  publishStatus(id: string): { status: PublishStatus; topic?: string; result?: PublishResult } | undefined;
  keptRequest(key: PublishKey): KeptRequest | undefined;
  close(): void;
}

export interface TopicCount {
  topic: string;
  count: number;
  bytes: number;
}

/** With the record's id and topic. */
export type ListedDeadLetter = DeadLetter & { number: number; id: string; topic: string };
/** With the record's id and topic. `at`: wall clock, milliseconds. `replays`: how often it was checked again. */
export type ListedRejection = Rejection & { at: number; id: string; topic: string; replays: number };

export interface DeadLetterQuery {
  subscriber?: string;
  /** Only those of records after this position. */
  after?: number;
  limit: number;
}
