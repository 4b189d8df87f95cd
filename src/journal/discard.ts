import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Discarded } from '../domain/subscriber.js';
import { topicMatches } from '../domain/topic.js';

/** Where a subscriber stands. */
interface Place {
  subscriber: string;
  topics: string;
  cursor: number;
  /** Whether a record before the cursor waits. */
  waits: number;
}

interface Undelivered {
  position: number;
  bytes: number;
  /** null when its row is damaged. */
  topic: string | null;
  rejected: number;
}

/**
 * What `whenFull: discard-oldest-of-largest-backlog` does: the subscriber with the largest backlog gives up its oldest
 * undelivered records, so that retention may take them. A backlog is what comes after the cursor, whatever its topics,
 * and the rows that wait: that is what it keeps on disk. Runs inside a transaction.
 */
export class Discard {
  readonly #largest: StatementSync;
  readonly #waiting: StatementSync;
  readonly #behind: StatementSync;
  readonly #release: StatementSync;
  readonly #move: StatementSync;

  constructor(db: DatabaseSync) {
    this.#largest = db.prepare(
      `SELECT subscriber, topics, cursor,
              EXISTS (SELECT 1 FROM waiting w WHERE w.subscriber = s.subscriber AND w.position <= s.cursor) AS waits
       FROM subscribers s ORDER BY
         max(0, (SELECT coalesce(max(position), 0) FROM records) - cursor)
           + (SELECT count(*) FROM waiting w WHERE w.subscriber = s.subscriber) DESC LIMIT 1`,
    );
    const columns = `r.position AS position, length(r.payload) AS bytes, t.name AS topic,
      EXISTS (SELECT 1 FROM rejections j WHERE j.position = r.position) AS rejected`;
    const topics = 'LEFT JOIN topics t ON t.topic_id = r.topic_id';
    this.#waiting = db.prepare(
      `SELECT ${columns} FROM waiting w JOIN records r ON r.position = w.position ${topics}
       WHERE w.subscriber = ? AND w.position <= ? ORDER BY w.position LIMIT ?`,
    );
    this.#behind = db.prepare(
      `SELECT ${columns} FROM records r ${topics} WHERE r.position > ? ORDER BY r.position LIMIT ?`,
    );
    this.#release = db.prepare('DELETE FROM waiting WHERE subscriber = ? AND position <= ?');
    this.#move = db.prepare('UPDATE subscribers SET cursor = max(cursor, ?) WHERE subscriber = ?');
  }

  /** @returns what was given up: at most so many records and, but for the first, so many bytes; undefined: nothing is left */
  step(recordsMax: number, bytesMax: number): Discarded | undefined {
    const place = this.#largest.get() as unknown as Place | undefined;
    if (!place) return undefined;
    const { subscriber, topics, cursor } = place;
    const waiting = place.waits === 1;
    const rows = waiting ? this.#waiting.all(subscriber, cursor, recordsMax) : this.#behind.all(cursor, recordsMax);
    const given = upTo(rows as unknown as Undelivered[], bytesMax);
    const last = given.at(-1);
    if (!last) {
      // Rows whose records are gone keep nothing, but stand in the way.
      if (waiting) this.#release.run(subscriber, cursor);
      return undefined;
    }
    this.#release.run(subscriber, last.position);
    if (!waiting) this.#move.run(last.position, subscriber);
    const filters = JSON.parse(topics) as string[];
    const own = ({ topic, rejected }: Undelivered): boolean =>
      rejected === 0 && topic !== null && filters.some((filter) => topicMatches(filter, topic));
    const records = waiting ? given.length : given.filter(own).length;
    return { subscriber, reason: 'journal-full', records, from: given[0]!.position, through: last.position };
  }
}

function upTo(rows: Undelivered[], bytesMax: number): Undelivered[] {
  let bytes = 0;
  const over = rows.findIndex((row, i) => (bytes += row.bytes) > bytesMax && i > 0);
  return over === -1 ? rows : rows.slice(0, over);
}
