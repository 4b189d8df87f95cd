import type { JournalReader } from '../domain/journal.js';
import type { Ways } from '../domain/payload-json.js';
import type { Record } from '../domain/record.js';
import { readRange } from './range.js';
import { RingQueue } from './ring-queue.js';
import { Task } from './window.js';

const RECORDS_MAX = 256;
const BYTES_MAX = 8 << 20;
/** A laggard reads on when this few are left. */
const REFILL_BELOW = 64;

/** Up to where the dispatcher has come. */
export interface Tail {
  position: number;
}

/** What a subscriber asks for. */
export interface Interest {
  wants: (topic: string) => boolean;
  /** The content filter; absent: all of those topics are wanted. */
  selects?: (record: Record) => boolean;
  /**
   * What is unread must be counted by record and filter, because its number decides what is given up. Otherwise it is
   * counted by topic, and what the filter leaves out is noticed when it is read: to read
   * takes twice as long with small payloads, and with large ones as long as it takes to read the journal.
   */
  countsExactly: boolean;
  /** What order is kept by. */
  keyOf: (record: Record) => string;
  /** How {@link keyOf} makes keys now. */
  keyWays: () => Ways;
}

export interface FeedOptions extends Interest {
  tail: Tail;
  /** The subscriber's cursor when it was started: nothing up to here is for it. */
  start: number;
  /** Positions after `start` that are settled or waiting already. Emptied as they are passed. */
  skip: Set<number>;
}

/**
 * New records for one subscriber, in order. While it keeps up it is fed by the dispatcher; when its queue is
 * full it becomes a laggard and reads for itself, until it has come to the tail again. So a subscriber
 * that is dead for days takes no more memory than one that is slow for a second.
 */
export class Feed {
  readonly #queue = new RingQueue<Task>();
  #bytes = 0;
  #atTail: boolean;
  /** A laggard's own place: all it wants up to here was queued. */
  #position: number;
  /** Records it wants between its own place and the tail. */
  #unread = 0;
  #unreadBytes = 0;
  #counting: boolean;
  #keyWays: Ways;
  /** Records up to here may have keys that were made otherwise. */
  #mixedThrough = 0;

  constructor(private readonly options: FeedOptions) {
    this.#keyWays = options.keyWays();
    this.#position = options.start;
    this.#atTail = options.start >= options.tail.position;
    this.#counting = !this.#atTail;
  }

  /** Whether each record is to be offered to it. Otherwise to be told how many there are is enough. */
  get wantsRecords(): boolean {
    return this.#atTail || this.countsExactly;
  }

  get countsExactly(): boolean {
    return this.options.selects !== undefined && this.options.countsExactly;
  }

  /** Records it wants that were not taken yet. */
  get records(): number {
    return this.#queue.length + (this.#atTail ? 0 : Math.max(0, this.#unread));
  }

  /** Of their payloads. */
  get bytes(): number {
    return this.#bytes + (this.#atTail ? 0 : Math.max(0, this.#unreadBytes));
  }

  /** Of a laggard: what it knows to come after its own place. */
  get unread(): { after: number; records: number; bytes: number } | undefined {
    if (this.#atTail) return undefined;
    return { after: this.#position, records: this.#unread, bytes: this.#unreadBytes };
  }

  /** Whether it should read on for itself. */
  get isHungry(): boolean {
    return !this.#atTail && this.#queue.length < REFILL_BELOW && this.#bytes < BYTES_MAX;
  }

  get next(): Task | undefined {
    return this.#queue.peek();
  }

  /** The name of the ways that the keys of all records after this position are made by; '' when those are not the same for all. */
  keyWaysAfter(position: number): string {
    const { keyWays, tail } = this.options;
    const ways = keyWays();
    if (ways !== this.#keyWays) {
      this.#keyWays = ways;
      this.#mixedThrough = tail.position;
    }
    return position < this.#mixedThrough ? '' : ways.name;
  }

  /** Every wanted record up to here was taken. */
  get takenThrough(): number {
    const next = this.#queue.peek();
    if (next) return next.position - 1;
    return this.#atTail ? Math.max(this.#position, this.options.tail.position) : this.#position;
  }

  /**
   * The dispatcher's next record, which is of this subscriber's topics.
   * @returns false when the queue is full and nothing was done; with `insist` it then becomes a laggard
   */
  offer(record: Record, insist: boolean): boolean {
    if (record.position <= this.options.start) return true;
    if (this.#atTail) {
      if (!this.#isFull) {
        if (this.#wants(record)) this.#push(record);
        return true;
      }
      if (!insist) return false;
      this.#atTail = false;
      this.#position = record.position - 1;
      this.#unread = 0;
      this.#unreadBytes = 0;
    }
    if (this.#counts(record)) this.passed(1, record.payload.length);
    return true;
  }

  /** Records of its topics were passed over without being read. */
  passed(count: number, bytes: number): void {
    this.#unread += count;
    this.#unreadBytes += bytes;
  }

  /** As {@link passed}, for the backlog at the start. */
  countedBacklog(count: number, bytes: number): void {
    if (this.#counting) this.passed(count, bytes);
  }

  /** As {@link countedBacklog}, for a feed that {@link countsExactly}. */
  countedRecord(record: Record): void {
    if (this.#counts(record)) this.countedBacklog(1, record.payload.length);
  }

  take(): Task | undefined {
    const task = this.#queue.shift();
    if (task) this.#bytes -= task.record!.payload.length;
    return task;
  }

  /** One bounded step of a laggard. */
  read(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): void {
    this.#walk(reader, (record) => {
      if (this.#isFull) return false;
      this.passed(-1, -record.payload.length);
      if (this.#wants(record)) this.#push(record);
      return true;
    });
  }

  /** One bounded step past unread records of a laggard whose queue is empty, while there is `more` to give up. */
  skip(
    reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>,
    more: () => boolean,
    givenUp: (record: Record) => void,
  ): void {
    if (this.#atTail) return;
    this.#walk(reader, (record) => {
      if (!more()) return false;
      this.passed(-1, -record.payload.length);
      if (this.#wants(record)) givenUp(record);
      return true;
    });
  }

  /** Nothing up to `through` is to be read any more; about so many `records` of what is unread are gone with it. */
  jump(through: number, records: number): void {
    if (this.#atTail || through <= this.#position) return;
    const share = this.#unread > 0 ? Math.min(1, records / this.#unread) : 1;
    this.passed(-Math.ceil(this.#unread * share), -Math.ceil(this.#unreadBytes * share));
    this.#position = Math.min(through, this.options.tail.position);
  }

  /** @param each told the next record that is counted as unread; false: the step ends before it */
  #walk(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>, each: (record: Record) => boolean): void {
    const { tail, wants } = this.options;
    const { records, through } = readRange(reader, this.#position, tail.position);
    for (const record of records) {
      if (!wants(record.topic) || !this.#counts(record)) continue;
      if (!each(record)) {
        this.#position = record.position - 1;
        return;
      }
    }
    this.#position = through;
    if (through < tail.position) return;
    this.#atTail = true;
    this.#counting = false;
  }

  get #isFull(): boolean {
    return this.#queue.length >= RECORDS_MAX || this.#bytes >= BYTES_MAX;
  }

  /** Whether a record of its topics is among the unread ones. */
  #counts(record: Record): boolean {
    return !this.countsExactly || this.options.selects!(record);
  }

  /** Asked once for each record. */
  #wants(record: Record): boolean {
    const { skip, selects } = this.options;
    if (skip.size > 0 && skip.delete(record.position)) return false;
    return selects === undefined || selects(record);
  }

  #push(record: Record): void {
    this.#queue.push(new Task(record, this.options.keyOf(record), undefined));
    this.#bytes += record.payload.length;
  }
}
