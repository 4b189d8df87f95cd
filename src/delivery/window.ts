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
  /** The next task of the same key, when order is kept. */
  next: Task | undefined;

  constructor(
    record: Record,
    readonly row: Row | undefined,
  ) {
    this.position = record.position;
    this.record = record;
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

  constructor(concurrency: number) {
    this.#tasksMax = Math.max(TASKS_MIN, 4 * concurrency);
  }

  get unfinished(): number {
    return this.#unfinished;
  }

  get hasRoom(): boolean {
    return this.#tasks.length < this.#tasksMax && (this.#bytes < BYTES_MAX || this.#unfinished === 0);
  }

  /** The lowest unfinished task. */
  get lowest(): Task | undefined {
    return this.#tasks.peek();
  }

  /** Takes a record that is after all those before it. */
  add(record: Record): Task {
    const task = new Task(record, undefined);
    this.#tasks.push(task);
    this.#unfinished++;
    this.#bytes += record.payload.length;
    return task;
  }

  finish(task: Task): void {
    task.finished = true;
    this.#unfinished--;
    this.#bytes -= task.record!.payload.length;
    task.record = undefined;
    while (this.#tasks.peek()?.finished) this.#tasks.shift();
  }
}
