import type { Clock } from '../domain/clock.js';
import type { Waiting } from '../domain/subscriber.js';
import { DueHeap } from './due-heap.js';

/** At this many rows a subscriber is given no new records, so the cursor stops. */
export const WAITING_ROWS_MAX = 10_000;

/** A waiting row as the lanes see it. */
export interface Row {
  readonly position: number;
  /** '' when order is not kept. */
  readonly key: string;
  attempts: number;
  /** Monotonic instant of the next attempt; of no effect while the row is held behind another. */
  due: number;
  /** The row held behind this one. */
  next: Row | undefined;
}

/**
 * Mirrors one subscriber's waiting rows. Rows without a key are each on their own. Rows with a key form a
 * line: the first is tried when due, the others are held until it is settled.
 */
export class WaitingRows {
  readonly #rows = new Map<number, Row>();
  /** The last row of each key's line. */
  readonly #lines = new Map<string, Row>();
  /** The first row that a run before left, by key. */
  readonly #restored = new Map<string, number>();
  readonly #due = new DueHeap<Row>();
  #oldest: number | undefined;

  get size(): number {
    return this.#rows.size;
  }

  /** The lowest position that waits. */
  get oldest(): number | undefined {
    if (this.#oldest !== undefined && this.#rows.has(this.#oldest)) return this.#oldest;
    this.#oldest = undefined;
    for (const position of this.#rows.keys()) {
      if (this.#oldest === undefined || position < this.#oldest) this.#oldest = position;
    }
    return this.#oldest;
  }

  /** When the next row is due; Infinity when none will be. */
  get nextDue(): number {
    return this.#due.peek()?.due ?? Infinity;
  }

  holds(key: string): boolean {
    return this.#lines.has(key);
  }

  /**
   * Takes over what a run before left, in order of position.
   * @param delayMsMax no row waits longer, although the wall clock may have jumped since
   */
  restore(saved: readonly Waiting[], clock: Clock, delayMsMax: number): void {
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    for (const { position, key, attempts, dueAt } of saved) {
      const delayMs = dueAt === null ? 0 : Math.min(Math.max(dueAt - wall, 0), delayMsMax);
      this.#append({ position, key, attempts, due: monotonic + delayMs, next: undefined });
      if (key !== '' && !this.#restored.has(key)) this.#restored.set(key, position);
    }
  }

  /**
   * Whether a record after the cursor was settled by a run before, although the cursor does not say so: a row of its
   * key came into being when everything before it was. Given again it would come after what is newer.
   */
  settledBefore(key: string, position: number): boolean {
    return position < (this.#restored.get(key) ?? 0);
  }

  /** A record failed for the first time. With a key, nothing of that key may wait yet. */
  add(position: number, key: string, due: number): Row {
    const row: Row = { position, key, attempts: 1, due, next: undefined };
    this.#append(row);
    return row;
  }

  /** A record is held behind those of its key that wait. */
  hold(position: number, key: string): void {
    this.#append({ position, key, attempts: 0, due: 0, next: undefined });
  }

  /** A row that is due; it must come back with {@link again} or {@link release}. */
  takeDue(now: number): Row | undefined {
    const row = this.#due.peek();
    return row && row.due <= now ? this.#due.pop() : undefined;
  }

  /** A row that was taken is to be tried again. */
  again(row: Row, due: number): void {
    row.due = due;
    this.#due.push(row);
  }

  /** A row that was taken is settled; the one held behind it is free. */
  release(row: Row): void {
    this.#rows.delete(row.position);
    if (row.key === '') return;
    if (row.next) this.#due.push(row.next);
    else this.#lines.delete(row.key);
  }

  #append(row: Row): void {
    this.#rows.set(row.position, row);
    if (this.#oldest !== undefined && row.position < this.#oldest) this.#oldest = row.position;
    const last = row.key === '' ? undefined : this.#lines.get(row.key);
    if (last) last.next = row;
    else this.#due.push(row);
    if (row.key !== '') this.#lines.set(row.key, row);
  }
}
