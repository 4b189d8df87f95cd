import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../domain/clock.js';
import type { Replay } from '../domain/replay.js';
import type { JournalSettings } from '../domain/settings.js';
import type { Discarded } from '../domain/subscriber.js';
import { isDiskFull, isIoError, WRITER_BUSY_MS } from './files.js';
import type { OutboxTable } from './outbox.js';
import type { ProgressTable } from './progress.js';
import type { Whereabouts } from './files.js';
import { Discard } from './discard.js';
import { Expiry, type Expired } from './expiry.js';
import type { ReplayTable } from './replays.js';
import { Retention } from './retention.js';
import type { Space } from './space.js';
import { TopicSweep } from './topics.js';

const TICK_MS = 500;
/** Retention steps in one tick; each is a transaction of its own. */
const STEPS_PER_TICK = 20;
const CHECKPOINT_LOG_BYTES = 4 * 1024 * 1024;
/** A log this long means that readers kept the checkpoint from finishing: cut it when they let go. */
const TRUNCATE_LOG_BYTES = 64 * 1024 * 1024;
const DISCARD_RECORDS_PER_TICK = 1_000;
const DISCARD_SHARE_PER_TICK = 1 / 16;

interface Surroundings {
  whereabouts: Pick<Whereabouts, 'unchanged'>;
  space: Space;
  /** Of what is written at once, see `scaleOf`. */
  scale: number;
  progress: ProgressTable;
  replays: Pick<ReplayTable, 'endFurthestBehind'>;
  outbox: OutboxTable;
  clock: Clock;
  /** Of what waits for room and comes first. */
  nextBytes(): number;
  commit<T>(operation: () => T): Promise<T>;
  admitted(): number;
  deleted(count: number): void;
  forgetTopics(): void;
  expired(what: Expired): void;
  discarded(discarded: Discarded): void;
  replayEnded(replay: Replay): void;
  fatal(error: unknown): void;
}

/** What keeps the file small and the disk free: retention, checkpoints, and the way back from a full disk. */
export class Maintenance {
  readonly #retention: Retention;
  readonly #topics: TopicSweep;
  readonly #expiry: Expiry;
  readonly #discard: Discard;
  readonly #log: StatementSync;
  readonly #pageBytes: number;
  readonly #checkpointBytes: number;
  readonly #truncateBytes: number;
  readonly #timer: NodeJS.Timeout;
  #busy = false;
  #stopped = false;
  #checkpointDue = false;

  constructor(
    private readonly db: DatabaseSync,
    private readonly settings: JournalSettings,
    private readonly around: Surroundings,
  ) {
    this.#retention = new Retention(db, around.scale);
    this.#topics = new TopicSweep(db);
    this.#expiry = new Expiry(db);
    this.#discard = new Discard(db);
    this.#log = db.prepare('PRAGMA wal_checkpoint(NOOP)');
    this.#pageBytes = (db.prepare('PRAGMA page_size').get() as { page_size: number }).page_size;
    this.#checkpointBytes = CHECKPOINT_LOG_BYTES * around.scale;
    this.#truncateBytes = TRUNCATE_LOG_BYTES * around.scale;
    this.#timer = setInterval(() => void this.tick(), TICK_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** To be called before each transaction. @returns false when it finds no room, whatever is in it */
  plan(bytes: number): boolean {
    const { space } = this.around;
    space.plan(bytes);
    if (!space.isSpent(bytes)) return true;
    this.checkpoint('TRUNCATE');
    return !space.isSpent(bytes);
  }

  /** Checkpoints after callers were answered, so that no acknowledgement waits for it. */
  afterCommit(): void {
    this.around.space.check();
    if (this.#checkpointDue || this.#logBytes().pending < this.#checkpointBytes) return;
    this.#checkpointDue = true;
    setImmediate(() => {
      this.#checkpointDue = false;
      if (!this.#stopped) this.checkpoint(this.#logBytes().used > this.#truncateBytes ? 'TRUNCATE' : 'PASSIVE');
    });
  }

  /** Not the file's size: the log is written anew from its beginning, and the file stays as long as it ever was. */
  #logBytes(): { used: number; pending: number } {
    const { log, checkpointed } = this.#log.get() as { log: number; checkpointed: number };
    return { used: log * this.#pageBytes, pending: (log - checkpointed) * this.#pageBytes };
  }

  checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    try {
      // It waits for no reader: one that stays would hold up every commit for as long.
      this.db.exec(`PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(${mode})`);
    } catch (error) {
      // A full disk keeps the log as it is; nothing is lost, and the next tick tries again.
      if (isDiskFull(error)) this.around.space.fillDisk();
      else this.around.fatal(error);
    }
    this.db.exec(`PRAGMA busy_timeout = ${WRITER_BUSY_MS}`);
  }

  async tick(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (!this.around.whereabouts.unchanged) {
        this.around.fatal(new Error('the journal file was deleted or replaced while it was open'));
        return;
      }
      // First: as long as the log is full of what belongs into the database, nothing below could be written.
      if (this.around.space.state === 'full') this.checkpoint('TRUNCATE');
      await this.#expire();
      await this.#retain();
      await this.#clearOutbox();
      if (this.around.space.state === 'full') await this.#mend();
    } catch (error) {
      // A transaction that found no room has already said so through Space; the next tick tries again.
      if (isIoError(error) && !isDiskFull(error)) this.around.fatal(error);
    } finally {
      this.#busy = false;
    }
  }

  async #expire(): Promise<void> {
    if (this.#stopped) return;
    const before = this.around.clock.now() - this.settings.failedRetentionMs;
    const { records, ...expired } = await this.around.commit(() => this.#expiry.step(before));
    this.around.deleted(records);
    if (expired.rejections + expired.deadLetters > 0) this.around.expired(expired);
  }

  async #retain(): Promise<void> {
    for (let step = 0; step < STEPS_PER_TICK && !this.#stopped; step++) {
      const floor = this.around.progress.floor(this.around.admitted());
      const before = this.around.clock.now() - this.settings.retentionMs;
      const pressed = this.around.space.pressed();
      const { deleted, more } = await this.around.commit(() => this.#retention.step(floor, before, pressed));
      this.around.deleted(deleted);
      if (!more) break;
    }
    if (this.#stopped) return;
    // Within the transaction: an append later in the same one must not use the number of a forgotten topic.
    const { clearedThrough } = this.#retention;
    await this.around.commit(() => this.#topics.step(clearedThrough) && this.around.forgetTopics());
    this.#shrink();
  }

  /** A disk that is full gets its pages back sooner, for it waits for them. */
  #shrink(): void {
    for (let step = 0; step < STEPS_PER_TICK; step++) {
      if (this.around.space.isSpent(0) || !this.#retention.shrink()) return;
      if (this.around.space.state === 'open') return;
      this.checkpoint('PASSIVE');
    }
  }

  async #clearOutbox(): Promise<void> {
    for (let step = 0; step < STEPS_PER_TICK && !this.#stopped; step++) {
      if (!(await this.around.commit(() => this.around.outbox.forgetOld(this.around.clock.now())))) break;
    }
  }

  async #mend(): Promise<void> {
    if (this.#stopped) return;
    this.checkpoint('TRUNCATE');
    this.around.space.tryResume(this.around.nextBytes());
    // Only while it is records that fill it: what was given up the last time must have been cleared before more is.
    if (this.around.space.state !== 'full' || this.settings.whenFull !== 'discard-oldest-of-largest-backlog') return;
    // Before anybody loses what they have not had. Retention then comes first, and may make room enough.
    const ended = await this.around.commit(() => this.around.replays.endFurthestBehind());
    if (ended) return this.around.replayEnded(ended);
    const discarded = await this.around.commit(() =>
      this.#discard.step(DISCARD_RECORDS_PER_TICK, this.settings.maxBytes * DISCARD_SHARE_PER_TICK),
    );
    if (discarded) this.around.discarded(discarded);
    this.around.space.check();
  }
}
