import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import type {
  AcceptRefusal,
  AcknowledgedSubscription,
  EmitJournalEvent,
  Journal,
  JournalStats,
  LinkHistory,
  LinkState,
} from '../domain/journal.js';
import type { MessageBatch } from '../domain/message.js';
import type { Acceptance, KeptAnswer, OutboxEntry, PublishKey, PublishResult } from '../domain/publish.js';
import type { Rejection } from '../domain/record.js';
import type { Gap, Replay, ReplayRequest, RevivedLetter } from '../domain/replay.js';
import { outboxLimits, type JournalSettings } from '../domain/settings.js';
import type { Hold, KnownSubscriber, Registration, Settlement, SubscriberProgress } from '../domain/subscriber.js';
import { Appender } from './append.js';
import type { AppendMarks } from './marks.js';
import { openWriter, takeLock, Whereabouts } from './files.js';
import { GroupCommit, journalFull, TRANSACTION_WEIGHT_MAX, type CommitHooks } from './group-commit.js';
import { Maintenance } from './maintenance.js';
import { OutboxTable } from './outbox.js';
import { ProgressTable, rowsOf } from './progress.js';
import { Publishes } from './publishes.js';
import { DROPPED_THROUGH, ReplayTable } from './replays.js';
import { SessionTable } from './sessions.js';
import { reserveBytes, scaleOf, Space } from './space.js';
import { SubscriberTable } from './subscribers.js';
import { TopicTable } from './topics.js';

/** A transaction is bounded in bytes too: a kibibyte weighs as much as a row. */
const BYTES_PER_ROW_OF_WEIGHT = 1_024;
const VITAL = { vital: true };

/** The Journal port on one SQLite file. Owns the writer's connection; lives in the journal thread. */
export class SqliteJournal implements Journal {
  readonly journalId: string;
  readonly #db: DatabaseSync;
  readonly #lock: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #space: Space;
  readonly #maintenance: Maintenance;
  readonly #topics: TopicTable;
  readonly #appender: Appender;
  readonly #progress: ProgressTable;
  readonly #replays: ReplayTable;
  readonly #subscribers: SubscriberTable;
  readonly #outbox: OutboxTable;
  readonly #publishes: Publishes;
  readonly #sessions: SessionTable;
  #session = '';
  #last: number;
  #admitted: number;
  #admittedSaved: number;
  #records: number;
  #damaged: number;
  #deadLetters: { [subscriber: string]: number };

  /**
   * Opens or makes the journal in `settings.directory`. Throws JOURNAL_LOCKED, JOURNAL_NOT_DURABLE,
   * JOURNAL_SCHEMA_TOO_NEW, JOURNAL_DAMAGED or JOURNAL_IO.
   * @param observeCommit is told how long each transaction took, in seconds
   */
  constructor(
    settings: JournalSettings,
    private readonly emit: EmitJournalEvent,
    private readonly clock: Clock,
    observeCommit: (seconds: number) => void,
    private readonly marks?: AppendMarks,
  ) {
    this.#lock = takeLock(settings.directory);
    try {
      this.#db = openWriter(settings.directory);
    } catch (error) {
      this.#lock.close();
      throw error;
    }
    const reserve = reserveBytes(settings.directory, settings.maxBytes);
    const weightMax = TRANSACTION_WEIGHT_MAX * scaleOf(reserve);
    this.#commit = new GroupCommit(this.#db, this.#commitHooks(observeCommit), weightMax);
    this.#topics = new TopicTable(this.#db);
    this.#appender = new Appender(this.#db, this.#topics, marks);
    this.#progress = new ProgressTable(this.#db);
    this.#replays = new ReplayTable(this.#db, this.#appender);
    this.#subscribers = new SubscriberTable(this.#db);
    this.#outbox = new OutboxTable(this.#db, settings.outbox ?? outboxLimits(settings.maxBytes));
    this.#publishes = new Publishes(this.#outbox, {
      commit: this.#commit,
      clock,
      emit,
      full: () => this.#space.state === 'full',
      weightOf: (bytes) => bytes / BYTES_PER_ROW_OF_WEIGHT,
    });
    this.#sessions = new SessionTable(this.#db);
    this.journalId = this.#progress.meta('journal_id')!;
    this.#last = this.#count("SELECT coalesce(max(seq), 0) AS n FROM sqlite_sequence WHERE name = 'records'");
    this.#records = this.#count('SELECT count(*) AS n FROM records');
    this.#damaged = this.#count('SELECT count(*) AS n FROM damaged');
    this.#admitted = this.#admittedSaved = Number(this.#progress.meta('admitted') ?? 0);
    this.#deadLetters = this.#progress.deadLetters();
    this.#space = new Space(this.#db, settings.directory, settings.maxBytes, reserve, {
      changed: (state, reason) => {
        this.#commit.held = state === 'full';
        if (state === 'open') this.#commit.schedule();
        this.emit('state', { state, reason });
      },
      nearFull: (near, bytes) => this.emit('nearFull', { near, bytes, maxBytes: settings.maxBytes }),
    });
    this.#commit.held = this.#space.state === 'full';
    this.#maintenance = new Maintenance(this.#db, settings, {
      whereabouts: new Whereabouts(settings.directory),
      space: this.#space,
      scale: scaleOf(reserve),
      progress: this.#progress,
      replays: this.#replays,
      outbox: this.#outbox,
      clock,
      commit: (operation) => this.#commit.run(operation),
      nextBytes: () => this.#commit.nextWeight * BYTES_PER_ROW_OF_WEIGHT,
      admitted: () => this.#admitted,
      deleted: (count) => (this.#records -= count),
      forgetTopics: () => this.#topics.forget(),
      expired: (what) => {
        if (what.deadLetters > 0) this.#deadLetters = this.#progress.deadLetters();
        this.emit('expired', what);
      },
      replayEnded: (replay) => this.emit('replayEnded', replay),
      discarded: (discarded) => this.emit('discarded', discarded),
      fatal: (error) => this.#fatal(error),
    });
  }

  async append(batch: MessageBatch): Promise<void> {
    const count = batch.topics.length;
    if (count === 0) return;
    const session = this.#session;
    const weight = count + batch.payloads.length / BYTES_PER_ROW_OF_WEIGHT;
    const last = await this.#commit.run(() => this.#appender.append(batch, session), weight, VITAL);
    this.#records += count;
    this.#appended(last);
  }

  release(packetIds: number[]): Promise<void> {
    const session = this.#session;
    return this.#commit.run(() => this.#sessions.release(session, packetIds), packetIds.length, VITAL);
  }

  async identify(wanted: string, adopt: boolean): Promise<string> {
    const kept = this.#progress.meta('client_id');
    if (wanted !== '' && kept !== undefined && kept !== wanted && !adopt) {
      throw new HoldfastError(
        'CLIENT_ID_CHANGED',
        `the data directory belongs to client id "${kept}", the configuration says "${wanted}"`,
      );
    }
    // 23 characters of letters and digits: what every 3.1.1 server must accept [MQTT-3.1.3-5].
    const clientId = wanted || kept || `holdfast${randomUUID().replaceAll('-', '').slice(0, 15)}`;
    if (clientId !== kept) await this.#commit.run(() => this.#progress.setMeta('client_id', clientId));
    return clientId;
  }

  openSession(session: string): Promise<LinkState> {
    this.#session = session;
    // On disk before any append of this session, because it is as vital and comes first.
    this.#commit.run(() => this.#sessions.forgetOthers(session), 1, VITAL).catch(() => undefined);
    // Not in a transaction: the link must connect when the disk is full, too.
    return Promise.resolve(this.#sessions.read(session));
  }

  resetSession(session: string): Promise<void> {
    return this.#commit.run(() => this.#sessions.reset(session), 1, VITAL);
  }

  linkHistory(): Promise<LinkHistory> {
    const kept = this.#progress.meta('link_history');
    return Promise.resolve(kept === undefined ? { drops: [], heardAt: 0 } : (JSON.parse(kept) as LinkHistory));
  }

  saveLinkHistory(history: LinkHistory): Promise<void> {
    return this.#commit.run(() => this.#progress.setMeta('link_history', JSON.stringify(history)));
  }

  saveSubscription(session: string, subscription: AcknowledgedSubscription): Promise<void> {
    return this.#commit.run(() => this.#sessions.save(session, subscription), 1, VITAL);
  }

  dropSubscription(session: string, filter: string): Promise<void> {
    return this.#commit.run(() => this.#sessions.drop(session, filter), 1, VITAL);
  }

  async admit(through: number, rejections: Rejection[]): Promise<void> {
    if (rejections.length > 0) {
      await this.#commit.run(() => this.#progress.reject(rejections, this.clock.now()), rejections.length);
    }
    this.#admitted = Math.max(this.#admitted, through);
  }

  registerSubscribers(subscribers: KnownSubscriber[]): Promise<SubscriberProgress[]> {
    return this.#knowing(() => this.#subscribers.register(subscribers, this.#last, this.clock.now()));
  }

  knowSubscriber(subscriber: KnownSubscriber): Promise<SubscriberProgress> {
    return this.#knowing(() => this.#subscribers.know(subscriber, this.#last, this.clock.now()));
  }

  retireSubscriber(id: string, cursor: number): Promise<boolean> {
    return this.#knowing(() => this.#subscribers.retire(id, cursor));
  }

  saveRegistration(
    registration: Registration,
    subscriber: KnownSubscriber,
    discarded: number[],
  ): Promise<SubscriberProgress> {
    return this.#knowing(() =>
      this.#subscribers.save(registration, subscriber, discarded, this.#last, this.clock.now()),
    );
  }

  removeSubscriber(id: string): Promise<void> {
    return this.#knowing(() => this.#subscribers.remove(id));
  }

  holdSubscriber(id: string, hold: Hold): Promise<void> {
    return this.#commit.run(() => this.#subscribers.hold(id, hold, this.clock.now()));
  }

  async settle(settlements: Settlement[]): Promise<void> {
    const rows = settlements.reduce((sum, settlement) => sum + rowsOf(settlement), 0);
    const dead = await this.#commit.run(() => {
      this.#replays.progressed(settlements.flatMap(({ replays = [] }) => replays));
      return this.#progress.settle(settlements);
    }, rows);
    for (const [subscriber, count] of dead) this.#countDead(subscriber, count);
  }

  async reviveDeadLetters(letters: RevivedLetter[], at: number): Promise<number[]> {
    const revived = await this.#commit.run(() => this.#replays.revive(letters, at), letters.length);
    for (const { subscriber } of revived) this.#countDead(subscriber, -1);
    return revived.map(({ number }) => number);
  }

  async deleteDeadLetters(numbers: number[]): Promise<number> {
    const deleted = await this.#commit.run(() => this.#replays.deleteDeadLetters(numbers), numbers.length);
    for (const subscriber of deleted) this.#countDead(subscriber, -1);
    return deleted.length;
  }

  async reenter(positions: number[]): Promise<number[]> {
    this.#needRoom();
    const { moved, last, added } = await this.#commit.run(() => this.#replays.reenter(positions), positions.length);
    this.#records += added;
    this.#appended(last);
    return moved;
  }

  async deleteRejections(positions: number[]): Promise<number> {
    const run = (): { rejections: number; records: number } => this.#replays.deleteRejections(positions);
    const { rejections, records } = await this.#commit.run(run, positions.length);
    this.#records -= records;
    return rejections;
  }

  startReplay(request: ReplayRequest): Promise<{ replay: Replay; gap?: Gap }> {
    return this.#commit.run(() => this.#replays.start(request, Number(this.#progress.meta(DROPPED_THROUGH) ?? 0)));
  }

  cancelReplays(subscriber: string): Promise<number> {
    return this.#commit.run(() => this.#replays.cancel(subscriber));
  }

  accept(acceptances: Acceptance[]): Promise<(AcceptRefusal | null)[]> {
    return this.#publishes.accept(acceptances);
  }

  keepAnswer(key: PublishKey, answers: KeptAnswer[]): Promise<void> {
    return this.#publishes.keepAnswer(key, answers);
  }

  outbox(afterSequence: number, limit: number): Promise<OutboxEntry[]> {
    return this.#publishes.outbox(afterSequence, limit);
  }

  confirm(results: PublishResult[]): Promise<void> {
    return this.#publishes.confirm(results);
  }

  expireOutbox(at: number, afterSequence: number): Promise<void> {
    return this.#publishes.expireOutbox(at, afterSequence);
  }

  #commitHooks(observeCommit: (seconds: number) => void): CommitHooks {
    return {
      planned: (weight) => this.#maintenance.plan(weight * BYTES_PER_ROW_OF_WEIGHT),
      begun: () => {
        this.#outbox.begin();
        this.#saveAdmitted();
      },
      committed: (seconds) => {
        observeCommit(seconds);
        this.marks?.committed();
        this.#admittedSaved = this.#admitted;
        this.#maintenance.afterCommit();
      },
      rolledBack: () => {
        this.marks?.rolledBack();
        this.#topics.forget();
        this.#outbox.rollback();
      },
      noRoom: () => this.#space.fillDisk(),
      fatal: (error) => this.#fatal(error),
    };
  }

  #needRoom(): void {
    if (this.#space.state === 'full') throw journalFull(undefined);
  }

  async quarantine(positions: number[]): Promise<void> {
    const insert = this.#db.prepare('INSERT INTO damaged VALUES (?, ?) ON CONFLICT DO NOTHING');
    const added = await this.#commit.run(() =>
      positions.filter((position) => insert.run(position, this.clock.now()).changes > 0),
    );
    this.#damaged += added.length;
    if (added.length > 0) this.emit('damaged', added);
  }

  stats(): Promise<JournalStats> {
    return Promise.resolve({
      state: this.#space.state,
      stateReason: this.#space.reason,
      records: this.#records,
      bytes: this.#space.bytes(),
      outbox: this.#outbox.queued,
      oldestPublishAt: this.#outbox.oldestAt,
      corruptRecords: this.#damaged,
      deadLetters: this.#deadLetters,
      rejections: this.#progress.rejections(),
      last: this.#last,
      admitted: this.#admitted,
    });
  }

  close(): Promise<void> {
    this.#maintenance.stop();
    if (this.#admitted !== this.#admittedSaved) this.#commit.run(() => undefined).catch(() => undefined);
    this.#commit.stop();
    this.#maintenance.checkpoint('TRUNCATE');
    this.#db.close();
    this.#lock.close();
    return Promise.resolve();
  }

  /** Ends it as a kill would: nothing is finished, the lock is let go of. For tests of what a restart finds. */
  abandon(): void {
    this.#maintenance.stop();
    this.#commit.abandon();
    this.#db.close();
    this.#lock.close();
  }

  #appended(last: number): void {
    if (last <= this.#last) return;
    this.#last = last;
    this.emit('committed', last);
  }

  #countDead(subscriber: string, more: number): void {
    this.#deadLetters[subscriber] = (this.#deadLetters[subscriber] ?? 0) + more;
  }

  /** After it there may be other subscribers than before. */
  async #knowing<T>(operation: () => T): Promise<T> {
    const answer = await this.#commit.run(operation);
    this.#deadLetters = this.#progress.deadLetters();
    return answer;
  }

  #saveAdmitted(): void {
    if (this.#admitted !== this.#admittedSaved) this.#progress.saveAdmitted(this.#admitted);
  }

  #fatal(error: unknown): void {
    this.emit('fatal', { message: `the disk under the journal failed: ${(error as Error).message}` });
  }

  #count(sql: string): number {
    return (this.#db.prepare(sql).get() as { n: number }).n;
  }
}
