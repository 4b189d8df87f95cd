import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { AcceptRefusal, JournalEvents } from '../domain/journal.js';
import { packMessages } from '../domain/message.js';
import { journalFiles, openWriter } from './files.js';
import { acceptance, journalSuite, message, messages, until } from './journal.suite.js';
import { SCHEMA_VERSION } from './schema.js';
import { directory, open } from './sqlite.fixture.js';
import { subscribersSuite } from './subscribers.suite.js';

journalSuite('sqlite', open, directory);
subscribersSuite('sqlite', open, directory);

describe('sqlite: what the file promises', () => {
  it('is WAL with synchronous FULL, at the newest schema, readable by its owner alone', async () => {
    const place = directory();
    const opened = await open(place);
    await opened.journal.append(packMessages(messages(0, 1)));
    for (const suffix of ['', '-wal', '-shm']) {
      assert.equal(statSync(journalFiles(place).database + suffix).mode & 0o777, 0o600, suffix);
    }
    const { lock } = journalFiles(place);
    for (const file of [lock, `${lock}-journal`]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    opened.kill();
    const db = openWriter(place);
    assert.deepEqual(Object.values(db.prepare('PRAGMA synchronous').get()!), [2]);
    assert.deepEqual(Object.values(db.prepare('PRAGMA auto_vacuum').get()!), [2]);
    assert.deepEqual(Object.values(db.prepare('PRAGMA user_version').get()!), [SCHEMA_VERSION]);
    db.close();
  });

  it('a journal of a later version is refused, not touched', () => {
    const place = directory();
    openWriter(place).close();
    const db = new DatabaseSync(journalFiles(place).database);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    assert.throws(() => openWriter(place), { code: 'JOURNAL_SCHEMA_TOO_NEW' });
  });

  it('a file that is not a database is called damaged', () => {
    const place = directory();
    execFileSync('dd', ['if=/dev/urandom', `of=${journalFiles(place).database}`, 'bs=4096', 'count=4', 'status=none']);
    assert.throws(() => openWriter(place), { code: 'JOURNAL_DAMAGED' });
  });

  it('a flipped bit in a record is found, set aside, counted and said; its neighbours are read', async () => {
    const place = directory();
    const opened = await open(place);
    await opened.journal.append(packMessages(messages(0, 3)));
    opened.kill();
    const db = new DatabaseSync(journalFiles(place).database);
    db.exec('UPDATE records SET payload = CAST(\'{"n":9}\' AS BLOB) WHERE position = 2');
    db.close();
    const again = await open(place);
    assert.deepEqual(
      again.reader.recordsAfter(0, 10, 10).map(({ position }) => position),
      [1, 3],
    );
    assert.deepEqual(again.damaged, [2]);
    await again.journal.quarantine([2]);
    await again.journal.quarantine([2]);
    assert.equal((await again.journal.stats()).corruptRecords, 1);
    assert.deepEqual(
      again.events.filter(({ event }) => event === 'damaged').map(({ value }) => value),
      [[2]],
    );
    again.kill();
  });

  it('records behind more damaged ones than one look takes are found, not passed over', async () => {
    const place = directory();
    const opened = await open(place);
    await opened.journal.append(packMessages(messages(0, 301)));
    opened.kill();
    const db = new DatabaseSync(journalFiles(place).database);
    db.exec('UPDATE records SET checksum = checksum + 1 WHERE position <= 300');
    db.close();
    const again = await open(place);
    const [found] = again.reader.recordsAfter(0, 301, 256);
    assert.equal(found?.position, 301);
    again.kill();
  });

  it('one look takes a bounded number of bytes, and the next goes on where it ended', async () => {
    const opened = await open(directory());
    const payload = new Uint8Array(1 << 20);
    await opened.journal.append(packMessages(Array.from({ length: 60 }, (_, i) => message(i, { payload }))));
    const seen: number[] = [];
    for (let position = 0; position < 60; position = seen.at(-1)!) {
      const records = opened.reader.recordsAfter(position, 60, 256);
      const bytes = records.reduce((sum, record) => sum + record.payload.length, 0);
      assert.ok(bytes <= 24 << 20, `${bytes} bytes at once`);
      seen.push(...records.map((record) => record.position));
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    opened.kill();
  });

  it('another program that holds the write lock for a moment delays an append and does not fail it', async () => {
    const place = directory();
    const opened = await open(place);
    const script = `const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1]); db.exec('BEGIN IMMEDIATE'); console.log('locked');
      setTimeout(() => db.exec('COMMIT'), 300);`;
    const other = spawn(process.execPath, ['-e', script, journalFiles(place).database]);
    await once(other.stdout, 'data');
    await opened.journal.append(packMessages(messages(0, 1)));
    assert.equal((await opened.journal.stats()).last, 1);
    opened.kill();
  });

  it('one operation that fails does not fail the others of its transaction', async () => {
    const opened = await open(directory());
    const results = await Promise.allSettled([
      opened.journal.accept([acceptance('a'), acceptance('a'), acceptance('b')]),
      opened.journal.append(packMessages(messages(0, 1))),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    const { value } = results[0] as PromiseFulfilledResult<(AcceptRefusal | null)[]>;
    assert.deepEqual(
      value.map((refusal) => refusal?.code),
      [undefined, 'INTERNAL', undefined],
    );
    assert.equal((await opened.journal.stats()).outbox, 2);
    opened.kill();
  });
});

describe('sqlite: the age limit of what failed', () => {
  it('old rejections and dead letters go, with their records, and it is said; younger ones stay', async () => {
    const opened = await open(directory(), { failedRetentionMs: 60_000 });
    const { journal, reader, events } = opened;
    await journal.append(packMessages(messages(0, 4)));
    await journal.registerSubscribers([{ id: 'app', topics: ['#'], startFrom: 'earliest' }]);
    await journal.admit(4, [{ position: 1, contract: 'c', reason: 'syntax', problems: [] }]);
    const letter = { subscriber: 'app', reason: 'status', status: 400, detail: '', attempts: 1 };
    const dead = [
      { ...letter, position: 2, at: Date.now() - 120_000 },
      { ...letter, position: 3, at: Date.now() },
    ];
    await journal.settle([{ subscriber: 'app', cursor: 4, waiting: [], released: [], dead }]);
    await until(async () => (await journal.stats()).records === 2);
    assert.deepEqual(
      reader.deadLetters({ limit: 10 }).map(({ position }) => position),
      [3],
    );
    assert.equal(reader.listRejections({ range: { low: 1, high: 10 }, order: 'asc', rows: 10 }, {}).found.length, 1);
    assert.deepEqual((await journal.stats()).deadLetters, { app: 1 });
    const expired = events.filter(({ event }) => event === 'expired').map(({ value }) => value);
    assert.deepEqual(expired, [{ rejections: 0, deadLetters: 1 }]);
    opened.kill();
  });
});

describe('sqlite: when there is no room', () => {
  const payload = new Uint8Array(16_384);

  it('at the cap appends wait, publishes are refused, and both go on when the backlog is cleared', async () => {
    const opened = await open(directory(), { maxBytes: 4 << 20 });
    await opened.journal.registerSubscribers([{ id: 'app', topics: ['#'], startFrom: 'earliest' }]);
    let appended = 0;
    const all = Array.from({ length: 600 }, (_, i) =>
      opened.journal.append(packMessages([message(i, { payload })])).then(() => void appended++),
    );
    await until(() => opened.events.some(({ event }) => event === 'state'));
    assert.equal((await opened.journal.accept([acceptance('a')]))[0]?.code, 'JOURNAL_FULL');
    const before = appended;
    assert.ok(before < 600, `${before} of 600 were appended`);
    // Clearing what is there makes room for more, until all are in.
    const drain = setInterval(() => {
      void opened.journal.stats().then(async ({ last }) => {
        await opened.journal.admit(last, []);
        await opened.journal.settle([{ subscriber: 'app', cursor: last, waiting: [], released: [], dead: [] }]);
      });
    }, 20);
    await Promise.all(all);
    clearInterval(drain);
    assert.equal((await opened.journal.stats()).last, 600);
    opened.kill();
  });

  it('says that the cap is near before it is reached, and when it no longer is', async () => {
    const opened = await open(directory(), { maxBytes: 4 << 20 });
    const { journal, events } = opened;
    await journal.registerSubscribers([{ id: 'app', topics: ['#'], startFrom: 'earliest' }]);
    const told = (): unknown[] => events.filter(({ event }) => event === 'nearFull').map(({ value }) => value);
    let last = 0;
    while (told().length === 0 && last < 600) await journal.append(packMessages([message(last++, { payload })]));
    assert.ok(!events.some(({ event }) => event === 'state'));
    assert.partialDeepStrictEqual(told(), [{ near: true, maxBytes: 4 << 20 }]);
    await journal.admit(last, []);
    await journal.settle([{ subscriber: 'app', cursor: last, waiting: [], released: [], dead: [] }]);
    await until(() => told().length === 2);
    assert.partialDeepStrictEqual(told()[1], { near: false });
    opened.kill();
  });

  it('a session lost while appends wait: their QoS 2 packet ids do not outlive it, and the link may connect', async () => {
    const opened = await open(directory(), { maxBytes: 4 << 20 });
    const { journal } = opened;
    await journal.registerSubscribers([{ id: 'app', topics: ['#'], startFrom: 'earliest' }]);
    await journal.openSession('one');
    const all = Array.from({ length: 400 }, (_, i) => journal.append(packMessages([message(i, { payload })])));
    await until(() => opened.events.some(({ event }) => event === 'state'));
    await journal.admit(10, []);
    const held = journal.append(packMessages([message(1, { qos: 2, packetId: 7 })]));
    const reset = journal.resetSession('one');
    assert.deepEqual((await journal.openSession('one')).subscriptions, []);
    const last = (): number => Math.max(...opened.reader.recordsAfter(0, 1e9, 1e6).map(({ position }) => position));
    const drain = setInterval(() => {
      const cursor = last();
      void journal.admit(cursor, []);
      void journal.settle([{ subscriber: 'app', cursor, waiting: [], released: [], dead: [] }]);
    }, 20);
    await Promise.all([...all, held, reset]);
    clearInterval(drain);
    assert.deepEqual((await journal.openSession('one')).unreleased, []);
    opened.kill();
  });

  it('discard-oldest-of-largest-backlog gives up the oldest and says which', async () => {
    const opened = await open(directory(), { maxBytes: 4 << 20, whenFull: 'discard-oldest-of-largest-backlog' });
    await opened.journal.registerSubscribers([{ id: 'dead', topics: ['#'], startFrom: 'earliest' }]);
    const all = Array.from({ length: 600 }, (_, i) => opened.journal.append(packMessages([message(i, { payload })])));
    const admitting = setInterval(
      () => void opened.journal.stats().then(({ last }) => opened.journal.admit(last, [])),
      20,
    );
    await Promise.all(all);
    clearInterval(admitting);
    const gaps = opened.events.filter(({ event }) => event === 'discarded').map(({ value }) => value);
    assert.ok(gaps.length > 0);
    assert.deepEqual((gaps[0] as JournalEvents['discarded']).from, 1);
    const { through } = gaps.at(-1) as JournalEvents['discarded'];
    assert.ok(through < 500, `up to ${through} of 600 were given up, where some 200 have room`);
    opened.kill();
  });
});
