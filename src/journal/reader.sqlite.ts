import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Cause } from '../domain/cause.js';
import {
  READ_BYTES_MAX,
  type DeadLetterQuery,
  type JournalReader,
  type ListedDeadLetter,
  type ListedRejection,
  type TopicCount,
} from '../domain/journal.js';
import type { PublishResult, PublishStatus } from '../domain/publish.js';
import type { Problem, Record, RejectionReason } from '../domain/record.js';
import type { SubscriberProgress, Waiting } from '../domain/subscriber.js';
import { uuidOfHex } from '../domain/uuid.js';
import { journalFiles } from './files.js';
import { RECORD_COLUMNS, RECORD_TABLES, recordOf, type RecordRow } from './rows.js';

const BUSY_TIMEOUT_MS = 2_000;
/** Rows fetched at once: more of the largest messages would not fit into a small pod. */
const CHUNK_ROWS = 16;

/** The JournalReader port: a read-only connection, one for each thread that reads. */
export class SqliteJournalReader implements JournalReader {
  readonly journalId: string;
  readonly #db: DatabaseSync;
  readonly #after: StatementSync;
  readonly #admittedAfter: StatementSync;
  readonly #at: StatementSync;

  /** @param damaged is told the positions whose checksum did not hold */
  constructor(
    directory: string,
    private readonly damaged: (positions: number[]) => void,
  ) {
    this.#db = new DatabaseSync(journalFiles(directory).database, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    const select = `SELECT ${RECORD_COLUMNS} FROM ${RECORD_TABLES}`;
    const range = 'r.position > ? AND r.position <= ?';
    this.#after = this.#db.prepare(`${select} WHERE ${range} ORDER BY r.position LIMIT ?`);
    this.#admittedAfter = this.#db.prepare(
      `${select} WHERE ${range} AND NOT EXISTS (SELECT 1 FROM rejections j WHERE j.position = r.position)
       ORDER BY r.position LIMIT ?`,
    );
    this.#at = this.#db.prepare(`${select} WHERE r.position = ?`);
    for (const statement of [this.#after, this.#admittedAfter, this.#at]) statement.setReturnArrays(true);
    this.journalId = this.#meta('journal_id')!;
  }

  recordsAfter(position: number, through: number, limit: number): Record[] {
    return this.#read(this.#after, position, through, limit);
  }

  admittedAfter(position: number, through: number, limit: number): Record[] {
    return this.#read(this.#admittedAfter, position, through, limit);
  }

  recordsAt(positions: number[]): Record[] {
    const rows = positions.map((position) => this.#at.get(position) as unknown as RecordRow | undefined);
    return this.#records(rows.filter((row) => row !== undefined));
  }

  admittedThrough(): number {
    return Number(this.#meta('admitted') ?? 0);
  }

  lastPosition(): number {
    const row = this.#db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").get();
    return Number((row as { seq: number } | undefined)?.seq ?? 0);
  }

  topicCounts(position: number, through: number): TopicCount[] {
    return this.#db
      .prepare(
        `SELECT t.name AS topic, count(*) AS count, sum(length(r.payload)) AS bytes FROM records r JOIN topics t ON t.topic_id = r.topic_id
         WHERE r.position > ? AND r.position <= ?
           AND NOT EXISTS (SELECT 1 FROM rejections j WHERE j.position = r.position)
         GROUP BY r.topic_id`,
      )
      .all(position, through) as unknown as TopicCount[];
  }

  progress(): SubscriberProgress[] {
    return this.#db
      .prepare('SELECT subscriber AS id, cursor FROM subscribers ORDER BY subscriber')
      .all() as unknown as SubscriberProgress[];
  }

  waiting(subscriber: string): (Waiting & { bytes: number })[] {
    const rows = this.#db
      .prepare(
        `SELECT subscriber, w.position AS position, ordering_key, attempts, due_at, reason,
                coalesce(length(r.payload), 0) AS bytes
         FROM waiting w LEFT JOIN records r ON r.position = w.position WHERE subscriber = ? ORDER BY w.position`,
      )
      .all(subscriber) as unknown as {
      subscriber: string;
      position: number;
      ordering_key: string;
      attempts: number;
      due_at: number | null;
      reason: string;
      bytes: number;
    }[];
    return rows.map(({ subscriber, position, ordering_key: key, attempts, due_at: dueAt, reason, bytes }) => ({
      subscriber,
      position,
      key,
      attempts,
      dueAt,
      reason,
      bytes,
    }));
  }

  deadLetters(query: DeadLetterQuery): ListedDeadLetter[] {
    const rows = this.#db
      .prepare(
        `SELECT dead_letter AS number, subscriber, d.position AS position, lower(hex(r.id)) AS id, t.name AS topic, reason, status,
                detail, attempts, dead_at AS at
         FROM dead_letters d LEFT JOIN records r ON r.position = d.position LEFT JOIN topics t ON t.topic_id = r.topic_id
         WHERE (?1 IS NULL OR subscriber = ?1) AND d.position > ?2 AND dead_letter > ?3
         ORDER BY dead_letter LIMIT ?4`,
      )
      .all(query.subscriber ?? null, query.after ?? 0, query.afterNumber ?? 0, query.limit);
    return rows.map(({ id, ...row }) => ({ ...row, id: uuidOfHex(id as string) }) as unknown as ListedDeadLetter);
  }

  rejections(query: { after?: number; limit: number }): ListedRejection[] {
    const rows = this.#db
      .prepare(
        `SELECT j.position AS position, lower(hex(r.id)) AS id, t.name AS topic, contract, reason, problems, rejected_at
         FROM rejections j LEFT JOIN records r ON r.position = j.position LEFT JOIN topics t ON t.topic_id = r.topic_id
         WHERE j.position > ? ORDER BY j.position LIMIT ?`,
      )
      .all(query.after ?? 0, query.limit) as unknown as {
      position: number;
      id: string;
      topic: string;
      contract: string;
      reason: RejectionReason;
      problems: string;
      rejected_at: number;
    }[];
    return rows.map(({ position, id, topic, contract, reason, problems, rejected_at: at }) => ({
      position,
      id: uuidOfHex(id),
      topic,
      contract,
      reason,
      problems: JSON.parse(problems) as Problem[],
      at,
    }));
  }

  publishStatus(id: string): { status: PublishStatus; result?: PublishResult } | undefined {
    const row = this.#db
      .prepare('SELECT sequence, status, reason_code, cause FROM outbox WHERE id = ?')
      .get(id) as unknown as
      { sequence: number; status: PublishStatus; reason_code: number; cause: Cause | null } | undefined;
    if (!row || row.status === 'queued') return row && { status: row.status };
    const { sequence, status: outcome, reason_code: reasonCode } = row;
    return {
      status: outcome,
      result: { sequence, id, outcome, reasonCode, ...(row.cause ? { cause: row.cause } : {}) },
    };
  }

  close(): void {
    this.#db.close();
  }

  #meta(name: string): string | undefined {
    return (this.#db.prepare('SELECT value FROM meta WHERE name = ?').get(name) as { value: string } | undefined)
      ?.value;
  }

  #read(statement: StatementSync, position: number, through: number, limit: number): Record[] {
    const records: Record[] = [];
    let bytes = 0;
    for (let after = position; records.length < limit && bytes < READ_BYTES_MAX;) {
      const wanted = Math.min(CHUNK_ROWS, limit - records.length);
      const rows = statement.all(after, through, wanted) as unknown as RecordRow[];
      for (const record of this.#records(rows)) {
        records.push(record);
        bytes += record.payload.length;
      }
      if (rows.length < wanted) break;
      after = rows.at(-1)![0];
    }
    return records;
  }

  #records(rows: RecordRow[]): Record[] {
    const damaged: number[] = [];
    const records: Record[] = [];
    for (const row of rows) {
      const record = recordOf(row);
      if (record) records.push(record);
      else damaged.push(row[0]);
    }
    if (damaged.length > 0) this.damaged(damaged);
    return records;
  }
}
