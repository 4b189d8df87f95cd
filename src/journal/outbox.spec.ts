import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { expiresAt, type OutboxEntry, type OutboxLimits, type Publish, type PublishResult } from '../domain/publish.js';
import { journalFiles } from './files.js';
import { acceptance, publish } from './journal.suite.js';
import { OutboxTable } from './outbox.js';
import { migrate } from './schema.js';
import { directory, open, type OpenSqlite } from './sqlite.fixture.js';

const LIMITS: OutboxLimits = { recordsMax: 10, bytesMax: 10_000, resultsMax: 10, keyBytesMax: 10_000 };
const DAY_MS = 24 * 3_600_000;
const KEY = { caller: 'app', key: 'k', digest: 'd' };

function published(sequence: number, changes: Partial<PublishResult> = {}): PublishResult {
  return { sequence, id: `p${sequence}`, outcome: 'published', reasonCode: 0, ...changes };
}

/** Publishes with ids of their own. @returns why each was not taken */
async function accept({ journal }: OpenSqlite, count: number, fields: Partial<Publish> = {}): Promise<unknown[]> {
  const all = Array.from({ length: count }, () => acceptance(randomUUID(), fields));
  return (await journal.accept(all)).map((refusal) => refusal?.code);
}

describe('what waits for the broker', () => {
  it('is bounded in records and in bytes, also within one transaction and after a restart, and frees its share', async () => {
    const place = directory();
    const first = await open(place, { outbox: LIMITS });
    const full = await accept(first, 12);
    assert.deepEqual(full.slice(9), [undefined, 'OUTBOX_FULL', 'OUTBOX_FULL']);
    first.kill();
    const second = await open(place, { outbox: LIMITS });
    assert.deepEqual(await accept(second, 1), ['OUTBOX_FULL']);
    await second.journal.confirm([published(1)]);
    assert.deepEqual(
      (await second.journal.accept([acceptance('p11'), acceptance('p12')])).map((one) => one?.code),
      [undefined, 'OUTBOX_FULL'],
    );
    second.kill();

    const other = await open(directory(), { outbox: LIMITS });
    const payload = Buffer.alloc(4_000);
    assert.deepEqual(await accept(other, 3, { payload }), [undefined, undefined, 'OUTBOX_FULL']);
    await other.journal.confirm([published(1), published(2)]);
    assert.deepEqual(await accept(other, 1, { payload: Buffer.alloc(20_000) }), [undefined], 'one alone always fits');
    other.kill();
  });

  it('says since when the oldest waits', async () => {
    const opened = await open(directory(), { outbox: LIMITS });
    const oldest = async (): Promise<number | undefined> => (await opened.journal.stats()).oldestPublishAt;
    assert.equal(await oldest(), undefined);
    await opened.journal.accept([acceptance('a', { acceptedAt: 5 }), acceptance('b', { acceptedAt: 9 })]);
    assert.equal(await oldest(), 5);
    await opened.journal.confirm([published(1)]);
    assert.equal(await oldest(), 9);
    await opened.journal.confirm([published(2)]);
    assert.equal(await oldest(), undefined);
    opened.kill();
  });

  it('a refusal undoes nothing of what is accepted with it; a batch is taken whole or not at all', async () => {
    const opened = await open(directory(), { outbox: LIMITS });
    const nine = Array.from({ length: 9 }, (_, i) => publish(`p${i + 1}`));
    const [a, b, c] = await opened.journal.accept([
      { publishes: nine },
      { publishes: [publish('x'), publish('y')] },
      acceptance('p10'),
    ]);
    assert.deepEqual([a, b?.code, c], [null, 'OUTBOX_FULL', null]);
    assert.deepEqual(
      (await opened.journal.outbox(0, 20)).map(({ id }) => id),
      [...nine.map(({ id }) => id), 'p10'],
    );
    opened.kill();
  });

  it('tells what came in, once for each transaction, and keeps to itself what is too much', async () => {
    const opened = await open(directory());
    const told = (): OutboxEntry[][] =>
      opened.events.filter(({ event }) => event === 'outbox').map(({ value }) => value as OutboxEntry[]);
    await Promise.all([
      opened.journal.accept([acceptance('p1'), acceptance('p2')]),
      opened.journal.accept([acceptance('q')]),
    ]);
    assert.deepEqual(
      told().map((entries) => entries.map(({ sequence, id }) => [sequence, id])),
      [
        [
          [1, 'p1'],
          [2, 'p2'],
          [3, 'q'],
        ],
      ],
    );
    await opened.journal.accept([acceptance('large', { payload: Buffer.alloc(300_000) })]);
    assert.deepEqual(told().slice(1), [[]]);
    opened.kill();
  });

  it('the topic is known for as long as the result, unless it is long', async () => {
    const opened = await open(directory());
    const long = 'é'.repeat(257);
    await opened.journal.accept([acceptance('a', { topic: 'commands/a' }), acceptance('b', { topic: long })]);
    const topics = (): unknown[] => ['a', 'b'].map((id) => opened.reader.publishStatus(id)?.topic);
    assert.deepEqual(topics(), ['commands/a', long]);
    await opened.journal.confirm([published(1, { id: 'a' }), published(2, { id: 'b' })]);
    assert.deepEqual(topics(), ['commands/a', undefined]);
    opened.kill();
  });

  it('what runs out ends as expired, and is told; what has no end stays', async () => {
    const place = directory();
    const opened = await open(place);
    const timed = (seconds: number): Partial<Publish> => ({
      acceptedAt: 1_000,
      properties: { messageExpiryInterval: seconds },
    });
    await opened.journal.accept([acceptance('a', timed(1)), acceptance('b', timed(60)), acceptance('c')]);
    await opened.journal.expireOutbox(1_999, 0);
    assert.equal((await opened.journal.stats()).outbox, 3);
    await opened.journal.expireOutbox(2_000, 0);
    assert.equal((await opened.journal.stats()).outbox, 2);
    assert.deepEqual(opened.reader.publishStatus('a')?.status, 'expired');
    const told = opened.events.filter(({ event }) => event === 'confirmed').map(({ value }) => value);
    assert.deepEqual(told, [[{ sequence: 1, id: 'a', outcome: 'expired', reasonCode: 0 }]]);
    await opened.journal.confirm([published(1, { id: 'a' })]);
    assert.equal(opened.reader.publishStatus('a')?.status, 'expired', 'an end is final');
    opened.kill();
  });
});

describe('what may be sent for a while only', () => {
  it('keeps that over a restart, and ends then, however long its expiry is', async () => {
    const place = directory();
    const first = await open(place);
    const properties = { messageExpiryInterval: 1 };
    await first.journal.accept([acceptance('a', { acceptedAt: 1_000, sendUntil: 1_300, properties })]);
    first.kill();
    const second = await open(place);
    const [entry] = await second.journal.outbox(0, 1);
    assert.deepEqual([entry!.properties, expiresAt(entry!)], [properties, 1_300]);
    await second.journal.expireOutbox(1_299, 0);
    assert.equal(second.reader.publishStatus('a')?.status, 'queued');
    await second.journal.expireOutbox(1_300, 0);
    assert.equal(second.reader.publishStatus('a')?.status, 'expired');
    second.kill();
  });
});

describe('what is on its way to the broker', () => {
  it('does not expire, and what is behind it does', async () => {
    const opened = await open(directory());
    const timed = { acceptedAt: 1_000, properties: { messageExpiryInterval: 1 } };
    await opened.journal.accept(['a', 'b', 'c', 'd'].map((id) => acceptance(id, timed)));
    await opened.journal.expireOutbox(2_000, 2);
    const statuses = ['a', 'b', 'c', 'd'].map((id) => opened.reader.publishStatus(id)?.status);
    assert.deepEqual(statuses, ['queued', 'queued', 'expired', 'expired']);
    opened.kill();
  });
});

describe('an idempotency key', () => {
  it('is on disk with the publish it led to, and what was answered replaces what is known', async () => {
    const place = directory();
    const first = await open(place);
    await first.journal.accept([{ publishes: [publish('a')], kept: { ...KEY, answers: [{ id: 'a' }] } }]);
    first.kill();
    const second = await open(place);
    assert.deepEqual(second.reader.keptRequest(KEY), { digest: 'd', answers: [{ id: 'a' }] });
    await second.journal.keepAnswer(KEY, [{ id: 'a', status: 'queued' }]);
    assert.deepEqual(second.reader.keptRequest(KEY)?.answers, [{ id: 'a', status: 'queued' }]);
    for (const other of [
      { ...KEY, caller: '' },
      { ...KEY, key: 'K' },
    ]) {
      assert.equal(second.reader.keptRequest(other), undefined);
    }
    second.kill();
  });

  it('is not taken when there is no room for it, and neither is its publish', async () => {
    const opened = await open(directory(), { outbox: { ...LIMITS, keyBytesMax: 1_000 } });
    const kept = (key: string) => ({ publishes: [publish(key)], kept: { ...KEY, key, answers: [{ id: key }] } });
    const refusals = await opened.journal.accept([kept('a'), kept('b'), acceptance('c')]);
    assert.deepEqual(
      refusals.map((refusal) => refusal?.code),
      [undefined, 'KEYS_FULL', undefined],
    );
    assert.equal(opened.reader.publishStatus('b'), undefined);
    opened.kill();
  });

  it('takes no more than half of the room for one token, whoever else has none', async () => {
    const place = directory();
    const limits = { outbox: { ...LIMITS, keyBytesMax: 4_000 } };
    const kept = (caller: string, key: string) => ({
      publishes: [publish(caller + key)],
      kept: { ...KEY, caller, key, answers: [{ id: caller + key }] },
    });
    const asked = async (journal: OpenSqlite['journal'], ...wanted: ReturnType<typeof kept>[]) =>
      (await journal.accept(wanted)).map((refusal) => refusal?.code);
    const first = await open(place, limits);
    assert.deepEqual(await asked(first.journal, kept('x', '1'), kept('x', '2'), kept('x', '3'), kept('y', '1')), [
      ...[undefined, undefined, 'KEYS_FULL', undefined],
    ]);
    first.kill();
    const second = await open(place, limits);
    assert.deepEqual(await asked(second.journal, kept('x', '3'), kept('y', '2'), kept('', '1')), [
      ...['KEYS_FULL', undefined, 'KEYS_FULL'],
    ]);
    second.kill();
  });
});

/** The table alone: what clears it goes by the clock. */
function table(limits: Partial<OutboxLimits> = {}): { db: DatabaseSync; outbox: OutboxTable } {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  return { db, outbox: new OutboxTable(db, { ...LIMITS, recordsMax: 1e6, bytesMax: 1e9, ...limits }) };
}

function left(db: DatabaseSync): unknown[] {
  return (db.prepare('SELECT id FROM outbox ORDER BY sequence').all() as { id: string }[]).map(({ id }) => id);
}

describe('what is forgotten', () => {
  it('results and keys after 24 hours, and no key as long as its publish waits', () => {
    const { db, outbox } = table();
    outbox.add({ publishes: [publish('plain', { acceptedAt: 0 })] });
    outbox.add({
      publishes: [publish('done', { acceptedAt: 0 })],
      kept: { ...KEY, key: '1', answers: [{ id: 'done' }] },
    });
    outbox.add({
      publishes: [publish('waits', { acceptedAt: 0 })],
      kept: { ...KEY, key: '2', answers: [{ id: 'waits' }] },
    });
    outbox.finish([published(1), published(2)], 10);
    const keys = (): unknown[] =>
      db
        .prepare('SELECT key FROM publish_keys')
        .all()
        .map(({ key }) => key);
    outbox.forgetOld(DAY_MS);
    assert.deepEqual(
      [left(db), keys()],
      [
        ['plain', 'done', 'waits'],
        ['1', '2'],
      ],
    );
    outbox.forgetOld(DAY_MS + 11);
    assert.deepEqual([left(db), keys()], [['waits'], ['2']]);
    outbox.finish([published(3)], DAY_MS + 20);
    outbox.forgetOld(2 * DAY_MS + 12);
    assert.deepEqual([left(db), keys()], [['waits'], []]);
  });

  it('results beyond their number, the oldest first, but none that a key leads to', () => {
    const { db, outbox } = table({ resultsMax: 2 });
    for (let i = 1; i <= 5; i++) {
      const kept = i === 1 ? { kept: { ...KEY, answers: [{ id: 'p1' }] } } : {};
      outbox.add({ publishes: [publish(`p${i}`, { acceptedAt: 0 })], ...kept });
    }
    outbox.finish(
      [5, 4, 3, 2, 1].map((sequence) => published(sequence)),
      10,
    );
    outbox.forgetOld(20);
    assert.deepEqual(left(db), ['p1', 'p4', 'p5']);
  });

  it('in bounded steps', () => {
    const { db, outbox } = table({ resultsMax: 1e6 });
    for (let i = 1; i <= 1_200; i++) outbox.add(acceptance(`p${i}`, { acceptedAt: 0 }));
    outbox.finish(
      Array.from({ length: 1_200 }, (_, i) => published(i + 1)),
      10,
    );
    assert.deepEqual(
      [1, 2, 3].map(() => outbox.forgetOld(2 * DAY_MS)),
      [true, true, false],
    );
    assert.deepEqual(left(db), []);
  });

  it('an undone transaction counts for nothing', () => {
    const { db, outbox } = table({ recordsMax: 1, keyBytesMax: 1_000 });
    const kept = { publishes: [publish('a')], kept: { ...KEY, answers: [{ id: 'a' }] } };
    db.exec('BEGIN');
    outbox.begin();
    assert.ok(Array.isArray(outbox.add(kept)));
    db.exec('ROLLBACK');
    outbox.rollback();
    assert.equal(outbox.queued, 0);
    assert.ok(Array.isArray(outbox.add(kept)));
  });
});

describe('a journal of the schema before', () => {
  it('keeps what waits in its outbox, which counts from now on and expires in time', async () => {
    const place = directory();
    const made = await open(place);
    await made.journal.accept([acceptance('a', { acceptedAt: 1_000, properties: { messageExpiryInterval: 5 } })]);
    await made.journal.close();
    const db = new DatabaseSync(journalFiles(place).database);
    db.exec(`DROP TABLE publish_keys; DROP INDEX outbox_expiring; DROP INDEX outbox_finished;
      ALTER TABLE outbox DROP COLUMN bytes; ALTER TABLE outbox DROP COLUMN expires_at; ALTER TABLE outbox DROP COLUMN keyed;
      ALTER TABLE subscribers DROP COLUMN fresh_at; ALTER TABLE waiting DROP COLUMN key_ways;
      PRAGMA user_version = 2`);
    db.close();
    const opened = await open(place, { outbox: { ...LIMITS, recordsMax: 1 } });
    assert.deepEqual(await accept(opened, 1), ['OUTBOX_FULL']);
    await opened.journal.expireOutbox(6_000, 0);
    assert.deepEqual(opened.reader.publishStatus('a')?.status, 'expired');
    opened.kill();
  });
});
