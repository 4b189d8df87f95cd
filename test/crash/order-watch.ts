/** A webhook app that fails at random, and what must be true of what it has taken all the same. */
import assert from 'node:assert/strict';
import { startReceiver, type Answer, type Received, type Receiver } from '../support/receiver.js';
import { pick, seededRandom, type Random } from '../support/seed.js';

/** What is published as number n, on topic n modulo their number. */
export interface Numbered {
  gwId: string;
  n: number;
  /** The ordering key; some have none. */
  k?: number;
}

export interface OrderWatchOptions {
  /** What order is kept by. */
  keyOf: (numbered: Numbered, topic: string) => string;
  /** Numbers that never come. Default: none. */
  filtered?: (n: number) => boolean;
}

interface Event extends Numbered {
  topic: string;
  sequence: number;
}

/** Such numbers are always refused: dead letters. */
const isPoison = (n: number): boolean => n % 211 === 210;

export class OrderWatch {
  readonly #delivered = new Set<number>();
  readonly #refused = new Set<number>();
  readonly #seen = new Set<number>();
  /** The newest journal position taken, by key. */
  readonly #newest = new Map<string, number>();
  readonly #faults: string[] = [];

  private constructor(
    readonly receiver: Receiver,
    private readonly options: OrderWatchOptions,
    private readonly random: Random,
  ) {}

  static async start(options: OrderWatchOptions, stream: number): Promise<OrderWatch> {
    const watch: OrderWatch = new OrderWatch(
      await startReceiver({ keep: 'hashes', answer: (request) => watch.#answer(request) }),
      options,
      seededRandom(stream),
    );
    return watch;
  }

  /** Whether every number below `count` was taken, or refused for good. */
  hasAll(count: number): boolean {
    return this.missing(count).length === 0;
  }

  missing(count: number): number[] {
    const { filtered = () => false } = this.options;
    const numbers = Array.from({ length: count }, (_, n) => n).filter((n) => !filtered(n));
    return numbers.filter((n) => !this.#delivered.has(n) && !this.#refused.has(n));
  }

  verify(count: number): void {
    assert.deepEqual(this.#faults.slice(0, 10), []);
    assert.deepEqual(this.missing(count), []);
    assert.equal([...this.#delivered].filter(isPoison).length, 0);
  }

  #answer(request: Received): Answer {
    const events = eventsOf(request);
    const poison = events.filter(({ n }) => isPoison(n));
    for (const { n } of events) if (this.options.filtered?.(n)) this.#faults.push(`${n} was filtered out`);
    if (this.random() < 0.15) return pick(this.random, FAILURES);
    if (poison.length > 0) {
      if (events.length === 1) this.#refused.add(poison[0]!.n);
      return { status: 422 };
    }
    for (const event of events) this.#take(event);
    return {};
  }

  #take(event: Event): void {
    this.#delivered.add(event.n);
    if (this.#seen.has(event.sequence)) return;
    this.#seen.add(event.sequence);
    const key = this.options.keyOf(event, event.topic);
    const newest = this.#newest.get(key) ?? 0;
    if (event.sequence < newest) this.#faults.push(`${key}: position ${event.sequence} came after ${newest}`);
    this.#newest.set(key, Math.max(newest, event.sequence));
  }
}

const FAILURES: readonly Answer[] = [
  { status: 500 },
  { status: 429 },
  { status: 503, headers: { 'retry-after': '0' } },
  { cut: true },
];

function eventsOf({ body, headers, topic, sequence }: Received): Event[] {
  const content = JSON.parse(body.toString()) as unknown;
  if (headers['content-type'] !== 'application/cloudevents-batch+json') {
    return [{ ...(content as Numbered), topic, sequence }];
  }
  const events = content as { subject: string; sequence: string; data: Numbered }[];
  return events.map((event) => ({ ...event.data, topic: event.subject, sequence: Number(event.sequence) }));
}
