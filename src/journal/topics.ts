import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CACHED_TOPIC_LENGTH_MAX, CACHED_TOPICS_MAX } from './topic-names.js';

/**
 * A topic's row says where it was last seen, give or take so many positions: every record of it comes before
 * `seen + TOPIC_STRIDE`. One write per topic and stride then stands in for an index of records by topic, which was
 * measured to cost more than the records themselves: each record of a large fleet touches a page of its own.
 */
export const TOPIC_STRIDE = 65_536;

/** Records looked at, and topics forgotten, in one step. */
const STEP_RECORDS = 1_000;
const STEP_TOPICS = 500;

export interface Topic {
  readonly id: number;
  seen: number;
}

/** Numbers for topics. Runs inside a transaction. */
export class TopicTable {
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #see: StatementSync;
  readonly #known = new Map<string, Topic>();

  constructor(
    db: DatabaseSync,
    private readonly stride = TOPIC_STRIDE,
  ) {
    this.#find = db.prepare('SELECT topic_id AS id, seen FROM topics WHERE name = ?');
    this.#add = db.prepare('INSERT INTO topics (name, seen) VALUES (?, ?)');
    this.#see = db.prepare('UPDATE topics SET seen = ? WHERE topic_id = ?');
  }

  /** @param seen for a topic that is new: a position before the record's */
  find(name: string, seen: number): Topic {
    return this.#known.get(name) ?? this.#lookUp(name, seen);
  }

  /** The record at `position` is of this topic. */
  used(topic: Topic, position: number): void {
    if (position < topic.seen + this.stride) return;
    this.#see.run(position, topic.id);
    topic.seen = position;
  }

  /** Numbers given in a transaction that was undone are void, and so are those of forgotten topics. */
  forget(): void {
    this.#known.clear();
  }

  #lookUp(name: string, seen: number): Topic {
    const row = this.#find.get(name) as unknown as Topic | undefined;
    const topic = row
      ? { id: row.id, seen: row.seen }
      : { id: Number(this.#add.run(name, seen).lastInsertRowid), seen };
    if (name.length > CACHED_TOPIC_LENGTH_MAX) return topic;
    if (this.#known.size >= CACHED_TOPICS_MAX) this.#known.clear();
    this.#known.set(name, topic);
    return topic;
  }
}

/**
 * Forgets topics that no record has any more, in bounded steps inside transactions. A round marks the topics of
 * what retention left behind up to a bound, then deletes those that were not seen near the bound and not marked.
 */
export class TopicSweep {
  readonly #records: StatementSync;
  readonly #unseen: StatementSync;
  readonly #delete: StatementSync;
  readonly #used = new Set<number>();
  /** Records up to here are marked; -1 when no round is under way. */
  #walkedTo = -1;
  #bound = 0;

  constructor(
    db: DatabaseSync,
    private readonly stride = TOPIC_STRIDE,
  ) {
    this.#records = db.prepare(
      'SELECT position, topic_id FROM records WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
    );
    this.#unseen = db.prepare('SELECT topic_id FROM topics WHERE seen <= ?');
    this.#delete = db.prepare('DELETE FROM topics WHERE topic_id = ? AND seen <= ?');
  }

  /**
   * One step. @param cleared retention has been through all records up to here: few are left of them
   * @returns whether topics were forgotten
   */
  step(cleared: number): boolean {
    if (this.#walkedTo < 0 && !this.#begin(cleared)) return false;
    const rows = this.#records.all(this.#walkedTo, this.#bound, STEP_RECORDS) as unknown as {
      position: number;
      topic_id: number;
    }[];
    for (const row of rows) this.#used.add(row.topic_id);
    if (rows.length === STEP_RECORDS) {
      this.#walkedTo = rows.at(-1)!.position;
      return false;
    }
    return this.#sweep();
  }

  /** A round for each stride that was cleared: between two of them nearly the same topics stand. */
  #begin(cleared: number): boolean {
    if (cleared < this.#bound + this.stride) return false;
    this.#bound = cleared;
    this.#walkedTo = 0;
    return true;
  }

  #sweep(): boolean {
    const limit = this.#bound - this.stride;
    const unseen = (this.#unseen.all(limit) as unknown as { topic_id: number }[]).map((row) => row.topic_id);
    const unused = unseen.filter((id) => !this.#used.has(id));
    for (const id of unused.slice(0, STEP_TOPICS)) this.#delete.run(id, limit);
    if (unused.length <= STEP_TOPICS) {
      this.#used.clear();
      this.#walkedTo = -1;
    } else this.#walkedTo = this.#bound; // all is marked; the rest goes in the next step
    return unused.length > 0;
  }
}
