import type { JournalReader } from '../domain/journal.js';
import type { Replay } from '../domain/replay.js';
import { TopicTrie } from '../domain/topic-trie.js';
import type { Batches } from './batches.js';
import type { FeedOptions, Interest } from './feed.js';
import type { Intake } from './intake.js';
import type { Ledger } from './ledger.js';

/** Where lanes take their batches from, and where they put away what was tried. */
export interface Source {
  intake: Intake;
  batches: Batches;
}

interface Current extends Source {
  replay: Replay;
  /** The position that was told to the ledger last. */
  noted: number;
}

/**
 * The ranges of the journal that one subscriber is given again, one after the other, by the same lanes as what is new.
 * How far each has come is saved together with the rows of what failed in it.
 */
export class Replays {
  readonly #later: Replay[] = [];
  #current: Current | undefined;

  /** @param open makes the source of one that begins, or goes on, after `replay.position` */
  constructor(
    private readonly ledger: Pick<Ledger, 'replayed'>,
    private readonly open: (replay: Replay) => Source,
  ) {}

  get source(): Source | undefined {
    return this.#current;
  }

  get isHungry(): boolean {
    return this.#current?.intake.feed.isHungry ?? false;
  }

  /** One that is known already changes nothing: who opened the subscriber anew may have read it from the journal. */
  add(replay: Replay): void {
    const known = [this.#current?.replay, ...this.#later].some((one) => one?.number === replay.number);
    if (!known) this.#later.push(replay);
    this.note();
  }

  /** One bounded step of the one that is under way. */
  read(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): void {
    if (this.isHungry) this.#current!.intake.feed.read(reader);
    this.note();
  }

  /** Notes how far it has come, and goes on with the next when it has come through. */
  note(): void {
    for (;;) {
      const current = this.#current;
      if (current) {
        const position = current.intake.cursor;
        if (position > current.noted) this.ledger.replayed(current.replay.number, position);
        current.noted = Math.max(current.noted, position);
        if (position < current.replay.through) return;
      }
      const replay = this.#later.shift();
      this.#current = replay && { ...this.open(replay), replay, noted: replay.position };
      if (!replay) return;
    }
  }

  /** What is in flight ends as it ends; if it fails it is not tried again. @param number of one; absent: of all */
  end(number?: number): void {
    const left = number === undefined ? [] : this.#later.filter((replay) => replay.number !== number);
    this.#later.splice(0, Infinity, ...left);
    const current = this.#current;
    if (!current || (number !== undefined && current.replay.number !== number)) return;
    current.intake.giveUpInFlight(current.replay.through);
    this.#current = undefined;
    this.note();
  }

  /** The one under way first. */
  status(): Omit<Replay, 'number' | 'subscriber'>[] {
    const current = this.#current ? [{ ...this.#current.replay, position: this.#current.intake.cursor }] : [];
    return [...current, ...this.#later].map(({ from, through, position, topics }) => ({
      from,
      through,
      position,
      ...(topics ? { topics } : {}),
    }));
  }
}

/** Keys of its own: what is given again keeps its order apart from what is new, and from other replays. */
export function replayOptions({ wants, selects, keyOf, keyWays }: Interest, replay: Replay): FeedOptions {
  const { number, position, through, topics } = replay;
  const trie = new TopicTrie<true>();
  for (const filter of topics ?? []) trie.add(filter, true);
  return {
    tail: { position: through },
    countsExactly: false, // it is no backlog
    start: position,
    wants: (topic) => wants(topic) && (!topics || trie.match(topic).length > 0),
    selects,
    keyOf: (record) => {
      const key = keyOf(record);
      return key && `#replay${number}:${key}`;
    },
    keyWays,
    skip: new Set(),
  };
}
