import type { Clock } from '../domain/clock.js';
import type { SavedWaiting, Waiting } from '../domain/subscriber.js';
import { DueHeap } from './due-heap.js';

/** At this many rows a subscriber is given no new records, so the cursor stops. */
export const WAITING_ROWS_MAX = 10_000;

/** What is given again may make up half of that, so that new records go on beside it. */
export const REPLAY_ROWS_MAX = WAITING_ROWS_MAX / 2;

/** So many rows that were given up may be left in the heap. */
const STALE_ROWS_MAX = 1_024;

/** What is known of a record that is to wait. */
export type WaitingRecord = Pick<Waiting, 'position' | 'key' | 'keyWays' | 'replayedAt'> & Pick<Row, 'bytes' | 'since'>;

/** A waiting row as the lanes see it. */
export interface Row {
  readonly position: number;
  /** '' when order is not kept. */
  readonly key: string;
  /** As in {@link Waiting}. */
  readonly keyWays: string | undefined;
  /** Of the record's payload. */
  readonly bytes: number;
  /** When its age began, wall clock in milliseconds: it was received, or is given again. */
  readonly since: number;
  /** Set when it is given again: since when, wall clock in milliseconds. */
  readonly replayedAt: number | undefined;
  attempts: number;
  /** Monotonic instant of the next attempt; of no effect while the row is held behind another. */
  due: number;
  /** It goes out next, by itself or in a batch. */
  taken: boolean;
  /** An attempt of it is under way. */
  inFlight: boolean;
  /** Settled or given up. A row that was given up stays in its line until it is passed. */
  finished: boolean;
  /** The row held behind this one. */
  next: Row | undefined;
}

/**
 * Mirrors one subscriber's waiting rows. Rows without a key are each on their own. Rows with a key form a
 * line: the first is tried when due, the others are held until it is settled.
 */
export class WaitingRows {
  readonly #rows = new Map<number, Row>();
  /** The first and the last row of each key's line. */
  readonly #first = new Map<string, Row>();
  readonly #last = new Map<string, Row>();
  /** The first row that a run before left, by key and its ways. */
  readonly #restored = new Map<string, number>();
  readonly #due = new DueHeap<Row>();
  #oldest: number | undefined;
  #bytes = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** Of the payloads of the records that wait. */
  get bytes(): number {
    return this.#bytes;
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
    return this.#nextDue()?.due ?? Infinity;
  }

  /** Those that no attempt is made of. */
  idle(): Row[] {
    return [...this.#rows.values()].filter((row) => !row.inFlight);
  }

  has(position: number): boolean {
    return this.#rows.has(position);
  }

  holds(key: string): boolean {
    return this.#first.has(key);
  }

  /**
   * Takes over what a run before left, in order of position.
   * @param delayMsMax no row waits longer, although the wall clock may have jumped since
   */
  restore(saved: readonly SavedWaiting[], clock: Clock, delayMsMax: number): void {
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    for (const row of saved) {
      const { position, key, keyWays = '', dueAt } = row;
      const delayMs = dueAt === null ? 0 : Math.min(Math.max(dueAt - wall, 0), delayMsMax);
      const since = row.replayedAt ?? row.receivedAt;
      this.#append(rowOf({ ...row, since }, row.attempts, monotonic + delayMs));
      const by = `${keyWays} ${key}`;
      if (key !== '' && keyWays !== '' && !this.#restored.has(by)) this.#restored.set(by, position);
    }
  }

  /**
   * Whether a record after the cursor was settled by a run before, although the cursor does not say so: a row of its
   * key came into being when everything before it was. Given again it would come after what is newer. That is only so
   * where both keys were made alike: else the record may have had another key then, and be in flight still.
   * @param keyWays that its key was made by; '' when that is not known
   */
  settledBefore(key: string, position: number, keyWays: string): boolean {
    return position < (this.#restored.get(`${keyWays} ${key}`) ?? 0);
  }

  /** A record failed for the first time. With a key, nothing of that key may wait yet. */
  add(record: WaitingRecord, due: number): void {
    this.#append(rowOf(record, 1, due));
  }

  /** A record is held behind those of its key that wait. */
  hold(record: WaitingRecord): void {
    this.#append(rowOf(record, 0, 0));
  }

  /** Dead letters wait again, and are due. One that waits already goes on doing so. */
  revive(records: readonly WaitingRecord[], due: number): void {
    for (const record of records) if (!this.has(record.position)) this.#append(rowOf(record, 0, due));
  }

  /** A row that is due; it must come back with {@link again} or {@link release}. */
  takeDue(now: number): Row | undefined {
    const row = this.#nextDue();
    if (!row || row.due > now) return undefined;
    row.taken = true;
    return this.#due.pop();
  }

  /** The row held behind this one, which was taken. To go out with it, it must be taken too. */
  follower(row: Row): Row | undefined {
    return unfinished(row.next);
  }

  /** A row that was taken is to be tried again. Those behind it that were taken with it are held again. */
  again(row: Row, due: number): void {
    row.due = due;
    this.#due.push(row);
    for (let one: Row | undefined = row; one?.taken; one = unfinished(one.next)) one.taken = false;
  }

  /** A row is settled or given up. The one held behind it is free, if this was the first of its line. */
  release(row: Row): void {
    this.#rows.delete(row.position);
    this.#bytes -= row.bytes;
    row.finished = true;
    if (this.#due.length > 2 * this.#rows.size + STALE_ROWS_MAX) this.#due.keep((due) => !due.finished);
    if (row.key === '' || this.#first.get(row.key) !== row) return;
    const next = unfinished(row.next);
    if (!next) {
      this.#first.delete(row.key);
      this.#last.delete(row.key);
      return;
    }
    this.#first.set(row.key, next);
    if (!next.taken) this.#due.push(next);
  }

  /** What was given up while it waited in the heap is let go of here. */
  #nextDue(): Row | undefined {
    while (this.#due.peek()?.finished) this.#due.pop();
    return this.#due.peek();
  }

  #append(row: Row): void {
    this.#rows.set(row.position, row);
    this.#bytes += row.bytes;
    if (this.#oldest !== undefined && row.position < this.#oldest) this.#oldest = row.position;
    const last = row.key === '' ? undefined : this.#last.get(row.key);
    if (last) last.next = row;
    else this.#due.push(row);
    if (row.key === '') return;
    if (!last) this.#first.set(row.key, row);
    this.#last.set(row.key, row);
  }
}

/** Whether it goes out in no batch: it failed alone before, or is marked as given again. */
export function goesAlone({ attempts, replayedAt }: Row): boolean {
  return attempts > 0 || replayedAt !== undefined;
}

function rowOf(
  { position, key, keyWays, bytes, since, replayedAt }: WaitingRecord,
  attempts: number,
  due: number,
): Row {
  const flags = { taken: false, inFlight: false, finished: false };
  return { position, key, keyWays, bytes, since, replayedAt, attempts, due, ...flags, next: undefined };
}

function unfinished(row: Row | undefined): Row | undefined {
  let found = row;
  while (found?.finished) found = found.next;
  return found;
}
