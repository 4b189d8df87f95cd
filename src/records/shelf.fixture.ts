import type { ListedDeadLetter, ListedRejection } from '../domain/journal.js';
import type { ListedRecord, Look, Looked } from '../domain/listing.js';
import type { Record } from '../domain/record.js';
import type { RevivedLetter } from '../domain/replay.js';
import type { Waiting } from '../domain/subscriber.js';
import type { Keeper, Recipients, Refusal, Shelf } from './ports.js';

/** Looks through what is in an array, as the journal looks through a table. Says how many rows were looked at. */
export class Rows<T> {
  looked = 0;
  rowsMost = 0;

  constructor(
    public items: T[],
    private readonly keyOf: (item: T) => number,
  ) {}

  look({ range: { low, high }, order, rows }: Look, matches: (item: T) => boolean = () => true): Looked<T> {
    const within = this.items.filter((item) => this.keyOf(item) >= low && this.keyOf(item) <= high);
    const sorted = within.sort((a, b) => (this.keyOf(a) - this.keyOf(b)) * (order === 'asc' ? 1 : -1));
    const part = sorted.slice(0, rows);
    this.looked += part.length;
    this.rowsMost = Math.max(this.rowsMost, part.length);
    const last = part.length < sorted.length ? this.keyOf(part.at(-1)!) : undefined;
    const rest = last === undefined ? undefined : order === 'asc' ? { low: last + 1, high } : { low, high: last - 1 };
    return { found: part.filter(matches), ...(rest ? { rest } : {}) };
  }
}

export function recordAt(position: number, topic = 'a', payload = `${position}`): Record {
  const facts = { qos: 1 as const, retain: false, receivedAt: position * 1_000, properties: null };
  return { position, id: `id-${position}`, topic, payload: Buffer.from(payload), ...facts };
}

/** A journal in memory: every dead letter is of the position of its number. */
export class FakeShelf implements Shelf {
  readonly records = new Map<number, Record>();
  readonly rejected = new Set<number>();
  readonly letters = new Rows<ListedDeadLetter>([], ({ number }) => number);
  readonly rejections = new Rows<ListedRejection>([], ({ position }) => position);
  admitted = Infinity;
  dropped = 0;

  add(count: number, topic?: (position: number) => string): void {
    const from = this.lastPosition() + 1;
    for (let at = from; at < from + count; at++) this.records.set(at, recordAt(at, topic?.(at)));
  }

  bury(subscriber: string, ...positions: number[]): void {
    for (const position of positions) {
      const { id, topic } = this.records.get(position) ?? recordAt(position);
      const facts = { reason: 'status', status: 400, detail: 'no', attempts: 1, at: position };
      this.letters.items.push({ number: position, subscriber, position, id, topic, ...facts });
    }
  }

  listDeadLetters: Shelf['listDeadLetters'] = (look, { subscriber }) =>
    this.letters.look(look, (letter) => subscriber === undefined || letter.subscriber === subscriber);

  listRejections: Shelf['listRejections'] = (look, { contract }) =>
    this.rejections.look(look, (one) => contract === undefined || one.contract === contract);

  listRecords: Shelf['listRecords'] = (look, { topics, from = 0, to = Infinity }) => {
    const listed = [...this.records.values()].map(({ position, topic, receivedAt }): ListedRecord => ({
      ...{ position, topic, receivedAt },
      rejected: this.rejected.has(position),
      replays: 0,
    }));
    const matches = ({ topic, receivedAt }: ListedRecord): boolean =>
      (!topics || topics.includes(topic)) && receivedAt >= from && receivedAt <= to;
    return new Rows(listed, ({ position }) => position).look(look, matches);
  };

  recordsAt(positions: number[]): Record[] {
    return positions.map((position) => this.records.get(position)).filter((record) => record !== undefined);
  }
  lastPosition(): number {
    return Math.max(0, ...this.records.keys());
  }
  lastDeadLetter(): number {
    return Math.max(0, ...this.letters.items.map(({ number }) => number));
  }
  admittedThrough(): number {
    return this.admitted;
  }
  droppedThrough(): number {
    return this.dropped;
  }
  positionAt(time: number): number {
    return Math.min(Math.ceil(time / 1_000), this.lastPosition() + 1);
  }
}

/** What is changed in a {@link FakeShelf}. */
export class FakeKeeper implements Keeper {
  readonly replays: Parameters<Keeper['startReplay']>[0][] = [];

  constructor(private readonly shelf: FakeShelf) {}

  reviveDeadLetters(letters: RevivedLetter[]): Promise<number[]> {
    return Promise.resolve(this.#remove(letters.map(({ number }) => number)));
  }
  deleteDeadLetters(numbers: number[]): Promise<number> {
    return Promise.resolve(this.#remove(numbers).length);
  }
  /** A rejected record comes in again and fails again at once. */
  reenter(positions: number[]): Promise<number[]> {
    const { rejections } = this.shelf;
    const moved = rejections.items.filter(({ position }) => positions.includes(position));
    rejections.items = rejections.items.filter((one) => !moved.includes(one));
    for (const one of moved) {
      this.shelf.add(1);
      rejections.items.push({ ...one, position: this.shelf.lastPosition(), replays: one.replays + 1 });
    }
    return Promise.resolve(moved.map(({ position }) => position));
  }
  deleteRejections(positions: number[]): Promise<number> {
    const { rejections } = this.shelf;
    const before = rejections.items.length;
    rejections.items = rejections.items.filter(({ position }) => !positions.includes(position));
    return Promise.resolve(before - rejections.items.length);
  }
  startReplay(request: Parameters<Keeper['startReplay']>[0]): ReturnType<Keeper['startReplay']> {
    this.replays.push(request);
    return Promise.resolve({ replay: { ...request, number: 1, position: request.from - 1 } });
  }
  cancelReplays(): Promise<number> {
    return Promise.resolve(this.replays.splice(0).length);
  }

  #remove(numbers: number[]): number[] {
    const { letters } = this.shelf;
    const there = letters.items.filter(({ number }) => numbers.includes(number));
    letters.items = letters.items.filter((one) => !there.includes(one));
    return there.map(({ number }) => number);
  }
}

/** Delivery to `app`, which wants everything but the topic `unwanted`. */
export class FakeRecipients implements Recipients {
  readonly rows: (Waiting & { bytes: number })[] = [];
  readonly told: string[] = [];
  room = Infinity;

  regards(subscriber: string, { topic }: Record): { wanted: boolean; key: string } | undefined {
    return subscriber === 'app' ? { wanted: topic !== 'unwanted', key: topic } : undefined;
  }
  roomForReplay(): number {
    return this.room - this.rows.length;
  }
  revived(rows: readonly (Waiting & { bytes: number })[]): void {
    this.rows.push(...rows);
  }
  settled(subscriber: string): Promise<void> {
    this.told.push(`settled ${subscriber}`);
    return Promise.resolve();
  }
  replay({ from, through }: { from: number; through: number }): void {
    this.told.push(`replay ${from} ${through}`);
  }
  endReplays(subscriber: string): void {
    this.told.push(`end ${subscriber}`);
  }
}

/** Records of these positions fail their contract. */
export function failing(...positions: number[]): (asked: number[]) => Promise<Refusal[]> {
  return (asked) =>
    Promise.resolve(
      asked
        .filter((position) => positions.includes(position))
        .map((position) => ({ position, reason: 'schema', detail: '/gwId is missing' })),
    );
}
