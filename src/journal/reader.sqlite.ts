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
import type { KeptAnswer, KeptRequest, PublishKey, PublishStatus } from '../domain/publish.js';
import type { DeadLetterFilter, ListedRecord, Look, Looked, RejectionFilter, TopicAndTime } from '../domain/listing.js';
import type { Record } from '../domain/record.js';
import type { Replay } from '../domain/replay.js';
import type { Registration, SavedWaiting, SubscriberProgress } from '../domain/subscriber.js';
import { uuidOfHex } from '../domain/uuid.js';
import { journalFiles } from './files.js';
import { Listings } from './listing.js';
import { DROPPED_THROUGH, replaysOf } from './replays.js';
import { RECORD_COLUMNS, recordOf, REPLAYS_SHIFT, type RecordRow } from './rows.js';
import { progressOf, SUBSCRIBER_COLUMNS, type SubscriberRow } from './subscribers.js';
import { TopicNames } from './topic-names.js';

const BUSY_TIMEOUT_MS = 2_000;
/** By so much a record may come before one that was received earlier, when a clock is set right. */
const DISORDER_MS = 10_000;
/** Rows fetched at once, where they fit into so many bytes; else a few: more of the largest would burst a small pod. */
const CHUNK_ROWS = 256;
const CHUNK_BYTES = 4 << 20;
const LARGE_ROWS = 16;

/** Records of one topic, and their payload bytes. */
type TopicSum = [topicId: number, count: number, bytes: number];

/** The JournalReader port: a read-only connection, one for each thread that reads. */
export class SqliteJournalReader implements JournalReader {
  readonly journalId: string;
  readonly #db: DatabaseSync;
  readonly #topics: TopicNames;
  readonly #after: StatementSync;
  readonly #admittedAfter: StatementSync;
  readonly #at: StatementSync;
  readonly #timeAfter: StatementSync;
  readonly #listings: Listings;
  /** Payload bytes of a chunk. */
  readonly #size: StatementSync;
  readonly #sums: StatementSync;
  readonly #rejectedSums: StatementSync;
  readonly #publish: StatementSync;
  readonly #kept: StatementSync;

  /** @param damaged is told the positions whose checksum did not hold */
  constructor(
    directory: string,
    private readonly damaged: (positions: number[]) => void,
  ) {
    this.#db = new DatabaseSync(journalFiles(directory).database, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    this.#topics = new TopicNames(this.#db);
    const select = `SELECT ${RECORD_COLUMNS} FROM records r`;
    const range = 'r.position > ? AND r.position <= ?';
    this.#after = this.#db.prepare(`${select} WHERE ${range} ORDER BY r.position LIMIT ?`);
    this.#admittedAfter = this.#db.prepare(
      `${select} WHERE ${range} AND NOT EXISTS (SELECT 1 FROM rejections j WHERE j.position = r.position)
       ORDER BY r.position LIMIT ?`,
    );
    this.#at = this.#db.prepare(`${select} WHERE r.position = ?`);
    // One that came in again is out of turn: it would mislead a search by time.
    this.#timeAfter = this.#db.prepare(
      `SELECT position, received_at AS at FROM records WHERE position >= ? AND flags < ${1 << REPLAYS_SHIFT}
       ORDER BY position LIMIT 1`,
    );
    this.#listings = new Listings(this.#db);
    const sums = 'SELECT r.topic_id, count(*), sum(length(r.payload)) FROM';
    this.#sums = this.#db.prepare(`${sums} records r WHERE ${range} GROUP BY r.topic_id`);
    this.#rejectedSums = this.#db.prepare(
      `${sums} rejections j CROSS JOIN records r ON r.position = j.position
       WHERE j.position > ? AND j.position <= ? GROUP BY r.topic_id`,
    );
    this.#size = this.#db.prepare(
      `SELECT total(length(payload)) FROM (SELECT payload FROM records r WHERE ${range} ORDER BY r.position LIMIT ?)`,
    );
    this.#publish = this.#db.prepare('SELECT sequence, status, reason_code, cause, topic FROM outbox WHERE id = ?');
    this.#kept = this.#db.prepare('SELECT digest, answers FROM publish_keys WHERE caller = ? AND key = ?');
    const reading = [this.#after, this.#admittedAfter, this.#at, this.#size, this.#sums, this.#rejectedSums];
    for (const statement of reading) statement.setReturnArrays(true);
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
    return this.#sequence('records');
  }

  topicCounts(position: number, through: number): TopicCount[] {
    // All of them first: rejections may go in between, with their records, and a count that is too low would hide others.
    const all = this.#sumsOf(this.#sums, position, through);
    const rejected = new Map(this.#sumsOf(this.#rejectedSums, position, through).map((sum) => [sum[0], sum]));
    const counts: TopicCount[] = [];
    for (const [id, allCount, allBytes] of all) {
      const topic = this.#topics.of(id);
      const [, count, bytes] = rejected.get(id) ?? [id, 0, 0];
      if (topic !== undefined && allCount > count)
        counts.push({ topic, count: allCount - count, bytes: allBytes - bytes });
    }
    return counts;
  }

  progress(): SubscriberProgress[] {
    const rows = this.#db.prepare(`SELECT ${SUBSCRIBER_COLUMNS} FROM subscribers ORDER BY subscriber`).all();
    return (rows as unknown as SubscriberRow[]).map(progressOf);
  }

  registrations(): Registration[] {
    const rows = this.#db.prepare('SELECT subscriber AS id, body FROM registrations ORDER BY subscriber').all();
    return (rows as unknown as { id: string; body: string }[]).map(({ id, body }) => ({
      id,
      body: JSON.parse(body) as Registration['body'],
    }));
  }

  waiting(subscriber: string): SavedWaiting[] {
    const rows = this.#db
      .prepare(
        `SELECT subscriber, w.position AS position, ordering_key, key_ways, attempts, due_at, reason, replayed_at,
                coalesce(length(r.payload), 0) AS bytes, coalesce(r.received_at, 0) AS receivedAt
         FROM waiting w LEFT JOIN records r ON r.position = w.position WHERE subscriber = ? ORDER BY w.position`,
      )
      .all(subscriber) as unknown as {
      subscriber: string;
      position: number;
      ordering_key: string;
      key_ways: string;
      attempts: number;
      due_at: number | null;
      reason: string;
      replayed_at: number | null;
      bytes: number;
      receivedAt: number;
    }[];
    return rows.map(({ ordering_key: key, key_ways: keyWays, due_at: dueAt, replayed_at: replayedAt, ...row }) => ({
      ...row,
      key,
      ...(keyWays === '' ? {} : { keyWays }),
      dueAt,
      ...(replayedAt === null ? {} : { replayedAt }),
    }));
  }

  deadLetters(query: DeadLetterQuery): ListedDeadLetter[] {
    const rows = this.#db
      .prepare(
        `SELECT dead_letter AS number, subscriber, d.position AS position, lower(hex(r.id)) AS id, t.name AS topic, reason, status,
                detail, attempts, dead_at AS at
         FROM dead_letters d LEFT JOIN records r ON r.position = d.position LEFT JOIN topics t ON t.topic_id = r.topic_id
         WHERE (?1 IS NULL OR subscriber = ?1) AND d.position > ?2 ORDER BY dead_letter LIMIT ?3`,
      )
      .all(query.subscriber ?? null, query.after ?? 0, query.limit);
    return rows.map(({ id, ...row }) => ({ ...row, id: uuidOfHex(id as string) }) as unknown as ListedDeadLetter);
  }

  listDeadLetters(look: Look, filter: DeadLetterFilter): Looked<ListedDeadLetter> {
    return this.#listings.deadLetters(look, filter);
  }

  listRejections(look: Look, filter: RejectionFilter): Looked<ListedRejection> {
    return this.#listings.rejections(look, filter);
  }

  listRecords(look: Look, filter: TopicAndTime): Looked<ListedRecord> {
    return this.#listings.records(look, filter);
  }

  lastDeadLetter(): number {
    return this.#sequence('dead_letters');
  }

  droppedThrough(): number {
    return Number(this.#meta(DROPPED_THROUGH) ?? 0);
  }

  positionAt(time: number): number {
    let low = 1;
    let high = this.lastPosition() + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#timeAfter.get(middle) as { position: number; at: number } | undefined;
      if (!row || row.at >= time - DISORDER_MS) high = middle;
      else low = row.position + 1;
    }
    const row = this.#db
      .prepare('SELECT position FROM records WHERE position >= ? AND received_at >= ? ORDER BY position LIMIT 1')
      .get(low, time) as { position: number } | undefined;
    return row?.position ?? this.lastPosition() + 1;
  }

  replays(subscriber: string): Replay[] {
    return replaysOf(this.#db, subscriber);
  }

  publishStatus(id: string): ReturnType<JournalReader['publishStatus']> {
    const row = this.#publish.get(id) as unknown as
      { sequence: number; status: PublishStatus; reason_code: number; cause: Cause | null; topic: string } | undefined;
    if (!row) return undefined;
    const { sequence, status, reason_code: reasonCode, cause, topic } = row;
    const known = { status, ...(topic === '' ? {} : { topic }) };
    if (status === 'queued') return known;
    return { ...known, result: { sequence, id, outcome: status, reasonCode, ...(cause ? { cause } : {}) } };
  }

  keptRequest({ caller, key }: PublishKey): KeptRequest | undefined {
    const row = this.#kept.get(caller, key) as { digest: string; answers: string } | undefined;
    return row && { digest: row.digest, answers: JSON.parse(row.answers) as KeptAnswer[] };
  }

  close(): void {
    this.#db.close();
  }

  /** The newest key of a table, 0 when it never had a row. */
  #sequence(table: string): number {
    const row = this.#db.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table);
    return Number((row as { seq: number } | undefined)?.seq ?? 0);
  }

  #meta(name: string): string | undefined {
    return (this.#db.prepare('SELECT value FROM meta WHERE name = ?').get(name) as { value: string } | undefined)
      ?.value;
  }

  #read(statement: StatementSync, position: number, through: number, limit: number): Record[] {
    const records: Record[] = [];
    let bytes = 0;
    for (let after = position; records.length < limit && bytes < READ_BYTES_MAX;) {
      const fits = (this.#size.get(after, through, CHUNK_ROWS) as unknown as [bytes: number])[0] <= CHUNK_BYTES;
      const wanted = Math.min(fits ? CHUNK_ROWS : LARGE_ROWS, limit - records.length);
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

  #sumsOf(statement: StatementSync, position: number, through: number): TopicSum[] {
    return statement.all(position, through) as unknown as TopicSum[];
  }

  #records(rows: RecordRow[]): Record[] {
    const damaged: number[] = [];
    const records: Record[] = [];
    for (const row of rows) {
      const record = recordOf(row, this.#topics);
      if (record) records.push(record);
      else damaged.push(row[0]);
    }
    if (damaged.length > 0) this.damaged(damaged);
    return records;
  }
}
