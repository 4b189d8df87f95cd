import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { DROPPED_THROUGH } from './replays.js';

/** Records looked at in one step: a bound on how long one step keeps commits waiting, and on what it writes. */
const STEP_RECORDS = 1_000;
const VACUUM_PAGES = 512;
/** Below this many free pages the file is not worth shrinking. */
const FREE_PAGES_KEPT = 1_024;

/**
 * Deletes settled records in bounded steps, oldest first. Never past the slowest cursor, and never a record
 * that is waiting, a dead letter or a rejection: those are skipped and met again on the next round.
 */
export class Retention {
  readonly #candidates: StatementSync;
  readonly #delete: StatementSync;
  readonly #dropped: StatementSync;
  readonly #stepRecords: number;
  #walkedTo = 0;
  #clearedThrough = 0;

  /** @param scale of what is written at once, see `scaleOf` */
  constructor(
    private readonly db: DatabaseSync,
    private readonly scale: number,
  ) {
    this.#stepRecords = Math.ceil(STEP_RECORDS * scale);
    this.#candidates = db.prepare(
      'SELECT position, received_at FROM records WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
    );
    this.#delete = db.prepare(
      `DELETE FROM records WHERE position > ? AND position <= ?
         AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.position = records.position)
         AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.position = records.position)
         AND NOT EXISTS (SELECT 1 FROM rejections j WHERE j.position = records.position)`,
    );
    this.#dropped = db.prepare(
      `INSERT INTO meta VALUES ('${DROPPED_THROUGH}', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
       WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)`,
    );
  }

  /**
   * One step. @param floor no record after it is touched @param before records received earlier are old
   * @param pressed old or not, settled records go
   */
  step(floor: number, before: number, pressed: boolean): { deleted: number; more: boolean } {
    const rows = this.#candidates.all(this.#walkedTo, floor, this.#stepRecords) as unknown as {
      position: number;
      received_at: number;
    }[];
    const old = pressed ? rows.length : rows.findIndex((row) => row.received_at >= before);
    const count = old === -1 ? rows.length : old;
    if (count === 0) {
      this.#walkedTo = 0;
      return { deleted: 0, more: false };
    }
    const through = rows[count - 1]!.position;
    const deleted = Number(this.#delete.run(this.#walkedTo, through).changes);
    if (deleted > 0) this.#dropped.run(String(through));
    const more = count === this.#stepRecords;
    this.#walkedTo = more ? through : 0;
    this.#clearedThrough = Math.max(this.#clearedThrough, through);
    return { deleted, more };
  }

  /** Up to here only what must not be deleted is left. */
  get clearedThrough(): number {
    return this.#clearedThrough;
  }

  /** Gives some free pages back to the file system, if there are enough. Outside a transaction. @returns whether there were */
  shrink(): boolean {
    const { freelist_count: free } = this.db.prepare('PRAGMA freelist_count').get() as { freelist_count: number };
    if (free <= FREE_PAGES_KEPT * this.scale) return false;
    this.db.exec(`PRAGMA incremental_vacuum(${Math.ceil(VACUUM_PAGES * this.scale)})`);
    return true;
  }
}
