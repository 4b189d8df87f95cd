import type { JournalReader } from '../domain/journal.js';
import type { Discarded, SubscriberSettings } from '../domain/subscriber.js';
import type { Intake } from './intake.js';
import type { Row } from './waiting.js';
import type { Task } from './window.js';

/** Records given up in one turn of the event loop. */
const STEP_RECORDS = 256;

/** What was given up. */
export type GivenUp = Pick<Discarded, 'records' | 'from' | 'through'>;

/**
 * What one subscriber has not had yet, and its bound. Beyond the bound the oldest are given up: they are no dead
 * letters, because those would keep the disk that the bound is to free. What is in flight is left to its answer.
 */
export class Backlog {
  #inFlight = 0;

  constructor(
    private readonly intake: Intake,
    private readonly bound: SubscriberSettings['maxBacklog'],
  ) {}

  /** Neither delivered nor dead nor given up. */
  get records(): number {
    const { feed, window, waiting } = this.intake;
    return feed.records + window.unfinished + waiting.size;
  }

  /** Of their payloads. */
  get bytes(): number {
    const { feed, window, waiting } = this.intake;
    return feed.bytes + window.bytes + waiting.bytes;
  }

  /** Whether there is something to give up. */
  get isExceeded(): boolean {
    if (!this.bound) return false;
    const { records = Infinity, bytes = Infinity } = this.bound;
    return (this.records > records || this.bytes > bytes) && this.records > this.#inFlight;
  }

  /** How many more rows may come to wait before it is too much. */
  get room(): number {
    const { records = Infinity, bytes = Infinity } = this.bound ?? {};
    return this.bytes < bytes ? Math.max(0, records - this.records) : 0;
  }

  /** Attempts of so many more of its records begin; less than 0: have ended. */
  inFlight(more: number): void {
    this.#inFlight += more;
  }

  /** One bounded step back to the bound: undefined when nothing was given up. */
  shrink(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): GivenUp | undefined {
    const gone = new Tally();
    const more = (): boolean => gone.records < STEP_RECORDS && this.isExceeded;
    for (const one of this.#idle()) {
      if (!more()) break;
      this.intake.giveUp(one);
      gone.add(one.position);
    }
    const { feed } = this.intake;
    while (more() && feed.next) gone.add(feed.take()!.position);
    if (more()) feed.skip(reader, more, ({ position }) => gone.add(position));
    return gone.records > 0 ? gone : undefined;
  }

  /** The journal has given up everything up to `through`, about so many `records`. */
  giveUp(through: number, records: number): void {
    const gone = new Tally();
    this.intake.giveUpInFlight(through);
    for (const one of this.#idle()) {
      if (one.position > through) break;
      this.intake.giveUp(one);
      gone.add(one.position);
    }
    const { feed } = this.intake;
    for (let next = feed.next; next && next.position <= through; next = feed.next) gone.add(feed.take()!.position);
    feed.jump(through, Math.max(0, records - gone.records));
  }

  /** The oldest first. What waits for its turn in the feed is newer. */
  #idle(): (Task | Row)[] {
    const { window, waiting } = this.intake;
    return [...waiting.idle(), ...window.idle()].sort((a, b) => a.position - b.position);
  }
}

class Tally implements GivenUp {
  records = 0;
  from = 0;
  through = 0;

  add(position: number): void {
    this.from = this.records === 0 ? position : Math.min(this.from, position);
    this.through = Math.max(this.through, position);
    this.records++;
  }
}
