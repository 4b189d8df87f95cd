import type { Record } from '../domain/record.js';
import { RingQueue } from './ring-queue.js';
import type { Row } from './waiting.js';

const TASKS_MIN = 1_024;
/** Payload bytes of unfinished tasks; one larger record still fits alone. */
const BYTES_MAX = 8 << 20;

/** One record on its way to one subscriber: new, or taken from a waiting row. */
export class Task {
  readonly position: number;
  /** Let go of when finished, because a finished task may stay in the window behind a slow one. */
  record: Record | undefined;
  finished = false;
  /** An attempt of it is under way. Of a task with a row, the row's word counts. */
  inFlight = false;
  /** When order is kept: it has its turn. */
  taken = false;
  /** The next task of the same key, when order is kept. */
  next: Task | undefined;
  /** Set when it is given again: since when, wall clock in milliseconds. */
  replayedAt: number | undefined;

  constructor(
    record: Record,
    /** What order is kept by; '' when it is not kept. */
    readonly key: string,
    readonly row: Row | undefined,
  ) {
    this.position = record.position;
    this.record = record;
    this.replayedAt = row?.replayedAt;
  }
}

/**
 * New records handed to the lanes, in order of position. The lowest unfinished one holds the cursor; the
 * bound on the window is the bound on what a crash repeats.
 */
export class Window {
  readonly #tasks = new RingQueue<Task>();
  readonly #tasksMax: number;
  #unfinished = 0;
  #bytes = 0;

  /** @param inFlightMax how many records may be in flight at once */
  constructor(inFlightMax: number) {
    this.#tasksMax = Math.max(TASKS_MIN, 4 * inFlightMax);
  }

  get unfinished(): number {
    return this.#unfinished;
  }

  /** Of the unfinished tasks' payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  get hasRoom(): boolean {
    return this.#tasks.length < this.#tasksMax && (this.#bytes < BYTES_MAX || this.#unfinished === 0);
  }

  /** The lowest unfinished task. */
  get lowest(): Task | undefined {
    return this.#tasks.peek();
  }

  /** Those that no attempt is made of, in order of position. */
  idle(): Task[] {
    return [...this.#tasks].filter((task) => !task.finished && !task.inFlight);
  }

  /** Takes a task that is after all those before it. */
  add(task: Task): void {
    this.#tasks.push(task);
    this.#unfinished++;
    this.#bytes += task.record!.payload.length;
  }

  finish(task: Task): void {
    task.finished = true;
    this.#unfinished--;
    this.#bytes -= task.record!.payload.length;
    task.record = undefined;
    while (this.#tasks.peek()?.finished) this.#tasks.shift();
  }
}

/** When the age of a task's record began, wall clock in milliseconds. It has its record still. */
export function ageFrom({ record, replayedAt }: Task): number {
  return replayedAt ?? record!.receivedAt;
}
