import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Rows of each kind looked at in one step. */
const STEP_ROWS = 500;

/** What was given up because nobody looked at it for so long. */
export interface Expired {
  rejections: number;
  deadLetters: number;
}

type Kind = keyof Expired;

/**
 * The age limit of rejections and dead letters, without which a trickle of poison would fill the journal in the
 * end. Oldest first, in bounded steps, inside a transaction. A rejected record goes at once: without its rejection
 * a subscriber that is behind would be given it. That of a dead letter goes with the next retention.
 */
export class Expiry {
  readonly #tables: { [kind in Kind]: { oldest: StatementSync; delete: StatementSync } };
  readonly #records: StatementSync;

  constructor(db: DatabaseSync) {
    const table = (name: string, key: string, at: string) => ({
      oldest: db.prepare(`SELECT ${key} AS key, ${at} AS at FROM ${name} ORDER BY ${key} LIMIT ?`),
      delete: db.prepare(`DELETE FROM ${name} WHERE ${key} <= ?`),
    });
    this.#tables = {
      rejections: table('rejections', 'position', 'rejected_at'),
      deadLetters: table('dead_letters', 'dead_letter', 'dead_at'),
    };
    this.#records = db.prepare(
      `DELETE FROM records WHERE position IN (SELECT position FROM rejections WHERE position <= ?)
         AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.position = records.position)
         AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.position = records.position)`,
    );
  }

  /** @param before what failed earlier is given up @returns also how many records went */
  step(before: number): Expired & { records: number } {
    const rejected = this.#lastBefore('rejections', before);
    const records = Number(this.#records.run(rejected).changes);
    const rejections = this.#clear('rejections', rejected);
    return { rejections, deadLetters: this.#clear('deadLetters', this.#lastBefore('deadLetters', before)), records };
  }

  /** The last of those to be given up, 0 for none. */
  #lastBefore(kind: Kind, before: number): number {
    const rows = this.#tables[kind].oldest.all(STEP_ROWS) as unknown as { key: number; at: number }[];
    const young = rows.findIndex(({ at }) => at >= before);
    return rows[young === -1 ? rows.length - 1 : young - 1]?.key ?? 0;
  }

  #clear(kind: Kind, last: number): number {
    return last > 0 ? Number(this.#tables[kind].delete.run(last).changes) : 0;
  }
}
