import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageBatch } from '../domain/message.js';
import { uuid7, uuidText } from '../domain/uuid.js';
import type { AppendMarks } from './marks.js';
import { checksum, REPLAYS_SHIFT, type RecordRow } from './rows.js';
import type { TopicTable } from './topics.js';

const UNRELEASED_MASK = 3;

/** Writes messages as records: interned topic, UUIDv7, checksum. Runs inside a transaction. */
export class Appender {
  readonly #insert: StatementSync;
  readonly #unreleased: StatementSync;

  constructor(
    db: DatabaseSync,
    private readonly topics: TopicTable,
    private readonly marks?: AppendMarks,
  ) {
    this.#insert = db.prepare(
      `INSERT INTO records (id, topic_id, flags, received_at, payload, properties, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#unreleased = db.prepare('INSERT INTO unreleased VALUES (?, ?) ON CONFLICT DO NOTHING');
  }

  /** @returns the position of the last record, 0 for an empty batch */
  append(batch: MessageBatch, session: string): number {
    let last = 0;
    const { marks } = this;
    for (let i = 0; i < batch.topics.length; i++) {
      const name = batch.topics[i]!;
      const topic = this.topics.find(name, last);
      const flags = batch.flags[i]! & 7; // DUP says something of the delivery, not of the message
      const at = batch.receivedAt[i]!;
      const payload = batch.payloads.subarray(batch.offsets[i], batch.offsets[i + 1]);
      const properties = batch.properties[i] ? JSON.stringify(batch.properties[i]) : null;
      const sum = checksum(name, flags, at, payload, properties);
      const id = uuid7(at);
      last = Number(this.#insert.run(id, topic.id, flags, at, payload, properties, sum).lastInsertRowid);
      this.topics.used(topic, last);
      if (marks) marks.written(last, uuidText(id), name, at, batch.properties[i]?.userProperties);
      if ((flags & UNRELEASED_MASK) === 2) this.#unreleased.run(session, batch.packetIds[i]!);
    }
    return last;
  }

  /**
   * A record once more, at a new position: all the same but for the count of how often. @param name its topic
   * @returns the position
   */
  again([position, id, , before, at, payload, properties]: RecordRow, name: string): number {
    const topic = this.topics.find(name, position);
    const flags = before + (1 << REPLAYS_SHIFT);
    const sum = checksum(name, flags, at, payload, properties);
    const bytes = Buffer.from(id, 'hex');
    const last = Number(this.#insert.run(bytes, topic.id, flags, at, payload, properties, sum).lastInsertRowid);
    this.topics.used(topic, last);
    return last;
  }
}
