import type { Random } from '../domain/backoff.js';
import type { Clock } from '../domain/clock.js';
import type { JournalReader } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import type { DeadLetter, SubscriberSettings } from '../domain/subscriber.js';
import type { ParametersOf } from '../domain/topic-parameters.js';
import type { Gathering } from './batches.js';
import type { Consumer } from './dispatcher.js';
import type { Feed } from './feed.js';
import type { Lanes } from './lanes.js';
import type { Ledger } from './ledger.js';
import type { DeliveryObserver } from './observer.js';
import { RingQueue } from './ring-queue.js';
import { Turns } from './turns.js';
import { goesAlone, REPLAY_ROWS_MAX, WAITING_ROWS_MAX, type Row, type WaitingRows } from './waiting.js';
import { ageFrom, Task, Window } from './window.js';

/** What all subscribers' lanes share. */
export interface Shared {
  reader: Pick<JournalReader, 'recordsAt'>;
  observer: DeliveryObserver;
  clock: Clock;
  random: Random;
  parametersOf: ParametersOf;
  /** Whether what was settled is saved quickly enough for more. */
  mayStart: () => boolean;
  /** Whether there is room to tell of as many deaths as one step may bring. */
  mayTell: () => boolean;
  /** Asks for a laggard to be fed. */
  serve: (consumer: Consumer) => void;
  /** A defect ended these lanes: they do nothing any more. */
  faulted: (lanes: Lanes, error: unknown) => void;
}

/** What a failed attempt leaves behind. */
interface Failed {
  attempts: number;
  reason: string;
  /** Monotonic instant of the next attempt. */
  due: number;
  /** The same on the wall clock. */
  dueAt: number;
}

/**
 * Gives the lanes of one subscriber their next record, and puts each away when it was tried. Keeps what the
 * promise rests on: every record that was taken is in the window, in a waiting row or settled, and the
 * cursor passes none that is in the window.
 *
 * `ordering: topic` or `key`: of each key one record has its turn, or some in one batch. When it fails it becomes a row
 * that holds the key: all later ones become rows behind it, so that the cursor passes and other keys flow.
 *
 * What is given again has an intake of its own: another feed, window and order. Only the rows are the same.
 */
export class Intake {
  readonly window: Window;
  readonly #turns: Turns | undefined;
  /** Have their turn now that those before them are done. */
  readonly #ready = new RingQueue<Task>();
  /** Retries and new records take turns, so that neither starves the other. */
  #retryNext = true;
  /** What is in flight up to here was given up: it is not tried again. */
  #givenUpThrough = 0;

  constructor(
    { ordering, concurrency, batch }: Pick<SubscriberSettings, 'concurrency' | 'ordering' | 'batch'>,
    readonly feed: Feed,
    readonly waiting: WaitingRows,
    readonly ledger: Ledger,
    private readonly shared: Shared,
    private readonly isReplay = false,
  ) {
    this.window = new Window(concurrency * (batch?.maxMessages ?? 1));
    this.#turns = ordering === 'none' ? undefined : new Turns();
  }

  get mayStart(): boolean {
    return this.shared.mayStart();
  }

  /** Every wanted record up to here is delivered, waiting, dead or given up. */
  get cursor(): number {
    const unfinished = this.window.lowest;
    return unfinished ? unfinished.position - 1 : this.feed.takenThrough;
  }

  /** When the next row is due; Infinity when none will be. */
  get nextDue(): number {
    return this.waiting.nextDue;
  }

  /**
   * A record that may be tried. @param now monotonic
   * @param gathering what it is to join; one that does not fit stays where it is
   */
  next(now: number, gathering?: Gathering): Task | undefined {
    if (this.isReplay) return this.#nextNew(gathering);
    const retryFirst = this.#retryNext;
    this.#retryNext = !retryFirst;
    return retryFirst
      ? (this.#nextRetry(now, gathering) ?? this.#nextNew(gathering))
      : (this.#nextNew(gathering) ?? this.#nextRetry(now, gathering));
  }

  /** The next record of the same key, to join what this one has joined. */
  follower(task: Task, gathering: Gathering): Task | undefined {
    if (task.row) return this.#followingRow(task.row, gathering);
    const next = this.#turns?.follower(task);
    if (!next || !gathering.admits(next.record!)) return undefined;
    this.#turns!.take(next, gathering);
    return next;
  }

  /** False for a record that was given up, or is held back, since it was taken. */
  mayGo({ row, finished }: Task): boolean {
    return row ? row.taken && !row.finished : !finished;
  }

  delivered(task: Task): void {
    if (task.row) this.#releaseRow(task.row);
    else this.#leaveWindow(task);
  }

  died(task: Task, letter: Omit<DeadLetter, 'subscriber' | 'position'>): void {
    const { record } = task;
    this.ledger.bury({ position: task.position, ...letter });
    this.delivered(task);
    this.#tellDeath(record!, letter);
  }

  /** The next new record dies without having been taken. */
  diesUntried(letter: Omit<DeadLetter, 'subscriber' | 'position'>): void {
    const { key, position, record } = this.feed.take()!;
    const settled = this.#turns !== undefined && this.#settledBefore(key, position);
    if (!settled) this.ledger.bury({ position, ...letter });
    this.ledger.passed();
    if (!settled) this.#tellDeath(record!, letter);
  }

  /** Nobody will have it. Also for a record of which no attempt is made. */
  giveUp(one: Task | Row): void {
    if (one instanceof Task) this.delivered(one);
    else this.#releaseRow(one);
  }

  /** Whether it was given up while it was in flight, and must not be tried again. */
  isGivenUp({ position }: Task): boolean {
    return position <= this.#givenUpThrough;
  }

  giveUpInFlight(through: number): void {
    this.#givenUpThrough = Math.max(this.#givenUpThrough, through);
  }

  failed(task: Task, { attempts, reason, due, dueAt }: Failed): void {
    const { position, row, key, replayedAt } = task;
    let keyWays = row?.keyWays;
    if (row) {
      row.attempts = attempts;
      this.waiting.again(row, due);
    } else {
      const { length: bytes } = task.record!.payload;
      const since = ageFrom(task);
      keyWays = this.#keyWays;
      this.window.finish(task);
      this.waiting.add({ position, key, keyWays, bytes, since, replayedAt }, due);
    }
    this.ledger.wait({ position, key, keyWays, attempts, dueAt, reason, replayedAt });
    for (const behind of row ? [] : (this.#turns?.dissolve(task) ?? [])) {
      const { length: bytes } = behind.record!.payload;
      const since = ageFrom(behind);
      this.window.finish(behind);
      this.#hold(behind, bytes, since);
    }
  }

  #nextRetry(now: number, gathering: Gathering | undefined): Task | undefined {
    for (let row = this.waiting.takeDue(now); row; row = this.waiting.takeDue(now)) {
      const record = this.shared.reader.recordsAt([row.position])[0];
      if (!record) {
        // Damaged: the reader has reported it, and there is nothing left to deliver.
        this.#releaseRow(row);
        continue;
      }
      // One that goes alone needs no room.
      if (goesAlone(row) || !gathering || gathering.admits(record)) return new Task(record, row.key, row);
      this.waiting.again(row, now);
      return undefined;
    }
    return undefined;
  }

  #followingRow(row: Row, gathering: Gathering): Task | undefined {
    const next = this.waiting.follower(row);
    const record = next && this.shared.reader.recordsAt([next.position])[0];
    if (!record || !gathering.admits(record)) return undefined;
    next.taken = true;
    return new Task(record, next.key, next);
  }

  #nextNew(gathering: Gathering | undefined): Task | undefined {
    for (let ready = this.#ready.peek(); ready; ready = this.#ready.peek()) {
      if (!ready.finished && gathering && !gathering.admits(ready.record!)) return undefined;
      this.#ready.shift();
      if (ready.finished) continue;
      this.#turns!.take(ready, gathering);
      return ready;
    }
    while (this.#mayTake()) {
      const task = this.feed.next;
      if (!task || (gathering && !gathering.admits(task.record!))) return undefined;
      this.feed.take();
      if (this.#enter(task, gathering)) return task;
    }
    return undefined;
  }

  /** A bound on rows holds because whatever is in the window may yet become one. */
  #mayTake(): boolean {
    const rowsMax = this.isReplay ? REPLAY_ROWS_MAX : WAITING_ROWS_MAX;
    return this.window.hasRoom && this.waiting.size + this.window.unfinished < rowsMax && this.shared.mayStart();
  }

  /** @returns whether it may be tried now */
  #enter(task: Task, gathering: Gathering | undefined): boolean {
    const { key, position } = task;
    if (this.isReplay) {
      task.replayedAt = this.shared.clock.now();
      if (this.waiting.has(position)) {
        this.ledger.passed(); // It will be given anyway.
        return false;
      }
    }
    if (this.#turns) {
      if (this.#settledBefore(key, position)) {
        this.ledger.passed();
        return false;
      }
      if (this.waiting.holds(key)) {
        this.#hold(task, task.record!.payload.length, ageFrom(task));
        return false;
      }
    }
    this.window.add(task);
    return this.#turns?.enter(task, gathering) ?? true;
  }

  /** For a row that comes into being: all that is not settled has a key that was made so. */
  get #keyWays(): string {
    return this.feed.keyWaysAfter(this.cursor);
  }

  #settledBefore(key: string, position: number): boolean {
    return this.waiting.settledBefore(key, position, this.feed.keyWaysAfter(position - 1));
  }

  #tellDeath({ position, id, topic }: Record, letter: Omit<DeadLetter, 'subscriber' | 'position'>): void {
    this.shared.observer.died({ subscriber: this.ledger.subscriber, position, id, topic, ...letter });
  }

  #hold({ position, key, replayedAt }: Task, bytes: number, since: number): void {
    const keyWays = this.#keyWays;
    this.waiting.hold({ position, key, keyWays, bytes, since, replayedAt });
    this.ledger.wait({ position, key, keyWays, attempts: 0, dueAt: null, reason: '', replayedAt });
  }

  #releaseRow(row: Row): void {
    this.waiting.release(row);
    this.ledger.release(row.position);
  }

  #leaveWindow(task: Task): void {
    this.window.finish(task);
    const next = this.#turns?.leave(task);
    if (next) this.#ready.push(next);
    this.ledger.passed();
  }
}
