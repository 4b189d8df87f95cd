import type { Task } from './window.js';

/**
 * What goes out in one request: one record or several. When several fail together they are split, and the halves go
 * out one after the other: order per key holds, and one batch never takes more than one lane. Then one bad record of
 * n costs at most 2·log2(n) requests more, and ends alone.
 */
export class Batch {
  #part: Task[] | undefined;
  /** What follows the part, the next one first. */
  #later: Task[][] | undefined;

  /** @param tasks at least one */
  constructor(tasks: Task[]) {
    this.#part = tasks;
  }

  /**
   * The part that is to go out next; it must be settled, put back or split before the one after it.
   * @param mayGo false for a record that was given up, or is held back, since it was gathered
   * @param alone only the first record of it: the rest stays the next part
   */
  take(mayGo: (task: Task) => boolean, alone: boolean): Task[] | undefined {
    for (let part = this.#next(); part; part = this.#next()) {
      const going = part.every(mayGo) ? part : part.filter(mayGo);
      if (going.length === 0) continue;
      if (alone && going.length > 1) this.#putFirst(going.splice(1));
      return going;
    }
    return undefined;
  }

  get isDone(): boolean {
    return this.#part === undefined && (this.#later === undefined || this.#later.length === 0);
  }

  /** They are the next part again. */
  putBack(tasks: Task[]): void {
    if (tasks.length > 0) this.#putFirst(tasks);
  }

  /** @param tasks a part of at least two that failed as a whole */
  split(tasks: Task[]): void {
    const half = tasks.length >> 1;
    this.#putFirst(tasks.slice(half));
    this.#putFirst(tasks.slice(0, half));
  }

  #next(): Task[] | undefined {
    const part = this.#part ?? this.#later?.shift();
    this.#part = undefined;
    return part;
  }

  #putFirst(tasks: Task[]): void {
    if (this.#part) (this.#later ??= []).unshift(this.#part);
    this.#part = tasks;
  }
}
