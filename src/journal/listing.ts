import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ListedDeadLetter, ListedRejection } from '../domain/journal.js';
import type {
  DeadLetterFilter,
  KeyRange,
  ListedRecord,
  Look,
  Looked,
  Order,
  RejectionFilter,
  TopicAndTime,
} from '../domain/listing.js';
import type { Problem } from '../domain/record.js';
import { topicMatches } from '../domain/topic.js';
import { uuidOfHex } from '../domain/uuid.js';
import { REPLAYS_SHIFT } from './rows.js';

const RECORD = 'LEFT JOIN records r ON r.position = l.position LEFT JOIN topics t ON t.topic_id = r.topic_id';
const ID = "coalesce(lower(hex(r.id)), '') AS id, coalesce(t.name, '') AS topic";

interface Row {
  id: string;
  topic: string;
}

/** One table, looked through by its key in steps that are bounded by rows, not by what is found. */
class Table {
  readonly #ends: { [order in Order]: StatementSync };
  readonly #rows: { [order in Order]: StatementSync };

  /** @param select the columns, as of `l` for this table @param where with the parameters from the third on */
  constructor(db: DatabaseSync, table: string, key: string, select: string, where: string) {
    const within = `${key} BETWEEN ? AND ?`;
    const end = (order: Order): StatementSync =>
      db.prepare(`SELECT ${key} AS key FROM ${table} WHERE ${within} ORDER BY ${key} ${order} LIMIT 1 OFFSET ?`);
    const rows = (order: Order): StatementSync =>
      db.prepare(`SELECT ${select} WHERE l.${key} BETWEEN ?1 AND ?2 AND ${where} ORDER BY l.${key} ${order}`);
    this.#ends = { asc: end('asc'), desc: end('desc') };
    this.#rows = { asc: rows('asc'), desc: rows('desc') };
  }

  look<T>({ range, order, rows }: Look, parameters: (string | number | null)[], found: (row: never) => T): Looked<T> {
    const { low, high } = range;
    if (low > high) return { found: [] };
    const end = this.#ends[order].get(low, high, rows - 1) as { key: number } | undefined;
    const part: KeyRange = !end ? range : order === 'asc' ? { low, high: end.key } : { low: end.key, high };
    const all = this.#rows[order].all(part.low, part.high, ...parameters);
    const rest: KeyRange = order === 'asc' ? { low: part.high + 1, high } : { low, high: part.low - 1 };
    return { found: all.map((row) => found(row as never)), ...(rest.low <= rest.high ? { rest } : {}) };
  }
}

/** The lists that REST shows, on a reader's connection. */
export class Listings {
  readonly #deadLetters: Table;
  readonly #rejections: Table;
  readonly #records: Table;

  constructor(db: DatabaseSync) {
    this.#deadLetters = new Table(
      db,
      'dead_letters',
      'dead_letter',
      `dead_letter AS number, subscriber, l.position AS position, ${ID}, reason, status, detail, attempts, dead_at AS at
       FROM dead_letters l ${RECORD}`,
      `(?3 IS NULL OR subscriber = ?3) AND (?4 IS NULL OR reason = ?4) AND dead_at BETWEEN ?5 AND ?6`,
    );
    this.#rejections = new Table(
      db,
      'rejections',
      'position',
      `l.position AS position, ${ID}, contract, reason, problems, rejected_at AS at,
       coalesce(r.flags, 0) >> ${REPLAYS_SHIFT} AS replays FROM rejections l ${RECORD}`,
      `(?3 IS NULL OR contract = ?3) AND (?4 IS NULL OR reason = ?4) AND rejected_at BETWEEN ?5 AND ?6`,
    );
    this.#records = new Table(
      db,
      'records',
      'position',
      `l.position AS position, coalesce(t.name, '') AS topic, l.received_at AS receivedAt,
       l.flags >> ${REPLAYS_SHIFT} AS replays,
       EXISTS (SELECT 1 FROM rejections j WHERE j.position = l.position) AS rejected
       FROM records l LEFT JOIN topics t ON t.topic_id = l.topic_id`,
      'l.received_at BETWEEN ?3 AND ?4',
    );
  }

  deadLetters(look: Look, filter: DeadLetterFilter): Looked<ListedDeadLetter> {
    const parameters = [filter.subscriber ?? null, filter.reason ?? null, ...times(filter)];
    return ofTopics(
      filter,
      this.#deadLetters.look(look, parameters, (row: ListedDeadLetter) => withId(row)),
    );
  }

  rejections(look: Look, filter: RejectionFilter): Looked<ListedRejection> {
    const parameters = [filter.contract ?? null, filter.reason ?? null, ...times(filter)];
    const found = (row: Omit<ListedRejection, 'problems'> & { problems: string }): ListedRejection =>
      withId({ ...row, problems: JSON.parse(row.problems) as Problem[] });
    return ofTopics(filter, this.#rejections.look(look, parameters, found));
  }

  records(look: Look, filter: TopicAndTime): Looked<ListedRecord> {
    const found = (row: Omit<ListedRecord, 'rejected'> & { rejected: number }): ListedRecord => ({
      ...row,
      rejected: row.rejected === 1,
    });
    return ofTopics(filter, this.#records.look(look, times(filter), found));
  }
}

function times({ from, to }: TopicAndTime): [number, number] {
  return [from ?? -Number.MAX_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER];
}

function withId<T extends Row>(row: T): T {
  return { ...row, id: row.id === '' ? '' : uuidOfHex(row.id) };
}

/** A topic matches in code: SQL has no word for `+` and `#`. */
function ofTopics<T extends { topic: string }>({ topics }: TopicAndTime, { found, rest }: Looked<T>): Looked<T> {
  const wanted = topics ? found.filter(({ topic }) => topics.some((filter) => topicMatches(filter, topic))) : found;
  return { found: wanted, ...(rest ? { rest } : {}) };
}
