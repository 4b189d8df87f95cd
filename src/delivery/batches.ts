import type { BatchSettings } from '../domain/subscriber.js';
import type { Record } from '../domain/record.js';
import { Batch } from './batch.js';
import type { Intake } from './intake.js';
import { RingQueue } from './ring-queue.js';
import { goesAlone } from './waiting.js';
import type { Task } from './window.js';

/** Records on the way into one batch. */
export class Gathering {
  readonly tasks: Task[] = [];
  #bytes = 0;
  #full = false;
  /** Monotonic instant at which it goes out, full or not. */
  dueAt = Infinity;

  constructor(private readonly bounds: Pick<BatchSettings, 'maxMessages' | 'maxBytes'>) {}

  get isFull(): boolean {
    return this.#full;
  }

  /** Asked before the record is taken from where it is: one that does not fit makes the batch full. */
  admits({ payload }: Record): boolean {
    if (this.tasks.length === 0) return true;
    if (this.#bytes + payload.length > this.bounds.maxBytes) this.#full = true;
    return !this.#full;
  }

  add(task: Task): void {
    this.tasks.push(task);
    this.#bytes += task.record!.payload.length;
    if (this.tasks.length >= this.bounds.maxMessages) this.#full = true;
  }
}

/** What one subscriber is sent next: batches that must go again first, then what is new or due. */
export class Batches {
  readonly #again = new RingQueue<Batch>();
  #gathering: Gathering | undefined;

  /** @param settings absent: every record goes by itself */
  constructor(
    private readonly intake: Intake,
    private readonly settings: BatchSettings | undefined,
  ) {}

  /** When what is being gathered goes out, full or not; Infinity when nothing is. */
  get dueAt(): number {
    return this.#gathering?.dueAt ?? Infinity;
  }

  /** @param now monotonic @param alone a single record is wanted: none waits for others */
  next(now: number, alone: boolean): Batch | undefined {
    const again = this.#again.shift();
    if (again) return again;
    if (this.settings) return this.#gather(this.settings, now, alone);
    const task = this.intake.next(now);
    return task && new Batch([task]);
  }

  /** An attempt of it ended: what is left of it goes next. */
  again(batch: Batch): void {
    if (!batch.isDone) this.#again.unshift(batch);
  }

  #gather(settings: BatchSettings, now: number, alone: boolean): Batch | undefined {
    const gathering = (this.#gathering ??= new Gathering(settings));
    while (!gathering.isFull) {
      const task = this.intake.next(now, gathering);
      if (!task) break;
      // What failed alone is tried alone from then on, or each of its attempts would fail and split a batch.
      if (task.row && goesAlone(task.row)) return new Batch([task]);
      if (gathering.tasks.length === 0) gathering.dueAt = now + settings.maxWaitMs;
      this.#add(task, gathering);
    }
    const { tasks, isFull, dueAt } = gathering;
    if (tasks.length === 0 || !(isFull || alone || now >= dueAt)) return undefined;
    this.#gathering = undefined;
    return new Batch(tasks);
  }

  /** With the later ones of its key, which can go out in the same batch and in no other. */
  #add(first: Task, gathering: Gathering): void {
    for (
      let task: Task | undefined = first;
      task;
      task = gathering.isFull ? undefined : this.intake.follower(task, gathering)
    ) {
      gathering.add(task);
    }
  }
}
