import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { KeptAnswer, KeptRequest, PublishKey } from '../domain/publish.js';

/** Of a key and of each publish it leads to, besides the texts. */
const ROW_BYTES = 400;
/** An answer grows when it becomes final. */
const STATUS_BYTES = 24;

/** Idempotency keys, and what the requests that came with them were answered. Runs inside a transaction. */
export class KeyTable {
  readonly #add: StatementSync;
  readonly #keep: StatementSync;
  readonly #old: StatementSync;
  readonly #postpone: StatementSync;
  readonly #forget: StatementSync;
  /** By caller. */
  #bytes: Map<string, number>;
  /** As it was when the transaction began. */
  #before: ReadonlyMap<string, number>;

  constructor(
    db: DatabaseSync,
    private readonly bytesMax: number,
  ) {
    this.#add = db.prepare(
      'INSERT INTO publish_keys (caller, key, digest, answers, bytes, first_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#keep = db.prepare('UPDATE publish_keys SET answers = ? WHERE caller = ? AND key = ?');
    this.#old = db.prepare(
      `SELECT caller, key,
         EXISTS (SELECT 1 FROM json_each(answers) a JOIN outbox o ON o.id = json_extract(a.value, '$.id')
                 WHERE o.status = 'queued') AS queued
       FROM publish_keys WHERE first_at < ? ORDER BY first_at LIMIT ?`,
    );
    this.#postpone = db.prepare('UPDATE publish_keys SET first_at = ? WHERE caller = ? AND key = ?');
    this.#forget = db.prepare('DELETE FROM publish_keys WHERE caller = ? AND key = ? RETURNING bytes');
    const sums = db.prepare('SELECT caller, sum(bytes) AS bytes FROM publish_keys GROUP BY caller').all();
    const entries = (sums as { caller: string; bytes: number }[]).map(({ caller, bytes }) => [caller, bytes] as const);
    this.#before = this.#bytes = new Map(entries);
  }

  begin(): void {
    this.#before = new Map(this.#bytes);
  }

  rollback(): void {
    this.#bytes = new Map(this.#before);
  }

  /** @returns false: there is no room. A caller that is known has no more than half of it: the keys of others have some, too */
  add({ caller, key, digest, answers }: PublishKey & KeptRequest, at: number): boolean {
    const text = JSON.stringify(answers);
    const bytes = caller.length + key.length + text.length + (STATUS_BYTES + ROW_BYTES) * (1 + answers.length);
    const own = this.#bytes.get(caller) ?? 0;
    const all = [...this.#bytes.values()].reduce((sum, one) => sum + one, 0);
    if (all + bytes > this.bytesMax || (caller !== '' && own > 0 && own + bytes > this.bytesMax / 2)) return false;
    // One whose publishes are forgotten may outlive them for a moment.
    this.#remove({ caller, key });
    this.#add.run(caller, key, digest, text, bytes, at);
    this.#count(caller, bytes);
    return true;
  }

  keep({ caller, key }: PublishKey, answers: readonly KeptAnswer[]): void {
    this.#keep.run(JSON.stringify(answers), caller, key);
  }

  /** Those of before, but for those that lead to a publish which still waits. @returns how many were looked at */
  forget(before: number, now: number, limit: number): number {
    const rows = this.#old.all(before, limit) as unknown as (PublishKey & { queued: number })[];
    for (const { caller, key, queued } of rows) {
      if (queued === 1) this.#postpone.run(now, caller, key);
      else this.#remove({ caller, key });
    }
    return rows.length;
  }

  #remove({ caller, key }: PublishKey): void {
    const row = this.#forget.get(caller, key) as { bytes: number } | undefined;
    if (row) this.#count(caller, -row.bytes);
  }

  #count(caller: string, bytes: number): void {
    const sum = (this.#bytes.get(caller) ?? 0) + bytes;
    if (sum === 0) this.#bytes.delete(caller);
    else this.#bytes.set(caller, sum);
  }
}
