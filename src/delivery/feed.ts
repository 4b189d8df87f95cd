import type { JournalReader } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import { readRange } from './range.js';
import { RingQueue } from './ring-queue.js';

const RECORDS_MAX = 256;
const BYTES_MAX = 8 << 20;
/** A laggard reads on when this few are left. */
const REFILL_BELOW = 64;

/** Up to where the dispatcher has come. */
export interface Tail {
  position: number;
}

export interface FeedOptions {
  tail: Tail;
  /** The subscriber's cursor when it was started: nothing up to here is for it. */
  start: number;
  wants: (topic: string) => boolean;
  /** Positions after `start` that are settled or waiting already. Emptied as they are passed. */
  skip: Set<number>;
}

/**
 * New records for one subscriber, in order. While it keeps up it is fed by the dispatcher; when its queue is
 * full it becomes a laggard and reads for itself, until it has come to the tail again. So a subscriber
 * that is dead for days takes no more memory than one that is slow for a second.
 */
export class Feed {
  readonly #queue = new RingQueue<Record>();
  #bytes = 0;
  #atTail: boolean;
  /** A laggard's own place: all it wants up to here was queued. */
  #position: number;
  /** Records it wants between its own place and the tail. */
  #unread = 0;
  #counting: boolean;

  constructor(private readonly options: FeedOptions) {
    this.#position = options.start;
    this.#atTail = options.start >= options.tail.position;
    this.#counting = !this.#atTail;
  }

  get atTail(): boolean {
    return this.#atTail;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Records it wants that are not queued yet. */
  get unread(): number {
    return this.#atTail ? 0 : Math.max(0, this.#unread);
  }

  /** Whether it should read on for itself. */
  get isHungry(): boolean {
    return !this.#atTail && this.#queue.length < REFILL_BELOW && this.#bytes < BYTES_MAX;
  }

  get next(): Record | undefined {
    return this.#queue.peek();
  }

  /** Every wanted record up to here was taken. */
  get takenThrough(): number {
    const next = this.#queue.peek();
    if (next) return next.position - 1;
    return this.#atTail ? Math.max(this.#position, this.options.tail.position) : this.#position;
  }

  /**
   * The dispatcher's next record, which this subscriber wants.
   * @returns false when the queue is full and nothing was done; with `insist` it then becomes a laggard
   */
  offer(record: Record, insist: boolean): boolean {
    if (record.position <= this.options.start) return true;
    if (this.#atTail && !this.#isFull) {
      if (!this.#skips(record.position)) this.#push(record);
      return true;
    }
    if (this.#atTail) {
      if (!insist) return false;
      this.#atTail = false;
      this.#position = record.position - 1;
      this.#unread = 0;
    }
    this.#unread++;
    return true;
  }

  /** Records that it wants were passed over without being read. */
  passed(count: number): void {
    this.#unread += count;
  }

  /** As {@link passed}, for the backlog at the start. */
  countedBacklog(count: number): void {
    if (this.#counting) this.#unread += count;
  }

  take(): Record | undefined {
    const record = this.#queue.shift();
    if (record) this.#bytes -= record.payload.length;
    return record;
  }

  /** One bounded step of a laggard. */
  read(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): void {
    const { tail, wants } = this.options;
    const { records, through } = readRange(reader, this.#position, tail.position);
    for (const record of records) {
      if (!wants(record.topic)) continue;
      if (this.#isFull) {
        this.#position = record.position - 1;
        return;
      }
      this.#unread--;
      if (!this.#skips(record.position)) this.#push(record);
    }
    this.#position = through;
    if (through < tail.position) return;
    this.#atTail = true;
    this.#counting = false;
  }

  get #isFull(): boolean {
    return this.#queue.length >= RECORDS_MAX || this.#bytes >= BYTES_MAX;
  }

  #skips(position: number): boolean {
    return this.options.skip.size > 0 && this.options.skip.delete(position);
  }

  #push(record: Record): void {
    this.#queue.push(record);
    this.#bytes += record.payload.length;
  }
}
