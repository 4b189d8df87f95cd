import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Rejection } from '../domain/record.js';
import { topicMatches } from '../domain/topic.js';
import type { Settlement, SubscriberProgress, SubscriberSettings } from '../domain/subscriber.js';

const DETAIL_CHARACTERS_MAX = 2_048; // an over-long answer must not make a record unwritable

/** Keeps how far admission and each subscriber have come. Runs inside a transaction. */
export class ProgressTable {
  readonly #setMeta: StatementSync;
  readonly #reject: StatementSync;
  readonly #cursor: StatementSync;
  readonly #wait: StatementSync;
  readonly #release: StatementSync;
  readonly #bury: StatementSync;
  readonly #isDead: StatementSync;
  readonly #behind: StatementSync;

  constructor(private readonly db: DatabaseSync) {
    this.#setMeta = db.prepare(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#reject = db.prepare('INSERT OR REPLACE INTO rejections VALUES (?, ?, ?, ?, ?)');
    this.#cursor = db.prepare('UPDATE subscribers SET cursor = max(cursor, ?) WHERE subscriber = ?');
    this.#wait = db.prepare(
      `INSERT OR REPLACE INTO waiting (subscriber, position, ordering_key, attempts, due_at, reason, replayed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#release = db.prepare('DELETE FROM waiting WHERE subscriber = ? AND position = ?');
    this.#bury = db.prepare(
      `INSERT INTO dead_letters (subscriber, position, reason, status, detail, attempts, dead_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (subscriber, position) DO UPDATE SET reason = excluded.reason, status = excluded.status,
         detail = excluded.detail, attempts = excluded.attempts, dead_at = excluded.dead_at`,
    );
    this.#isDead = db.prepare('SELECT 1 FROM dead_letters WHERE subscriber = ? AND position = ?');
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

  /** @returns dead letters added, by subscriber */
  settle(settlements: readonly Settlement[]): Map<string, number> {
    const dead = new Map<string, number>();
    for (const settlement of settlements) {
      const { subscriber } = settlement;
      for (const row of settlement.waiting) {
        this.#wait.run(subscriber, row.position, row.key, row.attempts, row.dueAt, row.reason, row.replayedAt ?? null);
      }
      for (const position of settlement.released) this.#release.run(subscriber, position);
      for (const letter of settlement.dead) {
        const detail = letter.detail.slice(0, DETAIL_CHARACTERS_MAX);
        const { position, reason, status, attempts, at } = letter;
        if (!this.#isDead.get(subscriber, position)) dead.set(subscriber, (dead.get(subscriber) ?? 0) + 1);
        this.#bury.run(subscriber, position, reason, status, detail, attempts, at);
      }
      this.#cursor.run(settlement.cursor, subscriber);
    }
    return dead;
  }

  register(
    subscribers: readonly Pick<SubscriberSettings, 'id' | 'topics' | 'startFrom'>[],
    last: number,
  ): SubscriberProgress[] {
    this.#forgetDone(new Set(subscribers.map(({ id }) => id)));
    const find = this.db.prepare('SELECT cursor FROM subscribers WHERE subscriber = ?');
    const add = this.db.prepare('INSERT INTO subscribers VALUES (?, ?, ?)');
    // Writes nothing when nothing changed: a start on a full disk must get this far.
    const retopic = this.db.prepare('UPDATE subscribers SET topics = ?1 WHERE subscriber = ?2 AND topics <> ?1');
    return subscribers.map(({ id, topics, startFrom }) => {
      const known = find.get(id) as { cursor: number } | undefined;
      const cursor = known?.cursor ?? this.#startingCursor(startFrom, last);
      if (known) retopic.run(JSON.stringify(topics), id);
      else add.run(id, JSON.stringify(topics), cursor);
      return { id, cursor };
    });
  }

  /**
   * Subscribers that are no longer configured and have had all that was theirs are forgotten: their cursor would
   * never move again, and keep every later record from retention until the journal is full.
   */
  #forgetDone(present: ReadonlySet<string>): void {
    const known = this.db.prepare('SELECT subscriber, topics, cursor FROM subscribers').all() as unknown as {
      subscriber: string;
      topics: string;
      cursor: number;
    }[];
    const waits = this.db.prepare('SELECT 1 FROM waiting WHERE subscriber = ? LIMIT 1');
    const later = this.db.prepare(
      `SELECT DISTINCT t.name FROM records r JOIN topics t ON t.topic_id = r.topic_id
       WHERE r.position > ? AND NOT EXISTS (SELECT 1 FROM rejections j WHERE j.position = r.position)`,
    );
    const forget = this.db.prepare('DELETE FROM subscribers WHERE subscriber = ?');
    const cancel = this.db.prepare('DELETE FROM replays WHERE subscriber = ?');
    for (const { subscriber, topics, cursor } of known) {
      if (present.has(subscriber) || waits.get(subscriber)) continue;
      const filters = JSON.parse(topics) as string[];
      const names = later.all(cursor) as unknown as { name: string }[];
      if (names.some(({ name }) => filters.some((filter) => topicMatches(filter, name)))) continue;
      forget.run(subscriber);
      cancel.run(subscriber);
    }
  }

  #startingCursor(startFrom: SubscriberSettings['startFrom'], last: number): number {
    if (startFrom === 'now') return last;
    if (startFrom === 'earliest') return 0;
    if ('position' in startFrom) return Math.min(Math.max(startFrom.position - 1, 0), last);
    const row = this.db
      .prepare('SELECT min(position) AS position FROM records WHERE received_at >= ?')
      .get(startFrom.time) as { position: number | null };
    return row.position === null ? last : row.position - 1;
  }

  /** The furthest position that retention may delete up to. */
  floor(admitted: number): number {
    const row = this.#behind.get() as { at: number | null };
    return Math.min(admitted, row.at ?? admitted);
  }
}
