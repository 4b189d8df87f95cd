import type { JournalReader } from '../domain/journal.js';
import { TopicTrie } from '../domain/topic-trie.js';
import type { Feed, Tail } from './feed.js';
import { readRange } from './range.js';
import { RingQueue } from './ring-queue.js';

/** Laggards served in one turn of the event loop. */
const LAGGARDS_PER_TURN = 8;
/** Positions counted in one turn while nobody needs their records. */
const COUNTED_PER_TURN = 10_000;

/** One subscriber, as the dispatcher sees it. */
export interface Consumer {
  readonly feed: Feed;
  /** Takes what it can from its feed. */
  pump(): void;
  /** One bounded step of what it asked to be served for. */
  serve(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): void;
}

/**
 * Reads each record at the tail once, matches it once, and offers it to every subscriber that wants it
 * and keeps up. Serves laggards in between, each in bounded steps, so that none hogs the event loop.
 */
export class Dispatcher {
  readonly tail: Tail = { position: 0 };
  readonly trie = new TopicTrie<Consumer>();
  readonly #consumers: Consumer[] = [];
  readonly #laggards = new RingQueue<Consumer>();
  readonly #queuedLaggards = new Set<Consumer>();
  readonly #offered = new Set<Consumer>();
  #through = 0;
  #turn: NodeJS.Immediate | undefined;
  #started = false;
  #stopped = false;

  /** @param moved is told that the tail, and with it idle cursors, moved */
  constructor(
    private readonly reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>,
    private readonly moved: () => void,
  ) {}

  /** @param position what comes after it is dispatched. {@link admitted} may have been called before. */
  start(position: number): void {
    this.tail.position = position;
    this.#through = Math.max(this.#through, position);
    this.#started = true;
    this.#schedule();
  }

  add(consumer: Consumer, filters: readonly string[]): void {
    this.#consumers.push(consumer);
    for (const filter of filters) this.trie.add(filter, consumer);
  }

  /** Offers and serves it nothing any more. @param filters as given to {@link add} */
  remove(consumer: Consumer, filters: readonly string[]): void {
    this.#consumers.splice(this.#consumers.indexOf(consumer), 1);
    for (const filter of filters) this.trie.remove(filter, consumer);
    this.#queuedLaggards.delete(consumer);
  }

  admitted(through: number): void {
    if (through <= this.#through) return;
    this.#through = through;
    this.#schedule();
  }

  /** This laggard has room for more. */
  serve(consumer: Consumer): void {
    if (this.#queuedLaggards.has(consumer)) return;
    this.#queuedLaggards.add(consumer);
    this.#laggards.push(consumer);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#turn);
  }

  #schedule(): void {
    if (this.#started && !this.#stopped) this.#turn ??= setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#turn = undefined;
    if (this.tail.position < this.#through) {
      if (this.#consumers.some((consumer) => consumer.feed.wantsRecords)) this.#dispatch();
      else this.#count();
      this.moved();
    }
    this.#serveLaggards();
    if (this.tail.position < this.#through || this.#laggards.length > 0) this.#schedule();
  };

  #dispatch(): void {
    const { records, through } = readRange(this.reader, this.tail.position, this.#through);
    for (const record of records) {
      for (const consumer of this.trie.match(record.topic)) {
        this.#offered.add(consumer);
        if (consumer.feed.offer(record, false)) continue;
        consumer.pump(); // Lanes may be free: only those that are busy make a laggard.
        consumer.feed.offer(record, true);
      }
    }
    this.tail.position = through;
    this.#pumpOffered();
  }

  #pumpOffered(): void {
    for (const consumer of this.#offered) consumer.pump();
    this.#offered.clear();
  }

  /** Everyone reads for themselves: only their lag must be known. */
  #count(): void {
    if (this.#consumers.length === 0) {
      this.tail.position = this.#through;
      return;
    }
    const through = Math.min(this.tail.position + COUNTED_PER_TURN, this.#through);
    for (const { topic, count, bytes } of this.reader.topicCounts(this.tail.position, through)) {
      for (const consumer of this.trie.match(topic)) {
        consumer.feed.passed(count, bytes);
        this.#offered.add(consumer);
      }
    }
    this.tail.position = through;
    this.#pumpOffered();
  }

  #serveLaggards(): void {
    for (let served = 0; served < LAGGARDS_PER_TURN; served++) {
      const consumer = this.#laggards.shift();
      if (!consumer) return;
      if (!this.#queuedLaggards.delete(consumer)) continue; // it was removed meanwhile
      consumer.serve(this.reader);
      this.moved();
      consumer.pump(); // and asks to be served again, while it needs it
    }
  }
}
