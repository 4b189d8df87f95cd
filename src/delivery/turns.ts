import type { Task } from './window.js';

/** The tasks of one key that wait for the one in flight. */
interface Queue {
  first: Task | undefined;
  last: Task | undefined;
}

/** Keeps order per key: one task of a key has its turn, later ones queue behind it. */
export class Turns {
  readonly #queues = new Map<string, Queue>();

  /** @returns whether it is this task's turn now */
  enter(key: string, task: Task): boolean {
    const queue = this.#queues.get(key);
    if (!queue) {
      this.#queues.set(key, { first: undefined, last: undefined });
      return true;
    }
    if (queue.last) queue.last.next = task;
    else queue.first = task;
    queue.last = task;
    return false;
  }

  /** The task whose turn it was is done. @returns the one whose turn it is now */
  leave(key: string): Task | undefined {
    const queue = this.#queues.get(key)!;
    const task = queue.first;
    if (!task) {
      this.#queues.delete(key);
      return undefined;
    }
    queue.first = task.next;
    if (!queue.first) queue.last = undefined;
    task.next = undefined;
    return task;
  }

  /** The task whose turn it was failed. @returns all that queued behind it, in order; the key is free afterwards */
  dissolve(key: string): Task[] {
    const tasks: Task[] = [];
    for (let task = this.#queues.get(key)!.first; task; task = task.next) tasks.push(task);
    this.#queues.delete(key);
    return tasks;
  }
}
