import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { REJECTIONS_COUNTED } from '../domain/journal.js';
import type { Rejection } from '../domain/record.js';
import type { Settlement } from '../domain/subscriber.js';

const DETAIL_CHARACTERS_MAX = 2_048; // an over-long answer must not make a record unwritable

/** Keeps how far admission and each subscriber have come. Runs inside a transaction. */
export class ProgressTable {
  readonly #setMeta: StatementSync;
  readonly #reject: StatementSync;
  readonly #rejections: StatementSync;
  readonly #cursor: StatementSync;
  readonly #wait: StatementSync;
  readonly #release: StatementSync;
  readonly #bury: StatementSync;
  readonly #isDead: StatementSync;
  readonly #deadLetters: StatementSync;
  readonly #behind: StatementSync;

  constructor(private readonly db: DatabaseSync) {
    this.#setMeta = db.prepare(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#reject = db.prepare('INSERT OR REPLACE INTO rejections VALUES (?, ?, ?, ?, ?)');
    this.#rejections = db.prepare(
      `SELECT count(*) AS count FROM (SELECT 1 FROM rejections LIMIT ${REJECTIONS_COUNTED})`,
    );
    this.#cursor = db.prepare('UPDATE subscribers SET cursor = max(cursor, ?) WHERE subscriber = ?');
    this.#wait = db.prepare(
      `INSERT OR REPLACE INTO waiting (subscriber, position, ordering_key, key_ways, attempts, due_at, reason, replayed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#release = db.prepare('DELETE FROM waiting WHERE subscriber = ? AND position = ?');
    this.#bury = db.prepare(
      `INSERT INTO dead_letters (subscriber, position, reason, status, detail, attempts, dead_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (subscriber, position) DO UPDATE SET reason = excluded.reason, status = excluded.status,
         detail = excluded.detail, attempts = excluded.attempts, dead_at = excluded.dead_at`,
    );
    this.#isDead = db.prepare('SELECT 1 FROM dead_letters WHERE subscriber = ? AND position = ?');
    this.#deadLetters = db.prepare(
      `SELECT subscriber, sum(n) AS n FROM
         (SELECT subscriber, 0 AS n FROM subscribers
          UNION ALL SELECT subscriber, count(*) FROM dead_letters GROUP BY subscriber) GROUP BY subscriber`,
    );
    this.#behind = db.prepare(
      `SELECT min(at) AS at FROM (SELECT min(cursor) AS at FROM subscribers UNION ALL SELECT min(position) FROM replays)`,
    );
  }

  meta(name: string): string | undefined {
    return (this.db.prepare('SELECT value FROM meta WHERE name = ?').get(name) as { value: string } | undefined)?.value;
  }

  setMeta(name: string, value: string): void {
    this.#setMeta.run(name, value);
  }

  saveAdmitted(through: number): void {
    this.#setMeta.run('admitted', String(through));
  }

  reject(rejections: readonly Rejection[], at: number): void {
    for (const { position, contract, reason, problems } of rejections) {
      this.#reject.run(position, contract, reason, JSON.stringify(problems), at);
    }
  }

  /** How many wait, up to a bound. */
  rejections(): number {
    return (this.#rejections.get() as { count: number }).count;
  }

  /** How many there are, by subscriber: 0 for one that has none. */
  deadLetters(): { [subscriber: string]: number } {
    const rows = this.#deadLetters.all() as unknown as { subscriber: string; n: number }[];
    return Object.fromEntries(rows.map((row) => [row.subscriber, row.n]));
  }

  /** @returns dead letters added, by subscriber */
  settle(settlements: readonly Settlement[]): Map<string, number> {
    const dead = new Map<string, number>();
    for (const settlement of settlements) {
      const { subscriber, waiting = [], released = [], dead: letters = [] } = settlement;
      for (const row of waiting) {
        const { position, key, keyWays = '', attempts, dueAt, reason, replayedAt = null } = row;
        this.#wait.run(subscriber, position, key, keyWays, attempts, dueAt, reason, replayedAt);
      }
      for (const position of released) this.#release.run(subscriber, position);
      for (const letter of letters) {
        const detail = letter.detail.slice(0, DETAIL_CHARACTERS_MAX);
        const { position, reason, status, attempts, at } = letter;
        if (!this.#isDead.get(subscriber, position)) dead.set(subscriber, (dead.get(subscriber) ?? 0) + 1);
        this.#bury.run(subscriber, position, reason, status, detail, attempts, at);
      }
      this.#cursor.run(settlement.cursor, subscriber);
    }
    return dead;
  }

  /** The furthest position that retention may delete up to. */
  floor(admitted: number): number {
    const row = this.#behind.get() as { at: number | null };
    return Math.min(admitted, row.at ?? admitted);
  }
}

/** How many rows a settlement writes. */
export function rowsOf({ waiting, released, dead }: Settlement): number {
  return 1 + (waiting?.length ?? 0) + (released?.length ?? 0) + (dead?.length ?? 0);
}
