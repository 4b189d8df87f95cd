import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Topics that the writer, or one reader, keeps in memory. */
export const CACHED_TOPICS_MAX = 50_000;
/** Longer topics are looked up each time, so that topics cannot fill the memory. */
export const CACHED_TOPIC_LENGTH_MAX = 512;

/** The texts of interned topics. Kept in memory, because joining them to each record costs a third of reading it. */
export class TopicNames {
  readonly #find: StatementSync;
  /** A number is never given to another topic. */
  readonly #known = new Map<number, string>();

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT name FROM topics WHERE topic_id = ?');
  }

  /** Undefined only in a damaged journal. */
  of(id: number): string | undefined {
    return this.#known.get(id) ?? this.#lookUp(id);
  }

  #lookUp(id: number): string | undefined {
    const name = (this.#find.get(id) as { name: string } | undefined)?.name;
    if (name === undefined || name.length > CACHED_TOPIC_LENGTH_MAX) return name;
    if (this.#known.size >= CACHED_TOPICS_MAX) this.#known.clear();
    this.#known.set(id, name);
    return name;
  }
}
