import type { Gathering } from './batches.js';
import type { Task } from './window.js';

/** The unfinished tasks of one key, in order. Those that were given up stay in it, finished, until they are passed. */
interface Line {
  first: Task;
  last: Task;
  /** The first that has not had its turn. */
  next: Task | undefined;
  /** How many have their turn: none when the first is ready, several when they go out in one batch. */
  taken: number;
  /** What those that have their turn were gathered in. */
  gathering: Gathering | undefined;
}

/** Keeps order per key: one task of a key has its turn (or some in one batch), later ones queue behind it. */
export class Turns {
  readonly #lines = new Map<string, Line>();

  /** @returns whether it is this task's turn now, together with those that are being gathered */
  enter(task: Task, gathering: Gathering | undefined): boolean {
    const line = this.#lines.get(task.key);
    if (!line) {
      task.taken = true;
      this.#lines.set(task.key, { first: task, last: task, next: undefined, taken: 1, gathering });
      return true;
    }
    line.last.next = task;
    line.last = task;
    if (line.next) return false;
    if (gathering !== undefined && line.gathering === gathering) {
      task.taken = true;
      line.taken++;
      return true;
    }
    line.next = task;
    return false;
  }

  /** A task that was ready has its turn. */
  take(task: Task, gathering: Gathering | undefined): void {
    const line = this.#lines.get(task.key)!;
    line.gathering = gathering;
    line.next = unfinished(task.next);
    line.taken++;
    task.taken = true;
  }

  /** The next task of this one's key; it may go out with it, by {@link take}. */
  follower(task: Task): Task | undefined {
    return this.#lines.get(task.key)!.next;
  }

  /** A task is finished. @returns the one that is ready now */
  leave(task: Task): Task | undefined {
    const line = this.#lines.get(task.key)!;
    const leads = line.first === task || task.taken;
    if (task.taken) line.taken--;
    if (line.next === task) line.next = unfinished(task.next);
    const first = unfinished(line.first);
    if (!first) this.#lines.delete(task.key);
    else line.first = first;
    return leads && line.taken === 0 ? first : undefined;
  }

  /** The task whose turn it was failed. @returns all after it, in order; the key is free afterwards */
  dissolve(task: Task): Task[] {
    this.#lines.delete(task.key);
    const after: Task[] = [];
    for (let next = unfinished(task.next); next; next = unfinished(next.next)) after.push(next);
    return after;
  }
}

function unfinished(task: Task | undefined): Task | undefined {
  let found = task;
  while (found?.finished) found = found.next;
  return found;
}
