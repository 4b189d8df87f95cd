import { setImmediate } from 'node:timers/promises';
import type { KeyRange, Look, Looked, Order } from '../domain/listing.js';
import type { Selection } from './selection.js';

/** Rows in one look: about a millisecond. */
const ROWS_PER_LOOK = 500;
/** Looks for one page. */
const LOOKS_PER_PAGE = 40;
/** A change of many entries is answered after so long, and says where to go on. */
const CHANGE_MS_MAX = 10_000;
/** Entries that are changed together: their records are in memory at once. */
const SLICE = 16;

export interface PageRequest {
  order: Order;
  limit: number;
  /** Where the page before ended. */
  after?: number;
}

export interface Page<T> {
  items: T[];
  /** Give it as `after` to get the next page; absent on the last one. A page may be empty and not the last. */
  next?: number;
}

/** A list of the journal, looked through by its keys in short looks with a turn of the event loop between them. */
export class List<T extends { id: string }, Filter extends object> {
  /** @param last the highest key there is */
  constructor(
    private readonly lookFor: (look: Look, filter: Filter) => Looked<T>,
    private readonly last: () => number,
    private readonly keyOf: (item: T) => number,
  ) {}

  page(filter: Filter, request: PageRequest): Promise<Page<T>> {
    return page((look) => this.lookFor(look, filter), { low: 1, high: this.last() }, request, this.keyOf);
  }

  find(key: number): T | undefined {
    return this.lookFor({ range: { low: key, high: key }, order: 'asc', rows: 1 }, {} as Filter).found[0];
  }

  /**
   * Hands what is selected over in slices, oldest first; never what comes while it runs, because what fails again
   * would be met again, for ever.
   * @returns `next`: where to go on, when there was no time for all; `missing`: so many that were named are not there, of
   *   ids only when all was looked through at once
   */
  async each(
    { keys, ids, filter, after }: Selection<Filter>,
    apply: (slice: T[]) => Promise<void>,
  ): Promise<{ next?: number; missing: number }> {
    if (keys) return { missing: await this.#eachNamed(keys, apply) };
    const ends = performance.now() + CHANGE_MS_MAX;
    const met = new Set<string>();
    let rest: KeyRange | undefined = { low: after + 1, high: this.last() };
    while (rest) {
      const looked: Looked<T> = this.lookFor({ range: rest, order: 'asc', rows: ROWS_PER_LOOK }, filter);
      const found = ids ? looked.found.filter(({ id }) => ids.has(id)) : looked.found;
      if (ids) for (const { id } of found) met.add(id);
      for (let at = 0; at < found.length; at += SLICE) await apply(found.slice(at, at + SLICE));
      rest = looked.rest;
      if (rest && performance.now() > ends) return { next: rest.low - 1, missing: 0 };
      await setImmediate();
    }
    return { missing: ids && after === 0 ? ids.size - met.size : 0 };
  }

  async #eachNamed(keys: readonly number[], apply: (slice: T[]) => Promise<void>): Promise<number> {
    const sorted = [...new Set(keys)].sort((a, b) => a - b);
    let there = 0;
    for (let at = 0; at < sorted.length; at += SLICE) {
      const found = sorted.slice(at, at + SLICE).map((key) => this.find(key));
      const slice = found.filter((item) => item !== undefined);
      there += slice.length;
      if (slice.length > 0) await apply(slice);
      await setImmediate();
    }
    return sorted.length - there;
  }
}

/** One page. With no hit in its looks it is empty and says where to go on. */
export async function page<T>(
  lookFor: (look: Look) => Looked<T>,
  whole: KeyRange,
  { order, limit, after }: PageRequest,
  keyOf: (item: T) => number,
): Promise<Page<T>> {
  let rest: KeyRange | undefined = beyond(whole, order, after);
  const found: T[] = [];
  for (let looks = 0; rest && found.length <= limit && looks < LOOKS_PER_PAGE; looks++) {
    if (looks > 0) await setImmediate();
    const looked: Looked<T> = lookFor({ range: rest, order, rows: ROWS_PER_LOOK });
    found.push(...looked.found);
    rest = looked.rest;
  }
  const items = found.slice(0, limit);
  if (found.length > limit) return { items, next: keyOf(items.at(-1)!) };
  if (!rest) return { items };
  return { items, next: order === 'asc' ? rest.low - 1 : rest.high + 1 };
}

/** What comes after that key, in this order. */
function beyond({ low, high }: KeyRange, order: Order, after: number | undefined): KeyRange {
  if (after === undefined) return { low, high };
  return order === 'asc' ? { low: Math.max(low, after + 1), high } : { low, high: Math.min(high, after - 1) };
}
