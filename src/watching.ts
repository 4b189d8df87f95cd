/** The gateway as the console sees it: the parts are asked, and none of them is waited for that stands still. */
import type { Logger } from 'pino';
import { maskedSettings } from './config/index.js';
import {
  Asked,
  findingsOf,
  RateHistory,
  SAMPLE_MS,
  type Activities,
  type Activity,
  type ConfigInForce,
  type GatewayView,
  type Incidents,
  type JournalFigures,
  type LastReload,
  type LinkFigures,
  type Rates,
  type Sample,
  type Seen,
  type Span,
  type Status,
  type SubscriberFacts,
  type SubscriberSums,
} from './console/index.js';
import type { SubscriberStatus } from './delivery/index.js';
import { systemClock } from './domain/clock.js';
import type { ContractThreadHealth } from './domain/contract.js';
import type { JournalStats } from './domain/journal.js';
import type { LinkDrop, LinkStatus } from './domain/link.js';
import type { Settings } from './domain/settings.js';
import type { CommitSeconds } from './ops/index.js';
import { Examining } from './examining.js';
import { THREADS, type Heartbeats, type ThreadName } from './threads/heartbeat.js';

/** Of a gateway as far as it runs. */
export interface WatchingParts {
  version: string;
  /** ISO 8601. */
  startedAt: string;
  maxBytes: number;
  heartbeats: Heartbeats;
  activities: Activities;
  incidents: Incidents;
  link: () => Promise<LinkStatus | undefined>;
  /** Undefined before it is open. */
  journal: () => { stats(): Promise<JournalStats>; commits(ms: number): Promise<CommitSeconds> } | undefined;
  subscribers: () => readonly SubscriberStatus[];
  contracts: () => ContractThreadHealth;
  /** Wall clock, milliseconds; undefined while it is not full. */
  journalFullAt: () => number | undefined;
  /** Undefined without a configuration file. */
  reload: () => LastReload | undefined;
  /** In force now. Not before the gateway has started. */
  settings: () => Settings;
  /** Path of the configuration file. */
  file: string | undefined;
  logger: Logger;
}

interface Link {
  figures: LinkFigures;
  drops: readonly LinkDrop[];
}

interface Journal {
  figures: JournalFigures;
  deadLetters: JournalStats['deadLetters'];
  /** Seconds of the longest commit since the sample before. */
  stepMax: number;
}

const MINUTE_MS = 60_000;

export class Watching implements GatewayView {
  readonly examiner: Examining;
  readonly #link: Asked<Link>;
  readonly #journal: Asked<Journal>;
  readonly #history = new RateHistory(systemClock);
  #sampling: NodeJS.Timeout | undefined;

  constructor(private readonly parts: WatchingParts) {
    this.examiner = new Examining(parts);
    this.#link = new Asked(async () => {
      const said = await parts.link();
      if (said) parts.incidents.counters(said.counters);
      return said && linkOf(said);
    }, systemClock);
    this.#journal = new Asked(() => this.#askJournal(), systemClock);
  }

  /** Whether or not somebody looks: what was before they look must be there, too. */
  start(): void {
    void this.#sample();
    this.#sampling = setInterval(() => void this.#sample(), SAMPLE_MS).unref();
  }

  /** Resolves when an examination that is under way has cleaned up. */
  stop(): Promise<void> {
    clearInterval(this.#sampling);
    return this.examiner.stop();
  }

  link(): Promise<LinkStatus | undefined> {
    return this.parts.link();
  }

  async status(): Promise<Status> {
    const { parts } = this;
    const [link, journal = this.#unasked] = await Promise.all([this.#link.now(), this.#journal.now()]);
    const subscribers = this.#subscribers(journal.deadLetters);
    const { lost, held, waitMs } = parts.contracts();
    const [reload, fullAt] = [parts.reload(), parts.journalFullAt()];
    const { deadLetters, figures, asOf } = journal;
    const facts = {
      ...{ version: parts.version, node: process.versions.node },
      ...{ now: instant(systemClock.now()), startedAt: parts.startedAt },
      ...(link ? { link: { ...link.figures, asOf: link.asOf } } : {}),
      journal: { ...figures, asOf },
      contracts: { lost, held, waitSeconds: waitMs / 1_000 },
      threads: this.#threads(),
      ...(reload ? { reload } : {}),
    };
    const findings = findingsOf({
      ...facts,
      subscribers,
      rejected: parts.activities.recentlyRejected,
      drops: link?.drops ?? [],
      incidents: parts.incidents.facts,
      ...(fullAt === undefined ? {} : { journalFullSince: instant(fullAt) }),
    });
    return { ...facts, findings, subscribers: sumsOf(subscribers, deadLetters) };
  }

  rates(span: Span): Rates {
    return this.#history.rates(span);
  }

  async activity(): Promise<Activity> {
    const { deadLetters } = (await this.#journal.now()) ?? this.#unasked;
    const ids = this.parts.subscribers().map(({ id }) => id);
    return { now: instant(systemClock.now()), items: this.parts.activities.items(ids, deadLetters) };
  }

  config(): ConfigInForce {
    const { settings, file, reload } = this.parts;
    const needsRestart = reload()?.needsRestart ?? [];
    return { ...(file === undefined ? {} : { file }), settings: maskedSettings(settings()), needsRestart };
  }

  /** Before the journal has said anything. */
  get #unasked(): Seen<Journal> {
    const figures = {
      ...{
        state: 'open' as const,
        reason: '',
        records: 0,
        bytes: 0,
        maxBytes: this.parts.maxBytes,
        last: 0,
        admitted: 0,
      },
      ...{ outbox: 0, corruptRecords: 0, rejections: 0, commitSeconds: { p50: 0, p99: 0, max: 0 } },
    };
    return { figures, deadLetters: {}, stepMax: 0, asOf: this.parts.startedAt };
  }

  async #askJournal(): Promise<Journal | undefined> {
    const journal = this.parts.journal();
    if (!journal) return undefined;
    const asked = [journal.stats(), journal.commits(MINUTE_MS), journal.commits(SAMPLE_MS)] as const;
    const [said, commitSeconds, { max: stepMax }] = await Promise.all(asked);
    const { stateReason: reason, deadLetters, oldestPublishAt: at, ...stats } = said;
    const oldest = at === undefined ? {} : { oldestPublishAt: instant(at) };
    const figures = { ...stats, ...oldest, reason, maxBytes: this.parts.maxBytes, commitSeconds };
    return { figures, deadLetters, stepMax };
  }

  #threads(): Status['threads'] {
    const { heartbeats } = this.parts;
    const figures = (name: ThreadName): Status['threads'][ThreadName] => ({
      delaySeconds: heartbeats.delayMs(name) / 1_000,
      worstDelaySeconds: heartbeats.worstDelayMs(name) / 1_000,
    });
    return Object.fromEntries(THREADS.map((name) => [name, figures(name)])) as Status['threads'];
  }

  #subscribers(deadLetters: JournalStats['deadLetters']): SubscriberFacts[] {
    const { activities, subscribers } = this.parts;
    return subscribers().map(({ id, state, reason, heldUntil, lagRecords, lagSeconds }) => {
      const held = heldUntil === undefined ? {} : { heldUntil: instant(heldUntil) };
      const facts = { id, state, reason, lagRecords, lagSeconds, deadLetters: deadLetters[id] ?? 0 };
      return { ...facts, ...held, ...activities.facts(id) };
    });
  }

  async #sample(): Promise<void> {
    const asked = systemClock.now();
    const [link, journal] = await Promise.all([this.#link.now(), this.#journal.now()]);
    // What a thread said long ago is not how it is.
    const fresh = <T>(said: Seen<T> | undefined): Seen<T> | undefined =>
      said && Date.parse(said.asOf) > asked - SAMPLE_MS ? said : undefined;
    this.#history.take(sampleOf(fresh(link), fresh(journal), this.parts));
  }
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

/** With the newest drop in place of all. */
function linkOf({ drops, ...status }: LinkStatus): Link {
  const [lastDrop] = drops;
  return { figures: { ...status, ...(lastDrop ? { lastDrop } : {}) }, drops };
}

/** Also of dead letters whose subscriber is no longer there. */
function sumsOf(subscribers: readonly SubscriberFacts[], deadLetters: JournalStats['deadLetters']): SubscriberSums {
  const states = { active: 0, paused: 0, broken: 0, gone: 0 };
  for (const { state } of subscribers) states[state]++;
  return {
    states,
    lagRecords: subscribers.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
    lagSeconds: subscribers.reduce((most, { lagSeconds }) => Math.max(most, lagSeconds), 0),
    deadLetters: sum(deadLetters),
  };
}

function sum(deadLetters: JournalStats['deadLetters']): number {
  return Object.values(deadLetters).reduce((all, one) => all + one, 0);
}

function sampleOf(link: Link | undefined, journal: Journal | undefined, parts: WatchingParts): Sample {
  const { counts } = parts.activities;
  const subscribers = parts.subscribers();
  const counters = link?.figures.counters;
  const linked = counters && {
    received: counters.received.reduce((all, one) => all + one, 0),
    journaled: counters.journaled,
    dropped: counters.dropped,
    published: counters.published,
    refused: counters.refused,
  };
  return {
    counts: { ...linked, ...counts },
    levels: {
      ...(link && { linkUp: link.figures.state === 'up' ? 1 : 0, pendingAcks: link.figures.pendingAcks }),
      ...(journal && {
        journalBytes: journal.figures.bytes,
        commitSecondsMax: journal.stepMax,
        deadLetters: sum(journal.deadLetters),
        outbox: journal.figures.outbox,
      }),
      lagRecords: subscribers.reduce((all, { lagRecords }) => all + lagRecords, 0),
      lagSeconds: subscribers.reduce((most, { lagSeconds }) => Math.max(most, lagSeconds), 0),
    },
  };
}
