import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../domain/errors.js';

/**
 * One entry per schema version; entry i brings the file from version i to i + 1. Never edit an entry
 * that was released: add one.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- Interned: a fleet repeats its topics. See topics.ts for what seen means.
  CREATE TABLE topics (topic_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL);

  -- AUTOINCREMENT, because a plain integer key starts over at 1 when the table empties.
  CREATE TABLE records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    topic_id INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    properties TEXT,
    checksum INTEGER NOT NULL
  );

  CREATE TABLE rejections (
    position INTEGER PRIMARY KEY,
    contract TEXT NOT NULL,
    reason TEXT NOT NULL,
    problems TEXT NOT NULL,
    rejected_at INTEGER NOT NULL
  );
  CREATE TABLE damaged (position INTEGER PRIMARY KEY, found_at INTEGER NOT NULL);

  CREATE TABLE subscribers (
    subscriber TEXT PRIMARY KEY,
    topics TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    -- What the keys of its waiting rows mean.
    ordering TEXT NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    gone TEXT NOT NULL DEFAULT ''
  ) WITHOUT ROWID;
  -- Subscribers that came over REST: the request's body as JSON.
  CREATE TABLE registrations (subscriber TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE waiting (
    subscriber TEXT NOT NULL,
    position INTEGER NOT NULL,
    ordering_key TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (subscriber, position)
  ) WITHOUT ROWID;
  CREATE INDEX waiting_by_position ON waiting (position);
  CREATE TABLE dead_letters (
    dead_letter INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber TEXT NOT NULL,
    position INTEGER NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER NOT NULL,
    detail TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    dead_at INTEGER NOT NULL,
    UNIQUE (subscriber, position)
  );
  CREATE INDEX dead_letters_by_position ON dead_letters (position);

  CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    payload BLOB,
    flags INTEGER NOT NULL,
    properties TEXT,
    accepted_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason_code INTEGER NOT NULL DEFAULT 0,
    cause TEXT,
    finished_at INTEGER
  );
  CREATE INDEX outbox_queued ON outbox (sequence) WHERE status = 'queued';

  CREATE TABLE acknowledged_subscriptions (
    session TEXT NOT NULL,
    filter TEXT NOT NULL,
    qos INTEGER NOT NULL,
    PRIMARY KEY (session, filter)
  ) WITHOUT ROWID;
  CREATE TABLE unreleased (
    session TEXT NOT NULL,
    packet_id INTEGER NOT NULL,
    PRIMARY KEY (session, packet_id)
  ) WITHOUT ROWID;
  `,
  `
  -- Set for what is given again: since when. Its age counts from there.
  ALTER TABLE waiting ADD COLUMN replayed_at INTEGER;

  -- Ranges of the journal that subscribers are given again. position: all up to here is settled or waits.
  CREATE TABLE replays (
    replay INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber TEXT NOT NULL,
    topics TEXT,
    first INTEGER NOT NULL,
    through INTEGER NOT NULL,
    position INTEGER NOT NULL
  );
  `,
  `
  -- While it is queued: what it takes of the outbox's share. keyed: it came with an Idempotency-Key.
  ALTER TABLE outbox ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE outbox ADD COLUMN expires_at INTEGER;
  ALTER TABLE outbox ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0;
  UPDATE outbox SET bytes = length(payload),
    expires_at = accepted_at + 1000 * json_extract(properties, '$.messageExpiryInterval') WHERE status = 'queued';
  CREATE INDEX outbox_expiring ON outbox (expires_at) WHERE status = 'queued' AND expires_at IS NOT NULL;
  CREATE INDEX outbox_finished ON outbox (keyed, finished_at) WHERE finished_at IS NOT NULL;

  CREATE TABLE publish_keys (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    answers TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
  ) WITHOUT ROWID;
  CREATE INDEX publish_keys_by_age ON publish_keys (first_at);
  `,
  `
  -- Since when it is served, or was woken: the age of nothing that waits for it began before.
  ALTER TABLE subscribers ADD COLUMN fresh_at INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- How the key was made, and those of all records that were not settled then; '' when that is not known.
  ALTER TABLE waiting ADD COLUMN key_ways TEXT NOT NULL DEFAULT '';
  UPDATE waiting SET key_ways = 'topic' WHERE subscriber IN (SELECT subscriber FROM subscribers WHERE ordering = 'topic');
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings the file to {@link SCHEMA_VERSION}. Throws JOURNAL_SCHEMA_TOO_NEW for a file of a later version. */
export function migrate(db: DatabaseSync): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) {
    throw new HoldfastError(
      'JOURNAL_SCHEMA_TOO_NEW',
      `the journal has schema version ${version}, this program knows up to ${SCHEMA_VERSION}`,
    );
  }
  for (let from = version; from < SCHEMA_VERSION; from++) {
    db.exec('BEGIN EXCLUSIVE');
    db.exec(MIGRATIONS[from]!);
    db.exec(`PRAGMA user_version = ${from + 1}`);
    db.exec('COMMIT');
  }
}
