import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { HoldfastError } from '../domain/errors.js';
import { flagsOf, qosOf, retainOf, type MessageProperties } from '../domain/message.js';
import type { OutboxEntry, Publish, PublishResult } from '../domain/publish.js';

/** Publishes that may wait for the broker at once; past it callers get OUTBOX_FULL. */
export const OUTBOX_ENTRIES_MAX = 100_000;
/** How long a result can be asked for. */
const RESULTS_KEPT_MS = 24 * 3_600_000;

/** Publishes that wait for the broker, and how the others ended. Runs inside a transaction. */
export class OutboxTable {
  readonly #add: StatementSync;
  readonly #next: StatementSync;
  readonly #finish: StatementSync;
  readonly #forget: StatementSync;

  constructor(private readonly db: DatabaseSync) {
    this.#add = db.prepare(
      `INSERT INTO outbox (id, topic, payload, flags, properties, accepted_at, status) VALUES (?, ?, ?, ?, ?, ?, 'queued')`,
    );
    this.#next = db.prepare(
      `SELECT sequence, id, topic, payload, flags, properties, accepted_at FROM outbox
       WHERE status = 'queued' AND sequence > ? ORDER BY sequence LIMIT ?`,
    );
    // The payload is let go of: what is left is the answer to GET /v1/publishes/{id}.
    this.#finish = db.prepare(
      `UPDATE outbox SET status = ?, reason_code = ?, cause = ?, finished_at = ?, payload = NULL WHERE sequence = ? AND status = 'queued'`,
    );
    this.#forget = db.prepare(
      `DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox WHERE finished_at < ? ORDER BY sequence LIMIT ?)`,
    );
  }

  queued(): number {
    return (this.db.prepare("SELECT count(*) AS n FROM outbox WHERE status = 'queued'").get() as { n: number }).n;
  }

  add(publish: Publish, queued: number): number {
    if (queued >= OUTBOX_ENTRIES_MAX) throw new HoldfastError('OUTBOX_FULL', `${queued} publishes wait for the broker`);
    const { id, topic, payload, properties, acceptedAt } = publish;
    const flags = flagsOf({ qos: publish.qos, retain: publish.retain, dup: false });
    const text = properties ? JSON.stringify(properties) : null;
    return Number(this.#add.run(id, topic, payload, flags, text, acceptedAt).lastInsertRowid);
  }

  next(afterSequence: number, limit: number): OutboxEntry[] {
    const rows = this.#next.all(afterSequence, limit) as unknown as {
      sequence: number;
      id: string;
      topic: string;
      payload: Uint8Array;
      flags: number;
      properties: string | null;
      accepted_at: number;
    }[];
    return rows.map((row) => ({
      sequence: row.sequence,
      id: row.id,
      topic: row.topic,
      payload: row.payload,
      qos: qosOf(row.flags) === 0 ? 0 : 1,
      retain: retainOf(row.flags),
      properties: row.properties === null ? null : (JSON.parse(row.properties) as MessageProperties),
      acceptedAt: row.accepted_at,
    }));
  }

  /** @returns how many were still queued */
  finish(results: readonly PublishResult[], at: number): number {
    let finished = 0;
    for (const { sequence, outcome, reasonCode, cause } of results) {
      finished += Number(this.#finish.run(outcome, reasonCode, cause ?? null, at, sequence).changes);
    }
    return finished;
  }

  forgetOld(now: number, limit: number): void {
    this.#forget.run(now - RESULTS_KEPT_MS, limit);
  }
}
