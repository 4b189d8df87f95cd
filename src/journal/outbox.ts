import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AcceptRefusal } from '../domain/journal.js';
import { flagsOf, qosOf, retainOf, type MessageProperties } from '../domain/message.js';
import {
  expiresAt,
  type Acceptance,
  type OutboxEntry,
  type OutboxLimits,
  type Publish,
  type PublishResult,
} from '../domain/publish.js';
import { KeyTable } from './keys.js';

/** How long a result can be asked for. */
const RESULTS_KEPT_MS = 24 * 3_600_000;
/** Of a publish that waits, besides its topic, payload and properties. */
const ROW_BYTES = 200;
/** A result keeps the topic, by which it is decided who may see it, but none that takes room like a payload. */
const RESULT_TOPIC_BYTES_MAX = 512;
/** Rows of one step of what clears it. */
const STEP_ROWS = 500;

/** What the limits are held against. */
interface Counts {
  queued: number;
  bytes: number;
  /** Of publishes without a key. */
  results: number;
}

interface QueuedRow {
  sequence: number;
  id: string;
  topic: string;
  payload: Uint8Array;
  flags: number;
  properties: string | null;
  accepted_at: number;
  expires_at: number | null;
}

/** Publishes that wait for the broker, how the others ended, and what was answered under which key. Runs inside a transaction. */
export class OutboxTable {
  readonly keys: KeyTable;
  readonly #add: StatementSync;
  readonly #next: StatementSync;
  readonly #oldest: StatementSync;
  readonly #finish: StatementSync;
  readonly #expired: StatementSync;
  readonly #old: StatementSync;
  readonly #forget: StatementSync;
  #counts: Counts;
  /** As it was when the transaction began. */
  #before: Counts;

  constructor(
    private readonly db: DatabaseSync,
    private readonly limits: OutboxLimits,
  ) {
    this.keys = new KeyTable(db, limits.keyBytesMax);
    this.#add = db.prepare(
      `INSERT INTO outbox (id, topic, payload, flags, properties, accepted_at, bytes, expires_at, keyed, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')`,
    );
    this.#next = db.prepare(
      `SELECT sequence, id, topic, payload, flags, properties, accepted_at, expires_at FROM outbox
       WHERE status = 'queued' AND sequence > ? ORDER BY sequence LIMIT ?`,
    );
    this.#oldest = db.prepare(`SELECT accepted_at FROM outbox WHERE status = 'queued' ORDER BY sequence LIMIT 1`);
    // What was to be sent is let go of: what is left is the answer to GET /v1/publishes/{id}.
    this.#finish = db.prepare(
      `UPDATE outbox SET status = ?, reason_code = ?, cause = ?, finished_at = ?, payload = NULL, properties = NULL,
         topic = iif(octet_length(topic) > ${RESULT_TOPIC_BYTES_MAX}, '', topic)
       WHERE sequence = ? AND status = 'queued' RETURNING bytes, keyed`,
    );
    this.#expired = db.prepare(
      `SELECT sequence, id FROM outbox
       WHERE status = 'queued' AND expires_at <= ? AND sequence > ?
       ORDER BY expires_at LIMIT ${STEP_ROWS}`,
    );
    this.#old = db.prepare(
      `SELECT sequence FROM outbox WHERE keyed = ? AND finished_at < ? ORDER BY finished_at LIMIT ?`,
    );
    this.#forget = db.prepare(`DELETE FROM outbox WHERE sequence = ?`);
    const { queued, bytes } = db
      .prepare("SELECT count(*) AS queued, coalesce(sum(bytes), 0) AS bytes FROM outbox WHERE status = 'queued'")
      .get() as unknown as Counts;
    const results = 'SELECT count(*) AS results FROM outbox WHERE keyed = 0 AND finished_at IS NOT NULL';
    this.#counts = this.#before = { queued, bytes, ...(db.prepare(results).get() as { results: number }) };
  }

  get queued(): number {
    return this.#counts.queued;
  }

  /** When the one that waits longest was accepted; undefined: none does. */
  get oldestAt(): number | undefined {
    if (this.#counts.queued === 0) return undefined;
    return (this.#oldest.get() as { accepted_at: number } | undefined)?.accepted_at;
  }

  begin(): void {
    this.#before = { ...this.#counts };
    this.keys.begin();
  }

  rollback(): void {
    this.#counts = { ...this.#before };
    this.keys.rollback();
  }

  /** All of it or nothing. @returns its entries, or why it is not taken */
  add({ publishes, kept }: Acceptance): OutboxEntry[] | AcceptRefusal {
    const bytes = publishes.reduce((sum, publish) => sum + bytesOf(publish), 0);
    const { recordsMax, bytesMax } = this.limits;
    const { queued, bytes: before } = this.#counts;
    // One that is larger than its share alone would never be taken.
    if (queued + publishes.length > recordsMax || (queued > 0 && before + bytes > bytesMax)) {
      return { code: 'OUTBOX_FULL', message: `${queued} publishes with ${before} bytes wait for the broker` };
    }
    if (kept && !this.keys.add(kept, publishes[0]!.acceptedAt)) {
      return { code: 'KEYS_FULL', message: 'too many idempotency keys are remembered, of this token or of all' };
    }
    this.#counts.queued += publishes.length;
    this.#counts.bytes += bytes;
    return publishes.map((publish) => ({ ...publish, sequence: this.#insert(publish, kept !== undefined) }));
  }

  next(afterSequence: number, limit: number): OutboxEntry[] {
    return (this.#next.all(afterSequence, limit) as unknown as QueuedRow[]).map((row) => ({
      sequence: row.sequence,
      id: row.id,
      topic: row.topic,
      payload: row.payload,
      qos: qosOf(row.flags) === 0 ? 0 : 1,
      retain: retainOf(row.flags),
      properties: row.properties === null ? null : (JSON.parse(row.properties) as MessageProperties),
      acceptedAt: row.accepted_at,
      ...(row.expires_at === null ? {} : { sendUntil: row.expires_at }),
    }));
  }

  /** @returns those of which no end was known */
  finish(results: readonly PublishResult[], at: number): PublishResult[] {
    return results.filter(({ sequence, outcome, reasonCode, cause }) => {
      const row = this.#finish.get(outcome, reasonCode, cause ?? null, at, sequence);
      if (!row) return false;
      const { bytes, keyed } = row as { bytes: number; keyed: number };
      this.#counts.queued--;
      this.#counts.bytes -= bytes;
      if (keyed === 0) this.#counts.results++;
      return true;
    });
  }

  /** Those after `afterSequence` whose time has run out, as results; some at most. */
  expired(at: number, afterSequence: number): PublishResult[] {
    const rows = this.#expired.all(at, afterSequence) as unknown as Pick<PublishResult, 'sequence' | 'id'>[];
    return rows.map(({ sequence, id }) => ({ sequence, id, outcome: 'expired', reasonCode: 0 }));
  }

  /** Keys before results: what a key leads to must be there as long as it is. @returns whether more may be left */
  forgetOld(now: number): boolean {
    const before = now - RESULTS_KEPT_MS;
    const keys = this.keys.forget(before, now, STEP_ROWS);
    const keyed = keys < STEP_ROWS ? this.#forgetResults(1, before, STEP_ROWS) : 0;
    const over = Math.min(STEP_ROWS, this.#counts.results - this.limits.resultsMax);
    const plain = over > 0 ? this.#forgetResults(0, Infinity, over) : this.#forgetResults(0, before, STEP_ROWS);
    this.#counts.results -= plain;
    return Math.max(keys, keyed, plain) === STEP_ROWS;
  }

  #forgetResults(keyed: 0 | 1, before: number, limit: number): number {
    const rows = this.#old.all(keyed, before, limit) as unknown as { sequence: number }[];
    for (const { sequence } of rows) this.#forget.run(sequence);
    return rows.length;
  }

  #insert(publish: Publish, keyed: boolean): number {
    const { id, topic, payload, properties, acceptedAt, qos, retain } = publish;
    const flags = flagsOf({ qos, retain, dup: false });
    const text = properties ? JSON.stringify(properties) : null;
    const due = expiresAt(publish) ?? null;
    const values = [id, topic, payload, flags, text, acceptedAt, bytesOf(publish), due, Number(keyed)] as const;
    return Number(this.#add.run(...values).lastInsertRowid);
  }
}

function bytesOf({ topic, payload, properties }: Publish): number {
  const text = properties ? JSON.stringify(properties).length : 0;
  return payload.length + topic.length + text + ROW_BYTES;
}
