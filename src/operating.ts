/** What watches a running gateway and tells of it: metrics, its own events, lines of the log. */
import type { Logger } from 'pino';
import { Announcements } from './announcing.js';
import { Activities, Incidents, LiveFeed, type LastReload, type Status } from './console/index.js';
import { systemClock } from './domain/clock.js';
import type { JournalEvents } from './domain/journal.js';
import type { LinkEvent } from './domain/link.js';
import type { MessageBatch } from './domain/message.js';
import type { Discarded } from './domain/subscriber.js';
import {
  ContractMetrics,
  DeliveryMetrics,
  HttpMetrics,
  OwnEvents,
  ReloadMetrics,
  LONG_QUIET_MS,
  Repeats,
  startTracing,
  type SubscriberFigures,
  TraceMetrics,
  type Tracing,
  type TracingParts,
} from './ops/index.js';
import { credentialsTeller, discardTeller, journalTeller, type TellingParts } from './telling.js';
import type { ContractThreadEvents } from './threads/contract.thread.js';
import { Heartbeats } from './threads/heartbeat.js';
import type { LinkThreadEvents } from './threads/link.thread.js';

/** The gateway as far as it runs: its parts come one after the other, so they are asked each time. */
export interface Watched {
  /** Where every subscriber stands; none before delivery has started. */
  subscribers(): SubscriberFigures[];
  /** Whether anybody asks for records of this topic. */
  wants(topic: string): boolean;
  /** As `Journal.append`. Not before something is wanted. */
  append(batch: MessageBatch): Promise<void>;
  /** How it is; for whoever looks at the console. */
  status(): Promise<Status>;
}

export interface OperatingParts {
  /** Ids of the subscribers that are there from the start. */
  subscribers: readonly string[];
  /** Where the journal is. */
  directory: string;
  version: string;
  /** Whether anything is traced: see {@link Operating.trace}. */
  traced: boolean;
  logger: Logger;
  watched: Watched;
}

type JournalWatch = ReturnType<typeof journalTeller> & {
  discarded: TellingParts['discarded'];
  traced: (marks: JournalEvents['traced']) => void;
};

/** Nothing here changes what the gateway does, and no message waits for it. */
export class Operating {
  readonly metrics: DeliveryMetrics;
  readonly contractMetrics: ContractMetrics;
  readonly httpMetrics: HttpMetrics;
  readonly events: OwnEvents;
  /** Undefined: nothing is traced. */
  tracing: Tracing | undefined;
  readonly #traceMetrics: TraceMetrics;
  readonly live: LiveFeed;
  readonly repeats = new Repeats(systemClock);
  readonly activities = new Activities(systemClock);
  readonly incidents = new Incidents(systemClock);
  /** What delivery and the senders tell with. */
  readonly telling: TellingParts & {
    metrics: DeliveryMetrics;
    activities: Activities;
    incidents: Incidents;
    logger: Logger;
  };
  /** Tells what the journal says by itself. */
  readonly journal: JournalWatch;
  readonly credentials: ReturnType<typeof credentialsTeller>;
  readonly heartbeats = new Heartbeats();
  readonly #beat = this.heartbeats.beatAs('main');
  readonly #announcements: Announcements;
  readonly #logger: Logger;
  /** Since when the journal is full: wall clock, milliseconds. */
  #journalFullAt: number | undefined;

  constructor({ subscribers, directory, version, traced, logger, watched }: OperatingParts) {
    this.#logger = logger;
    this.metrics = new DeliveryMetrics(subscribers, () => watched.subscribers(), version, traced);
    this.contractMetrics = new ContractMetrics(this.metrics.registry);
    this.httpMetrics = new HttpMetrics(this.metrics.registry);
    this.#traceMetrics = new TraceMetrics(this.metrics.registry);
    this.events = this.#ownEvents(watched);
    this.live = new LiveFeed(() => watched.status(), systemClock);
    this.#announcements = new Announcements({
      tell: (name, facts) => {
        this.events.tell(name, facts);
        this.live.tell(name, facts);
      },
    });
    this.credentials = credentialsTeller(logger);
    const parts = { metrics: this.metrics, announcements: this.#announcements, repeats: this.repeats, logger };
    const tellDiscarded = discardTeller(parts);
    const discarded = (what: Discarded): void => {
      this.incidents.discarded(what.subscriber, what.reason, what.records);
      tellDiscarded(what);
    };
    this.telling = { ...parts, activities: this.activities, incidents: this.incidents, discarded };
    this.journal = this.#journalWatch(directory);
  }

  /** For a gateway that can read its configuration again; it has just read it. */
  reloadMetrics(): ReloadMetrics {
    return new ReloadMetrics(this.metrics.registry, () => systemClock.now());
  }

  /** Before anything can be traced. */
  async trace(parts: Omit<TracingParts, 'lost'>): Promise<void> {
    const lost = (count: number, why: string | undefined): void => {
      this.#traceMetrics.dropped(count);
      const line = (times: number): void => this.#logger.warn({ count: times, why }, 'spans were lost');
      this.repeats.tell('spans', line, count, LONG_QUIET_MS);
    };
    this.tracing = await startTracing({ ...parts, lost });
  }

  get journalFullAt(): number | undefined {
    return this.#journalFullAt;
  }

  /** Tells how reading the configuration again went. */
  reloaded({ result, needsRestart }: LastReload): void {
    this.live.tell('reload', { result, needsRestart });
  }

  /** Tells what became of the link. */
  link(told: LinkEvent): void {
    this.incidents.link(told);
    this.#announcements.link(told);
  }

  /** Writes what another thread has to say. @returns whether the event was one of those */
  heard(event: string, value: unknown): boolean {
    if (event === 'log') this.#log(value as LinkThreadEvents['log']);
    else if (event === 'repeated') this.#repeated(value as ContractThreadEvents['repeated']);
    else if (event === 'checked') this.tracing?.checked(value as ContractThreadEvents['checked']);
    else if (event === 'sent') this.tracing?.sent([value as LinkThreadEvents['sent']]);
    else if (event === 'failures') this.contractMetrics.failures(value as ContractThreadEvents['failures']);
    else return false;
    return true;
  }

  /** The threads have ended: the last that stops. */
  stop(): void {
    clearInterval(this.#beat);
  }

  #log({ level, message, fields }: LinkThreadEvents['log']): void {
    this.#logger[level](fields, message);
  }

  #repeated({ kind, count: times, line }: ContractThreadEvents['repeated']): void {
    const { level, message, fields } = line;
    if (kind.startsWith('rejected ')) {
      const [contract, reason] = [String(fields?.['contract']), String(fields?.['reason'])];
      this.activities.rejected(contract, reason, times);
      this.live.rejected(contract, reason, times);
    }
    this.repeats.tell(kind, (count) => this.#logger[level]({ ...fields, count }, message), times);
  }

  #journalWatch(directory: string): JournalWatch {
    const tells = journalTeller(directory, this.#logger);
    return {
      ...tells,
      state: (facts) => {
        this.#journalFullAt = facts.state === 'full' ? (this.#journalFullAt ?? systemClock.now()) : undefined;
        tells.state(facts);
        this.#announcements.journalState(facts);
      },
      nearFull: (facts) => {
        tells.nearFull(facts);
        this.incidents.nearFull(facts.near);
        this.#announcements.nearFull(facts);
      },
      expired: (what) => {
        tells.expired(what);
        this.incidents.expired(what.rejections + what.deadLetters);
      },
      discarded: this.telling.discarded,
      traced: (marks) => this.tracing?.received(marks),
    };
  }

  #ownEvents(watched: Watched): OwnEvents {
    const port = {
      append: (batch: MessageBatch) => watched.append(batch),
      wanted: (topic: string) => watched.wants(topic),
      journalFull: () => this.#journalFullAt !== undefined,
      lost: (count: number, why: string) => this.#logger.warn({ count, why }, 'events of the gateway found no place'),
      failed: (error: unknown) => this.#logger.warn({ err: error }, 'an event of the gateway could not be written'),
    };
    return new OwnEvents(port, systemClock);
  }
}
