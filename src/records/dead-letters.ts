import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import type { ListedDeadLetter } from '../domain/journal.js';
import type { DeadLetterFilter } from '../domain/listing.js';
import type { Record } from '../domain/record.js';
import type { RevivedLetter } from '../domain/replay.js';
import { List, type Page, type PageRequest } from './list.js';
import type { CheckAgain, Keeper, Recipients, Shelf } from './ports.js';
import type { Selection } from './selection.js';
import { recordView, timed, type RecordView, type Timed } from './view.js';

/** Of so many that were left out the answer says why. */
const SKIPPED_TOLD_MAX = 100;

/** Why a dead letter stays one. `missing`: there is none of that number. */
export type Skip = 'contract' | 'filter' | 'subscriber' | 'damaged' | 'missing';

export interface DeadLetterReplay {
  /** They wait for their subscriber again. */
  replayed: number;
  /** They stay dead letters, because as many wait for their subscriber already as may. */
  remaining: number;
  /** They stay dead letters. */
  skipped: { [why in Skip]: number };
  /** Which were skipped, the first 100. */
  notes: { number: number; why: Skip; detail: string }[];
  /** There was no time for all: go on with this as `after`. */
  next?: number;
}

/** Dead letters: looked at, given up, or given again through contract and filter. */
export class DeadLetters {
  readonly #list: List<ListedDeadLetter, DeadLetterFilter>;

  constructor(
    private readonly shelf: Shelf,
    private readonly keeper: Keeper,
    private readonly recipients: Recipients,
    private readonly check: CheckAgain,
    private readonly clock: Pick<Clock, 'now'>,
  ) {
    this.#list = new List(
      (look, filter) => shelf.listDeadLetters(look, filter),
      () => shelf.lastDeadLetter(),
      ({ number }) => number,
    );
  }

  async page(filter: DeadLetterFilter, request: PageRequest): Promise<Page<Timed<ListedDeadLetter>>> {
    const page = await this.#list.page(filter, request);
    return { ...page, items: page.items.map(timed) };
  }

  /** With its record, which is absent when it is damaged. @throws NOT_FOUND */
  one(number: number): Timed<ListedDeadLetter> & { record?: RecordView } {
    const letter = this.#list.find(number);
    if (!letter) throw new HoldfastError('NOT_FOUND', `there is no dead letter ${number}`);
    const [record] = this.shelf.recordsAt([letter.position]);
    return { ...timed(letter), ...(record ? { record: recordView(record) } : {}) };
  }

  async delete(selection: Selection<DeadLetterFilter>): Promise<{ deleted: number; next?: number }> {
    let deleted = 0;
    const { next } = await this.#list.each(selection, async (letters) => {
      deleted += await this.keeper.deleteDeadLetters(letters.map(({ number }) => number));
    });
    return { deleted, ...(next === undefined ? {} : { next }) };
  }

  /** @throws NOT_FOUND, also when another call was faster */
  async deleteOne(number: number): Promise<void> {
    const deleted = await this.keeper.deleteDeadLetters([number]);
    if (deleted === 0) throw new HoldfastError('NOT_FOUND', `there is no dead letter ${number}`);
  }

  async replay(selection: Selection<DeadLetterFilter>): Promise<DeadLetterReplay> {
    const skipped = { contract: 0, filter: 0, subscriber: 0, damaged: 0, missing: 0 };
    const answer: DeadLetterReplay = { replayed: 0, remaining: 0, skipped, notes: [] };
    const { next, missing } = await this.#list.each(selection, (letters) => this.#again(letters, answer));
    skipped.missing += missing;
    return { ...answer, ...(next === undefined ? {} : { next }) };
  }

  async #again(letters: ListedDeadLetter[], answer: DeadLetterReplay): Promise<void> {
    const skip = (number: number, why: Skip, detail = ''): undefined => {
      answer.skipped[why]++;
      if (answer.notes.length < SKIPPED_TOLD_MAX) answer.notes.push({ number, why, detail });
    };
    const records = new Map<number, Record>();
    for (const record of this.shelf.recordsAt([...new Set(letters.map(({ position }) => position))])) {
      records.set(record.position, record);
    }
    const wanted: (RevivedLetter & { bytes: number })[] = [];
    for (const { number, subscriber, position } of letters) {
      const record = records.get(position);
      const regard = record && this.recipients.regards(subscriber, record);
      if (!record) skip(number, 'damaged', 'the record is damaged');
      else if (!regard) skip(number, 'subscriber', `nobody serves "${subscriber}"`);
      else if (!regard.wanted) skip(number, 'filter', `"${subscriber}" does not ask for it any more`);
      else wanted.push({ number, subscriber, position, key: regard.key, bytes: record.payload.length });
    }
    const positions = [...new Set(wanted.map(({ position }) => position))];
    const refusals = new Map((await this.check(positions)).map((refusal) => [refusal.position, refusal]));
    const taken = new Map<string, number>();
    const fitting = wanted.filter(({ number, subscriber, position }) => {
      const refusal = refusals.get(position);
      if (refusal) return skip(number, 'contract', `${refusal.reason}: ${refusal.detail}`);
      const count = (taken.get(subscriber) ?? 0) + 1;
      if (count > this.recipients.roomForReplay(subscriber)) {
        answer.remaining++;
        return false;
      }
      taken.set(subscriber, count);
      return true;
    });
    answer.replayed += await this.#revive(fitting);
  }

  /** First in the journal, whole: killed in between, the rows are there at the next start. */
  async #revive(letters: (RevivedLetter & { bytes: number })[]): Promise<number> {
    if (letters.length === 0) return 0;
    const now = this.clock.now();
    const revived = new Set(await this.keeper.reviveDeadLetters(letters, now));
    const rows = letters
      .filter(({ number }) => revived.has(number))
      .map(({ subscriber, position, key, bytes }) => ({
        ...{ subscriber, position, key, bytes },
        ...{ attempts: 0, dueAt: now, reason: '', replayedAt: now },
      }));
    this.recipients.revived(rows);
    return rows.length;
  }
}
