import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Rows of each kind looked at in one step. */
const STEP_ROWS = 500;

/** What was given up because nobody looked at it for so long. */
export interface Expired {
  rejections: number;
  deadLetters: number;
}

/**
 * The age limit of rejections and dead letters, without which a trickle of poison would fill the journal in the
 * end. Their records go with the next retention. Oldest first, in bounded steps, inside a transaction.
 */
export class Expiry {
  readonly #tables: { [kind in keyof Expired]: { oldest: StatementSync; delete: StatementSync } };

  constructor(db: DatabaseSync) {
    const table = (name: string, key: string, at: string) => ({
      oldest: db.prepare(`SELECT ${key} AS key, ${at} AS at FROM ${name} ORDER BY ${key} LIMIT ?`),
      delete: db.prepare(`DELETE FROM ${name} WHERE ${key} <= ?`),
    });
    this.#tables = {
      rejections: table('rejections', 'position', 'rejected_at'),
      deadLetters: table('dead_letters', 'dead_letter', 'dead_at'),
    };
  }

  /** @param before what failed earlier is given up */
  step(before: number): Expired {
    return { rejections: this.#clear('rejections', before), deadLetters: this.#clear('deadLetters', before) };
  }

  #clear(kind: keyof Expired, before: number): number {
    const { oldest, delete: remove } = this.#tables[kind];
    const rows = oldest.all(STEP_ROWS) as unknown as { key: number; at: number }[];
    const young = rows.findIndex(({ at }) => at >= before);
    const last = rows[young === -1 ? rows.length - 1 : young - 1];
    return last ? Number(remove.run(last.key).changes) : 0;
  }
}
