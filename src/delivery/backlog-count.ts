import type { JournalReader } from '../domain/journal.js';
import type { TopicTrie } from '../domain/topic-trie.js';
import type { Consumer } from './dispatcher.js';
import { readRange } from './range.js';

/** Positions counted in one turn of the event loop. */
const COUNTED_PER_TURN = 10_000;

/** Counts what each subscriber has yet to be given at the start: one walk for all, a slice per turn. */
export class BacklogCount {
  #position: number;
  #turn: NodeJS.Immediate | undefined;
  #ended: () => void = () => undefined;
  /** Resolves when the walk has come to its end. */
  readonly done = new Promise<void>((resolve) => (this.#ended = resolve));
  /** The lowest cursor first. */
  readonly #starts: { consumer: Consumer; cursor: number }[];

  /** @param last where the walk ends; what comes after is counted as it is dispatched */
  constructor(
    private readonly reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>,
    private readonly trie: TopicTrie<Consumer>,
    starts: readonly { consumer: Consumer; cursor: number }[],
    private readonly last: number,
  ) {
    this.#starts = starts.filter(({ cursor }) => cursor < last).sort((a, b) => a.cursor - b.cursor);
    this.#position = this.#starts[0]?.cursor ?? last;
    this.#schedule();
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#ended();
  }

  #schedule(): void {
    if (this.#position < this.last) this.#turn = setImmediate(this.#slice);
    else this.#ended();
  }

  readonly #slice = (): void => {
    const from = this.#position;
    const counted = new Set<Consumer>();
    let through = Math.min(from + COUNTED_PER_TURN, this.last);
    for (const { consumer, cursor } of this.#starts) {
      if (cursor <= from) {
        counted.add(consumer);
      } else {
        through = Math.min(through, cursor); // A slice ends where the next subscriber begins.
        break;
      }
    }
    // Where contents must be looked at, the slice is as short as what is read in one step.
    const exact = [...counted].some(({ feed }) => feed.countsExactly)
      ? readRange(this.reader, from, through)
      : undefined;
    through = exact?.through ?? through;
    for (const record of exact?.records ?? []) {
      for (const consumer of this.trie.match(record.topic)) {
        if (counted.has(consumer) && consumer.feed.countsExactly) consumer.feed.countedRecord(record);
      }
    }
    for (const { topic, count, bytes } of this.reader.topicCounts(from, through)) {
      for (const consumer of this.trie.match(topic)) {
        if (counted.has(consumer) && !consumer.feed.countsExactly) consumer.feed.countedBacklog(count, bytes);
      }
    }
    for (const consumer of counted) consumer.pump(); // Its backlog may be beyond its bound.
    this.#position = through;
    this.#schedule();
  };
}
