import type { DeadLetter, Settlement, Waiting } from '../domain/subscriber.js';

/**
 * What changed since the last save. For each position the last word counts. Mostly it is the cursor alone, and a thousand
 * subscribers are saved many times a second: what is not there costs nothing.
 */
class Changes {
  waiting: Map<number, Waiting> | undefined;
  released: Set<number> | undefined;
  dead: Map<number, DeadLetter> | undefined;
  /** How far each replay has come. */
  replays: Map<number, number> | undefined;
  records = 0;

  wait(row: Waiting): void {
    this.released?.delete(row.position);
    (this.waiting ??= new Map()).set(row.position, row);
  }

  /** Also when the row is new in this save: it may be on disk from one before. */
  release(position: number): void {
    this.waiting?.delete(position);
    (this.released ??= new Set()).add(position);
  }

  bury(letter: DeadLetter): void {
    (this.dead ??= new Map()).set(letter.position, letter);
  }

  replayed(number: number, position: number): void {
    (this.replays ??= new Map()).set(number, position);
  }

  /** Adds what changed after. */
  append(later: Changes): void {
    for (const row of later.waiting?.values() ?? []) this.wait(row);
    for (const position of later.released ?? []) this.release(position);
    for (const letter of later.dead?.values() ?? []) this.bury(letter);
    for (const [number, position] of later.replays ?? []) this.replayed(number, position);
    this.records += later.records;
  }

  settlement(subscriber: string, cursor: number): Settlement {
    const settlement: Settlement = { subscriber, cursor };
    if (this.waiting) settlement.waiting = [...this.waiting.values()];
    if (this.released) settlement.released = [...this.released];
    if (this.dead) settlement.dead = [...this.dead.values()];
    if (this.replays) settlement.replays = Array.from(this.replays, ([number, position]) => ({ number, position }));
    return settlement;
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
    const { position, key, keyWays, attempts, dueAt, reason, replayedAt } = row;
    this.#unsaved.wait({ subscriber: this.subscriber, position, key, keyWays, attempts, dueAt, reason, replayedAt });
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
    this.#unsaved.replayed(number, position);
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
    const settlement = changes.settlement(this.subscriber, this.#cursorTaken);
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
