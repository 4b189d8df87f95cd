import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageBatch } from '../domain/message.js';
import { uuid7 } from '../domain/uuid.js';
import { checksum } from './rows.js';

const CACHED_TOPICS_MAX = 50_000;
/** Longer topics are looked up each time, so that topics cannot fill the memory. */
const CACHED_TOPIC_LENGTH_MAX = 512;
const UNRELEASED_MASK = 3;

/** Writes messages as records: interned topic, UUIDv7, checksum. Runs inside a transaction. */
export class Appender {
  readonly #insert: StatementSync;
  readonly #findTopic: StatementSync;
  readonly #addTopic: StatementSync;
  readonly #unreleased: StatementSync;
  readonly #topicIds = new Map<string, number>();

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      `INSERT INTO records (id, topic_id, flags, received_at, payload, properties, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#findTopic = db.prepare('SELECT topic_id FROM topics WHERE name = ?');
    this.#addTopic = db.prepare('INSERT INTO topics (name) VALUES (?)');
    this.#unreleased = db.prepare('INSERT INTO unreleased VALUES (?, ?) ON CONFLICT DO NOTHING');
  }

  /** @returns the position of the last record, 0 for an empty batch */
  append(batch: MessageBatch, session: string): number {
    let last = 0;
    for (let i = 0; i < batch.topics.length; i++) {
      const topic = batch.topics[i]!;
      const flags = batch.flags[i]! & 7; // DUP says something of the delivery, not of the message
      const at = batch.receivedAt[i]!;
      const payload = batch.payloads.subarray(batch.offsets[i], batch.offsets[i + 1]);
      const properties = batch.properties[i] ? JSON.stringify(batch.properties[i]) : null;
      const sum = checksum(topic, flags, at, payload, properties);
      last = Number(
        this.#insert.run(uuid7(at), this.#topicId(topic), flags, at, payload, properties, sum).lastInsertRowid,
      );
      if ((flags & UNRELEASED_MASK) === 2) this.#unreleased.run(session, batch.packetIds[i]!);
    }
    return last;
  }

  /** After a rollback the numbers of new topics are void. */
  forgetTopics(): void {
    this.#topicIds.clear();
  }

  #topicId(topic: string): number {
    let id = this.#topicIds.get(topic);
    if (id === undefined) {
      const row = this.#findTopic.get(topic) as { topic_id: number } | undefined;
      id = row?.topic_id ?? Number(this.#addTopic.run(topic).lastInsertRowid);
      if (topic.length > CACHED_TOPIC_LENGTH_MAX) return id;
      if (this.#topicIds.size >= CACHED_TOPICS_MAX) this.#topicIds.clear();
      this.#topicIds.set(topic, id);
    }
    return id;
  }
}
