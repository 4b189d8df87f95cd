import { isDeepStrictEqual } from 'node:util';
import type { JournalReader } from '../domain/journal.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import type { TopicTrie } from '../domain/topic-trie.js';
import type { Consumer } from './dispatcher.js';
import { readRange } from './range.js';

/** Positions counted in one turn of the event loop. */
const COUNTED_PER_TURN = 10_000;

type Reader = Pick<JournalReader, 'admittedAfter' | 'topicCounts'>;

/** A subscriber is to be told what is for it after `from`, up to `through`. */
export interface Stretch {
  consumer: Consumer;
  from: number;
  through: number;
}

/** Who stood in a subscriber's place. */
export interface Former {
  consumer: Consumer & { settings: SubscriberSettings };
  /** What comes after it was not offered to it. */
  through: number;
  /** Whether it was told all of its backlog. */
  isCounted: boolean;
}

/** What `consumer`, which goes on after `cursor`, is to be told; what its former knows of it, it knows then. */
export function takenOver(
  { consumer, from, through }: Stretch,
  settings: SubscriberSettings,
  former: Former,
): Stretch[] {
  const { unread } = former.consumer.feed;
  if (!former.isCounted || !unread || !countsAlike(former.consumer.settings, settings)) {
    return [{ consumer, from, through }];
  }
  consumer.feed.passed(unread.records, unread.bytes);
  return [
    { consumer, from, through: unread.after },
    { consumer, from: Math.max(former.through, unread.after), through },
  ];
}

/** Counts what subscribers have yet to be given: however many walks are under way, one slice of one of them per turn. */
export class BacklogCounts {
  readonly #walks: Walk[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(
    private readonly reader: Reader,
    private readonly trie: TopicTrie<Consumer>,
  ) {}

  /** One walk for all of these. */
  add(stretches: readonly Stretch[]): void {
    const some = stretches.filter(({ from, through }) => from < through);
    if (some.length === 0) return;
    this.#walks.push(new Walk(this.reader, this.trie, some));
    this.#turn ??= setImmediate(this.#slice);
  }

  /** Resolves when this one was told all, or will not be. */
  async told(consumer: Consumer): Promise<void> {
    await Promise.all(this.#walks.filter((walk) => walk.isFor(consumer)).map(({ done }) => done));
  }

  /** This one is told nothing any more. @returns whether it was told all */
  leave(consumer: Consumer): boolean {
    return this.#walks.filter((walk) => walk.leave(consumer)).length === 0;
  }

  stop(): void {
    clearImmediate(this.#turn);
    for (const walk of this.#walks.splice(0)) walk.end();
  }

  readonly #slice = (): void => {
    this.#turn = undefined;
    const walk = this.#walks.shift();
    if (!walk) return;
    if (walk.step()) this.#walks.push(walk);
    else walk.end();
    if (this.#walks.length > 0) this.#turn ??= setImmediate(this.#slice);
  };
}

class Walk {
  #position = 0;
  end: () => void = () => undefined;
  readonly done = new Promise<void>((resolve) => (this.end = resolve));

  constructor(
    private readonly reader: Reader,
    private readonly trie: TopicTrie<Consumer>,
    private stretches: Stretch[],
  ) {}

  isFor(consumer: Consumer): boolean {
    return this.stretches.some((one) => one.consumer === consumer);
  }

  /** @returns whether it was for this one, too */
  leave(consumer: Consumer): boolean {
    const was = this.isFor(consumer);
    this.stretches = this.stretches.filter((one) => one.consumer !== consumer);
    return was;
  }

  /** One slice. @returns whether there are more */
  step(): boolean {
    const from = Math.max(this.#position, Math.min(...this.stretches.map((one) => one.from)));
    const counted = new Set<Consumer>();
    let through = from + COUNTED_PER_TURN;
    for (const one of this.stretches) {
      if (one.from <= from) counted.add(one.consumer);
      through = Math.min(through, one.from <= from ? one.through : one.from); // It ends where the next begins.
    }
    if (counted.size > 0) this.#position = this.#count(counted, from, through);
    this.stretches = this.stretches.filter((one) => one.through > this.#position);
    return this.stretches.length > 0;
  }

  /** @returns up to where they were told */
  #count(counted: ReadonlySet<Consumer>, from: number, last: number): number {
    // Where contents must be looked at, the slice is as short as what is read in one step.
    const exact = [...counted].some(({ feed }) => feed.countsExactly) ? readRange(this.reader, from, last) : undefined;
    const through = exact?.through ?? last;
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
    return through;
  }
}

/** Whether the same of what is unread counts for both: see {@link Interest.countsExactly}. */
function countsAlike(before: SubscriberSettings, after: SubscriberSettings): boolean {
  const counting = ({ topics, where, maxBacklog }: SubscriberSettings): unknown => [
    topics,
    maxBacklog === undefined ? undefined : where,
  ];
  return isDeepStrictEqual(counting(before), counting(after));
}
