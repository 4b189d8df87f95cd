import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { topicMatches } from '../domain/topic.js';
import type { Hold, KnownSubscriber, Registration, SubscriberProgress } from '../domain/subscriber.js';

/** A subscriber as its row has it. */
export interface SubscriberRow {
  subscriber: string;
  topics: string;
  cursor: number;
  paused: number;
  gone: string;
  fresh_at: number;
}

/** So many records after its cursor are looked at, to forget one while the gateway runs. */
export const LATER_LOOKED_AT_MAX = 1_000;

export const SUBSCRIBER_COLUMNS = 'subscriber, topics, cursor, paused, gone, fresh_at';

export function progressOf(row: SubscriberRow): SubscriberProgress {
  const { subscriber: id, topics, cursor, paused, gone, fresh_at: freshAt } = row;
  return { id, topics: JSON.parse(topics) as string[], cursor, hold: { paused: paused === 1, gone }, freshAt };
}

/** Keeps who the subscribers are: where new ones start, who came over REST, who is held. Runs inside a transaction. */
export class SubscriberTable {
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #retopic: StatementSync;
  readonly #reorder: StatementSync;
  readonly #loosen: StatementSync;
  readonly #release: StatementSync;
  readonly #waits: StatementSync;
  readonly #later: StatementSync;
  readonly #muchLater: StatementSync;

  constructor(private readonly db: DatabaseSync) {
    this.#find = db.prepare(`SELECT ${SUBSCRIBER_COLUMNS}, ordering FROM subscribers WHERE subscriber = ?`);
    this.#add = db.prepare(
      'INSERT INTO subscribers (subscriber, topics, cursor, ordering, fresh_at) VALUES (?, ?, ?, ?, ?)',
    );
    this.#retopic = db.prepare('UPDATE subscribers SET topics = ?1 WHERE subscriber = ?2 AND topics <> ?1');
    this.#reorder = db.prepare('UPDATE subscribers SET ordering = ? WHERE subscriber = ?');
    this.#loosen = db.prepare(
      "UPDATE waiting SET ordering_key = '', due_at = coalesce(due_at, 0) WHERE subscriber = ? AND ordering_key <> ''",
    );
    this.#release = db.prepare('DELETE FROM waiting WHERE subscriber = ? AND position = ?');
    this.#waits = db.prepare(
      'SELECT 1 FROM waiting WHERE subscriber = ?1 UNION ALL SELECT 1 FROM replays WHERE subscriber = ?1 LIMIT 1',
    );
    this.#later = db.prepare(
      `SELECT DISTINCT t.name
       FROM (SELECT position, topic_id FROM records WHERE position > ? ORDER BY position LIMIT ?) r
       JOIN topics t ON t.topic_id = r.topic_id
       WHERE NOT EXISTS (SELECT 1 FROM rejections j WHERE j.position = r.position)`,
    );
    this.#muchLater = db.prepare('SELECT 1 FROM records WHERE position > ? ORDER BY position LIMIT 1 OFFSET ?');
  }

  /** @param at wall clock, milliseconds, as everywhere here */
  register(subscribers: readonly KnownSubscriber[], last: number, at: number): SubscriberProgress[] {
    this.#forgetDone(new Set(subscribers.map(({ id }) => id)));
    return subscribers.map((subscriber) => this.know(subscriber, last, at));
  }

  save(
    { id, body }: Registration,
    subscriber: KnownSubscriber,
    discarded: readonly number[],
    last: number,
    at: number,
  ): SubscriberProgress {
    this.db.prepare('INSERT OR REPLACE INTO registrations VALUES (?, ?)').run(id, JSON.stringify(body));
    for (const position of discarded) this.#release.run(id, position);
    return this.know(subscriber, last, at);
  }

  remove(id: string): void {
    for (const table of ['registrations', 'subscribers', 'waiting', 'replays']) {
      this.db.prepare(`DELETE FROM ${table} WHERE subscriber = ?`).run(id);
    }
  }

  /**
   * Forgets one that has had all that was its. While the gateway runs everybody waits for the answer: so when more than
   * {@link LATER_LOOKED_AT_MAX} records come after its cursor, it stays, and the next start decides.
   * @param cursor where it stands, when that is further than it is saved @returns whether it did
   */
  retire(id: string, cursor: number): boolean {
    return this.#forget(id, cursor, LATER_LOOKED_AT_MAX);
  }

  /** @param looked at so many records at most; -1: at all of them */
  #forget(id: string, cursor: number, looked: number): boolean {
    const known = this.#find.get(id) as unknown as SubscriberRow | undefined;
    if (!known || this.#waits.get(id)) return false;
    const after = Math.max(known.cursor, cursor);
    if (looked >= 0 && this.#muchLater.get(after, looked)) return false;
    const filters = JSON.parse(known.topics) as string[];
    const names = this.#later.iterate(after, looked) as Iterable<unknown> as Iterable<{ name: string }>;
    for (const { name } of names) if (filters.some((filter) => topicMatches(filter, name))) return false;
    this.db.prepare('DELETE FROM subscribers WHERE subscriber = ?').run(id);
    return true;
  }

  /** Once nothing holds it, the age of all that waits begins anew. */
  hold(id: string, { paused, gone }: Hold, at: number): void {
    const freshAt = paused || gone !== '' ? null : at;
    this.db
      .prepare('UPDATE subscribers SET paused = ?, gone = ?, fresh_at = coalesce(?, fresh_at) WHERE subscriber = ?')
      .run(paused ? 1 : 0, gone, freshAt, id);
  }

  /** Writes nothing when nothing changed: a start on a full disk must get this far. */
  know({ id, topics, startFrom, ...keys }: KnownSubscriber, last: number, at: number): SubscriberProgress {
    const ordering = [keys.ordering ?? 'none', ...(keys.key === undefined ? [] : [keys.key])].join(' ');
    const text = JSON.stringify(topics);
    const known = this.#find.get(id) as unknown as (SubscriberRow & { ordering: string }) | undefined;
    if (!known) {
      const cursor = this.#startingCursor(startFrom, last);
      this.#add.run(id, text, cursor, ordering, at);
      return { id, topics, cursor, hold: { paused: false, gone: '' }, freshAt: at };
    }
    this.#retopic.run(text, id);
    if (known.ordering !== ordering) {
      // A key of another meaning could be taken for one of its own, and what comes before it for settled.
      this.#loosen.run(id);
      this.#reorder.run(ordering, id);
    }
    return progressOf({ ...known, topics: text });
  }

  /**
   * Subscribers that are no longer configured and have had all that was theirs are forgotten: their cursor would
   * never move again, and keep every later record from retention until the journal is full.
   */
  #forgetDone(present: ReadonlySet<string>): void {
    const known = this.db.prepare('SELECT subscriber FROM subscribers').all() as unknown as { subscriber: string }[];
    for (const { subscriber } of known) if (!present.has(subscriber)) this.#forget(subscriber, 0, -1);
  }

  #startingCursor(startFrom: KnownSubscriber['startFrom'], last: number): number {
    if (startFrom === 'now') return last;
    if (startFrom === 'earliest') return 0;
    if ('position' in startFrom) return Math.min(Math.max(startFrom.position - 1, 0), last);
    const row = this.db
      .prepare('SELECT min(position) AS position FROM records WHERE received_at >= ?')
      .get(startFrom.time) as { position: number | null };
    return row.position === null ? last : row.position - 1;
  }
}
