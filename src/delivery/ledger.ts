import type { DeadLetter, Settlement, Waiting } from '../domain/subscriber.js';

/** What changed since the last save. For each position the last word counts. */
class Changes {
  readonly waiting = new Map<number, Waiting>();
  readonly released = new Set<number>();
  readonly dead = new Map<number, DeadLetter>();
  /** How far each replay has come. */
  readonly replays = new Map<number, number>();
  records = 0;

  wait(row: Waiting): void {
    this.released.delete(row.position);
    this.waiting.set(row.position, row);
  }

  /** Also when the row is new in this save: it may be on disk from one before. */
  release(position: number): void {
    this.waiting.delete(position);
    this.released.add(position);
  }

  bury(letter: DeadLetter): void {
    this.dead.set(letter.position, letter);
  }

  /** Adds what changed after. */
  append(later: Changes): void {
    for (const row of later.waiting.values()) this.wait(row);
    for (const position of later.released) this.release(position);
    for (const letter of later.dead.values()) this.bury(letter);
    for (const [number, position] of later.replays) this.replays.set(number, position);
    this.records += later.records;
  }
}

/**
 * What one subscriber has to save. The cursor is asked for at the moment of saving, so that it is never
 * ahead of the rows that are saved with it.
 */
export class Ledger {
  #unsaved = new Changes();
  #saving: Changes | undefined;
  /** The cursor that is saved, or being saved. */
  #cursorTaken = -1;

  /**
   * @param cursorNow the subscriber's cursor as it stands
   * @param changed is told that one more record has something to save
   */
  constructor(
    readonly subscriber: string,
    private readonly cursorNow: () => number,
    private readonly changed: (ledger: Ledger) => void,
  ) {}

  /** The cursor moves past a record that needs no row. */
  passed(): void {
    this.#count();
  }

  wait(row: Omit<Waiting, 'subscriber'>): void {
    const { position, key, attempts, dueAt, reason, replayedAt } = row;
    this.#unsaved.wait({ subscriber: this.subscriber, position, key, attempts, dueAt, reason, replayedAt });
    this.#count();
  }

  release(position: number): void {
    this.#unsaved.release(position);
    this.#count();
  }

  /** Goes with {@link passed} or {@link release}, which count the record. */
  bury(letter: Omit<DeadLetter, 'subscriber'>): void {
    const { position, reason, status, detail, attempts, at } = letter;
    this.#unsaved.bury({ subscriber: this.subscriber, position, reason, status, detail, attempts, at });
  }

  /** A replay has come so far: what it had up to there is settled, or waits in rows that are saved no later. */
  replayed(number: number, position: number): void {
    this.#unsaved.replays.set(number, position);
    this.#count();
  }

  /** Whether all but the cursor is on disk. */
  get isSaved(): boolean {
    return this.#saving === undefined && this.#unsaved.records === 0;
  }

  /** Whether a save of it is under way. */
  get isBeingSaved(): boolean {
    return this.#saving !== undefined;
  }

  /** Records that have something to save, without those whose save is under way. */
  get unsaved(): number {
    return this.#unsaved.records;
  }

  get cursorMoved(): boolean {
    return this.cursorNow() > this.#cursorTaken;
  }

  /** Everything to be saved now, and how many records it settles. */
  take(): { settlement: Settlement; records: number } {
    const changes = (this.#saving = this.#unsaved);
    this.#unsaved = new Changes();
    this.#cursorTaken = this.cursorNow();
    const settlement = {
      subscriber: this.subscriber,
      cursor: this.#cursorTaken,
      waiting: [...changes.waiting.values()],
      released: [...changes.released],
      dead: [...changes.dead.values()],
      replays: Array.from(changes.replays, ([number, position]) => ({ number, position })),
    };
    return { settlement, records: changes.records };
  }

  /** What was taken is on disk. */
  saved(): void {
    this.#saving = undefined;
  }

  /** What was taken is not on disk: it joins what changed since. */
  restore(): void {
    const changes = this.#saving!;
    this.#saving = undefined;
    changes.append(this.#unsaved);
    this.#unsaved = changes;
    this.#cursorTaken = -1;
  }

  #count(): void {
    this.#unsaved.records++;
    this.changed(this);
  }
}
