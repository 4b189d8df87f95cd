import type { Sender } from '../domain/attempt.js';
import type { Clock } from '../domain/clock.js';
import type { Journal, JournalReader } from '../domain/journal.js';
import type { Replay } from '../domain/replay.js';
import type { Hold, SubscriberProgress, SubscriberSettings } from '../domain/subscriber.js';
import type { DecodePayload, IsForeign } from '../domain/payload-json.js';
import type { ParametersOf } from '../domain/topic-parameters.js';

/** A subscriber to be served. */
export interface Target {
  settings: SubscriberSettings;
  sender: Sender;
  hold?: Hold;
}

/** Where it goes on. */
type Place = Pick<SubscriberProgress, 'cursor' | 'freshAt'>;

/** What the registry asks of delivery; there is how each call behaves. */
export interface Serving {
  start(targets: readonly (Target & Place)[], admittedThrough: number): void;
  add(target: Target & Place): void;
  change(id: string, save: (at: { cursor: number; through: number }) => Promise<Target | undefined>): Promise<void>;
  pause(id: string): void;
  resume(id: string): void;
  lag(id: string): Promise<number>;
  status(): readonly Standing[];
}

/** How a subscriber stands. */
export interface Standing {
  id: string;
  state: string;
  /** Why it is not active, or is active and throttled; '' when it is sent to. */
  reason: string;
  /** Its breaker is open, or it asked for a pause: until then nothing is sent. Wall clock, milliseconds since the epoch. */
  heldUntil?: number;
  /** Every matching record up to here is delivered, waiting (a row of its own) or a dead letter. */
  cursor: number;
  lagRecords: number;
  lagSeconds: number;
  waiting: number;
  inFlight: number;
  /** Ranges of the journal that it is given again, the one under way first. */
  replays: Omit<Replay, 'number' | 'subscriber'>[];
}

/** What came of one synthetic event. */
export interface TestResult {
  /** Of the event: its `webhook-id`, but in a batch. */
  id: string;
  outcome: 'delivered' | 'retry' | 'throttled' | 'dead' | 'gone';
  /** Of the answer; 0 when there was none. */
  status: number;
  durationMs: number;
  /** Why it failed, from the closed list; '' when it did not. */
  reason: string;
  /** The start of the answer, or the error's text; without secrets. */
  detail: string;
}

export interface RegistryObserver {
  /** Served from now on. */
  added(subscriber: string): void;
  /** Not served any more. */
  removed(subscriber: string): void;
  /** What an operator did to it. */
  changed(subscriber: string, what: 'registered' | 'changed' | 'removed' | 'paused' | 'resumed'): void;
  /** Records of its backlog were given up, as somebody asked with `discardBacklog`. */
  discarded(subscriber: string, records: number): void;
  /** So many records of its backlog are not given to it any more, as the configuration does not ask for them now. */
  passedOver(subscriber: string, records: number): void;
  /** So many ranges that a subscriber was to be given again ended with it. */
  replaysEnded(subscriber: string, count: number): void;
  /** It is not sent anything, or not as it was registered. */
  impaired(subscriber: string, why: string): void;
  /** A hold could not be saved: it ends with the process. */
  saveFailed(subscriber: string, error: unknown): void;
}

export interface RegistryParts {
  journal: Pick<
    Journal,
    | 'registerSubscribers'
    | 'knowSubscriber'
    | 'retireSubscriber'
    | 'saveRegistration'
    | 'removeSubscriber'
    | 'holdSubscriber'
    | 'stats'
  >;
  reader: Pick<
    JournalReader,
    'progress' | 'registrations' | 'waiting' | 'recordsAt' | 'admittedAfter' | 'topicCounts' | 'lastPosition'
  >;
  clock: Pick<Clock, 'now'>;
  delivery: Serving;
  /** Absent: no level of a topic has a name. */
  parametersOf?: ParametersOf;
  /** For filters that look into payloads. Absent: as JSON, as it came. */
  decode?: DecodePayload;
  /** What no filter that looks into payloads leaves out. Absent: nothing. */
  isForeign?: IsForeign;
  /** The body of a registration as settings. @throws REQUEST_INVALID with every problem in `errors` */
  parse(id: string, body: unknown): SubscriberSettings;
  /** Sends only where registered subscribers may be sent to. */
  senderOf(settings: SubscriberSettings): Sender;
  /** For those of the file: sends wherever they lead. */
  trustedSenderOf(settings: SubscriberSettings): Sender;
  /** Why a registered subscriber may not be sent to, as far as can be said now; undefined when it may. */
  refusal(url: URL): Promise<string | undefined>;
  /** Sends one synthetic event. @param trusted wherever it leads */
  test(settings: SubscriberSettings, trusted: boolean): Promise<TestResult>;
  observer: RegistryObserver;
}
