import { HoldfastError } from '../domain/errors.js';
import type { Place } from '../domain/instant.js';
import type { KeyRange, ListedRecord, TopicAndTime } from '../domain/listing.js';
import { page, type Page, type PageRequest } from './list.js';
import type { Shelf } from './ports.js';
import { recordView, type RecordView } from './view.js';

/** With so many bytes of payload a page ends. */
const PAGE_BYTES_MAX = 1 << 20;
/** Records of one time may be on either side of others by so much, when a clock was set right. */
const DISORDER_MS = 10_000;

export type ShownRecord = RecordView & {
  /** `pending`: its contract has not been checked yet. */
  verdict: 'admitted' | 'rejected' | 'pending';
  /** How often it came in again, as a mended rejection. */
  replays: number;
};

export interface RecordQuery {
  topics?: string[];
  from?: Place;
  to?: Place;
}

/** What is in the journal. */
export class Records {
  /** @param admittedThrough every record up to here has its verdict */
  constructor(
    private readonly shelf: Shelf,
    private readonly admittedThrough: () => number,
  ) {}

  async page(query: RecordQuery, request: PageRequest): Promise<Page<ShownRecord>> {
    const { whole, filter } = this.#bounds(query);
    const listed = await page(
      (look) => this.shelf.listRecords(look, filter),
      whole,
      request,
      ({ position }) => position,
    );
    const items: ShownRecord[] = [];
    let bytes = 0;
    for (const entry of listed.items) {
      const record = this.shelf.recordsAt([entry.position])[0]; // damaged ones are left out
      if (!record) continue;
      bytes += record.payload.length;
      if (items.length > 0 && bytes > PAGE_BYTES_MAX) return { items, next: items.at(-1)!.position };
      items.push(this.#shown(entry, recordView(record)));
    }
    return { ...listed, items };
  }

  /** @throws NOT_FOUND */
  one(position: number): ShownRecord {
    const [entry] = this.shelf.listRecords(
      { range: { low: position, high: position }, order: 'asc', rows: 1 },
      {},
    ).found;
    const record = entry && this.shelf.recordsAt([position])[0];
    if (!record) throw new HoldfastError('NOT_FOUND', `there is no record at position ${position}`);
    return this.#shown(entry, recordView(record));
  }

  #shown({ position, rejected, replays }: ListedRecord, view: RecordView): ShownRecord {
    const pending = !rejected && position > this.admittedThrough();
    return { ...view, verdict: rejected ? 'rejected' : pending ? 'pending' : 'admitted', replays };
  }

  /** Times become positions, so that a page of yesterday does not begin at the journal's first record. */
  #bounds({ topics, from, to }: RecordQuery): { whole: KeyRange; filter: TopicAndTime } {
    const whole = { low: 1, high: this.shelf.lastPosition() };
    const filter: TopicAndTime = { topics };
    if (from && 'position' in from) whole.low = from.position;
    if (from && 'time' in from) {
      filter.from = from.time;
      whole.low = this.shelf.positionAt(from.time);
    }
    if (to && 'position' in to) whole.high = Math.min(whole.high, to.position);
    if (to && 'time' in to) {
      filter.to = to.time;
      whole.high = Math.min(whole.high, this.shelf.positionAt(to.time + DISORDER_MS));
    }
    return { whole, filter };
  }
}
