import { HoldfastError } from '../domain/errors.js';
import type { ListedRejection } from '../domain/journal.js';
import type { RejectionFilter } from '../domain/listing.js';
import { List, type Page, type PageRequest } from './list.js';
import type { Keeper, Shelf } from './ports.js';
import type { Selection } from './selection.js';
import { recordView, timed, type RecordView, type Timed } from './view.js';

export interface RejectionReplay {
  /** They came in again: what is still wrong is a rejection again, under a new position. */
  replayed: number;
  /** `missing`: there is no rejection at that position. Damaged ones stay. */
  skipped: { damaged: number; missing: number };
  /** There was no time for all: go on with this as `after`. */
  next?: number;
}

/** Rejections: looked at, given up, or checked again under a new position and the old id. */
export class Rejections {
  readonly #list: List<ListedRejection, RejectionFilter>;

  constructor(
    private readonly shelf: Shelf,
    private readonly keeper: Keeper,
  ) {
    this.#list = new List(
      (look, filter) => shelf.listRejections(look, filter),
      () => shelf.lastPosition(),
      ({ position }) => position,
    );
  }

  async page(filter: RejectionFilter, request: PageRequest): Promise<Page<Timed<ListedRejection>>> {
    const page = await this.#list.page(filter, request);
    return { ...page, items: page.items.map(timed) };
  }

  /** With its record, which is absent when it is damaged. @throws NOT_FOUND */
  one(position: number): Timed<ListedRejection> & { record?: RecordView } {
    const rejection = this.#list.find(position);
    if (!rejection) throw new HoldfastError('NOT_FOUND', `there is no rejection at position ${position}`);
    const [record] = this.shelf.recordsAt([position]);
    return { ...timed(rejection), ...(record ? { record: recordView(record) } : {}) };
  }

  async delete(selection: Selection<RejectionFilter>): Promise<{ deleted: number; next?: number }> {
    let deleted = 0;
    const { next } = await this.#list.each(selection, async (rejections) => {
      deleted += await this.keeper.deleteRejections(rejections.map(({ position }) => position));
    });
    return { deleted, ...(next === undefined ? {} : { next }) };
  }

  /** @throws NOT_FOUND, also when another call was faster */
  async deleteOne(position: number): Promise<void> {
    const deleted = await this.keeper.deleteRejections([position]);
    if (deleted === 0) throw new HoldfastError('NOT_FOUND', `there is no rejection at position ${position}`);
  }

  async replay(selection: Selection<RejectionFilter>): Promise<RejectionReplay> {
    const answer = { replayed: 0, skipped: { damaged: 0, missing: 0 } };
    const { next, missing } = await this.#list.each(selection, async (rejections) => {
      const moved = await this.keeper.reenter(rejections.map(({ position }) => position));
      answer.replayed += moved.length;
      answer.skipped.damaged += rejections.length - moved.length;
    });
    answer.skipped.missing += missing;
    return { ...answer, ...(next === undefined ? {} : { next }) };
  }
}
