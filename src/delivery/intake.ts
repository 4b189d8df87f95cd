import type { Random } from '../domain/backoff.js';
import type { Clock } from '../domain/clock.js';
import type { JournalReader } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import type { DeadLetter, SubscriberSettings } from '../domain/subscriber.js';
import type { Consumer } from './dispatcher.js';
import type { Feed } from './feed.js';
import type { Ledger } from './ledger.js';
import type { DeliveryObserver } from './observer.js';
import { RingQueue } from './ring-queue.js';
import { Turns } from './turns.js';
import { WAITING_ROWS_MAX, type Row, type WaitingRows } from './waiting.js';
import { Task, Window } from './window.js';

/** What all subscribers' lanes share. */
export interface Shared {
  reader: Pick<JournalReader, 'recordsAt'>;
  observer: DeliveryObserver;
  clock: Clock;
  random: Random;
  /** Whether what was settled is saved quickly enough for more. */
  mayStart: () => boolean;
  /** Asks for a laggard to be fed. */
  serve: (consumer: Consumer) => void;
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
 * `ordering: topic`: of each topic one record has its turn. When it fails it becomes a row that holds the
 * topic: all later ones become rows behind it, so that the cursor passes and other topics flow.
 */
export class Intake {
  readonly window: Window;
  readonly #turns: Turns | undefined;
  /** In the window, and may be tried now. */
  readonly #ready = new RingQueue<Task>();

  constructor(
    settings: Pick<SubscriberSettings, 'concurrency' | 'ordering'>,
    readonly feed: Feed,
    readonly waiting: WaitingRows,
    readonly ledger: Ledger,
    private readonly shared: Shared,
  ) {
    this.window = new Window(settings.concurrency);
    this.#turns = settings.ordering === 'topic' ? new Turns() : undefined;
  }

  get mayStart(): boolean {
    return this.shared.mayStart();
  }

  /** Every wanted record up to here is delivered, waiting or dead. */
  get cursor(): number {
    const unfinished = this.window.lowest;
    return unfinished ? unfinished.position - 1 : this.feed.takenThrough;
  }

  /** When the next row is due; Infinity when none will be. */
  get nextDue(): number {
    return this.waiting.nextDue;
  }

  /** A record that failed before and is due. @param now monotonic */
  nextRetry(now: number): Task | undefined {
    for (let row = this.waiting.takeDue(now); row; row = this.waiting.takeDue(now)) {
      const record = this.shared.reader.recordsAt([row.position])[0];
      if (record) return new Task(record, row);
      // Damaged: the reader has reported it, and there is nothing left to deliver.
      this.#releaseRow(row);
    }
    return undefined;
  }

  nextNew(): Task | undefined {
    const ready = this.#ready.shift();
    if (ready) return ready;
    while (this.#mayTake()) {
      const record = this.feed.take();
      if (!record) return undefined;
      const task = this.#enter(record);
      if (task) return task;
    }
    return undefined;
  }

  delivered(task: Task): void {
    if (task.row) this.#releaseRow(task.row);
    else this.#leaveWindow(task);
  }

  died(task: Task, letter: Omit<DeadLetter, 'subscriber' | 'position'>): void {
    this.ledger.bury({ position: task.position, ...letter });
    this.delivered(task);
  }

  /** It was not its fault: it is the next to be tried. @param now monotonic */
  returned(task: Task, now: number): void {
    if (task.row) this.waiting.again(task.row, now);
    else this.#ready.unshift(task);
  }

  failed(task: Task, { attempts, reason, due, dueAt }: Failed): void {
    const { position, row } = task;
    if (row) {
      row.attempts = attempts;
      this.waiting.again(row, due);
      this.ledger.wait({ position, key: row.key, attempts, dueAt, reason });
      return;
    }
    const key = this.#turns ? task.record!.topic : '';
    this.window.finish(task);
    this.waiting.add(position, key, due);
    this.ledger.wait({ position, key, attempts, dueAt, reason });
    for (const behind of this.#turns?.dissolve(key) ?? []) {
      this.window.finish(behind);
      this.#hold(behind.position, key);
    }
  }

  /** A bound on rows holds because whatever is in the window may yet become one. */
  #mayTake(): boolean {
    return (
      this.window.hasRoom && this.waiting.size + this.window.unfinished < WAITING_ROWS_MAX && this.shared.mayStart()
    );
  }

  #enter(record: Record): Task | undefined {
    if (!this.#turns) return this.window.add(record);
    if (this.waiting.settledBefore(record.topic, record.position)) {
      this.ledger.passed();
      return undefined;
    }
    if (this.waiting.holds(record.topic)) {
      this.#hold(record.position, record.topic);
      return undefined;
    }
    const task = this.window.add(record);
    return this.#turns.enter(record.topic, task) ? task : undefined;
  }

  #hold(position: number, key: string): void {
    this.waiting.hold(position, key);
    this.ledger.wait({ position, key, attempts: 0, dueAt: null, reason: '' });
  }

  #releaseRow(row: Row): void {
    this.waiting.release(row);
    this.ledger.release(row.position);
  }

  #leaveWindow(task: Task): void {
    const next = this.#turns?.leave(task.record!.topic);
    if (next) this.#ready.push(next);
    this.window.finish(task);
    this.ledger.passed();
  }
}
