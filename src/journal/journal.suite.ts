/**
 * What every adapter of the Journal port must do. An adapter's spec calls {@link journalSuite} with a way
 * to open and reopen one; reopening stands for a restart of the process.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Journal, JournalEvents, JournalReader } from '../domain/journal.js';
import { packMessages, type Message } from '../domain/message.js';
import type { Acceptance, Publish } from '../domain/publish.js';

export interface OpenJournal {
  journal: Journal;
  reader: JournalReader;
  events: { event: keyof JournalEvents; value: unknown }[];
  /** Ends it without closing it, as a kill would. */
  kill(): void;
}

export function message(number: number, fields: Partial<Message> = {}): Message {
  return {
    topic: `devices/${number % 3}/telemetry`,
    qos: 1,
    retain: false,
    dup: false,
    packetId: (number % 65_535) + 1,
    receivedAt: 1_700_000_000_000 + number,
    payload: Buffer.from(`{"n":${number}}`),
    properties: null,
    ...fields,
  };
}

export function messages(from: number, count: number): Message[] {
  return Array.from({ length: count }, (_, i) => message(from + i));
}

export function publish(id: string, fields: Partial<Publish> = {}): Publish {
  return {
    id,
    topic: 'commands/1',
    payload: Buffer.from('go'),
    qos: 1,
    retain: false,
    properties: null,
    acceptedAt: 1_700_000_000_000,
    ...fields,
  };
}

export function acceptance(id: string, fields: Partial<Publish> = {}): Acceptance {
  return { publishes: [publish(id, fields)] };
}

export function journalSuite(
  name: string,
  open: (directory: string) => Promise<OpenJournal>,
  directory: () => string,
): void {
  const subscriber = { id: 'app', topics: ['#'], startFrom: 'earliest' as const };

  describe(`${name}: the Journal port`, () => {
    it('a restart: what was appended is there, in order, byte for byte', async () => {
      const place = directory();
      const first = await open(place);
      const sent = [
        message(1, { payload: new Uint8Array([0, 255, 195, 40]), retain: true, qos: 0 }),
        message(2, {
          properties: {
            contentType: 'a/b',
            userProperties: [
              ['k', 'v'],
              ['k', 'w'],
            ],
          },
        }),
        message(3, { payload: new Uint8Array(0), qos: 2 }),
      ];
      await first.journal.append(packMessages(sent));
      first.kill();
      const second = await open(place);
      const kept = second.reader.recordsAfter(0, 100, 10);
      assert.deepEqual(
        kept.map((record) => record.position),
        [1, 2, 3],
      );
      for (const [i, record] of kept.entries()) {
        assert.deepEqual(Buffer.from(record.payload), Buffer.from(sent[i]!.payload));
        assert.deepEqual(
          [record.topic, record.qos, record.retain, record.receivedAt, record.properties],
          [sent[i]!.topic, sent[i]!.qos, sent[i]!.retain, sent[i]!.receivedAt, sent[i]!.properties],
        );
      }
      assert.equal(new Set(kept.map((record) => record.id)).size, 3);
      second.kill();
    });

    it('positions never repeat, even after every record was cleared and the journal restarted', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.append(packMessages(messages(0, 10)));
      await first.journal.admit(10, []);
      await cleared(first);
      await first.journal.close();
      const second = await open(place);
      await second.journal.append(packMessages(messages(10, 1)));
      const [record] = second.reader.recordsAfter(0, 1_000, 10);
      assert.equal(record!.position, 11);
      second.kill();
    });

    it('many appends at once are committed in the order asked', async () => {
      const open1 = await open(directory());
      await Promise.all(Array.from({ length: 50 }, (_, i) => open1.journal.append(packMessages(messages(i * 10, 10)))));
      const payloads = open1.reader
        .recordsAfter(0, 1_000, 1_000)
        .map((record) => Buffer.from(record.payload).toString());
      assert.deepEqual(
        payloads,
        messages(0, 500).map((sent) => Buffer.from(sent.payload).toString()),
      );
      const committed = open1.events.filter(({ event }) => event === 'committed').map(({ value }) => value as number);
      assert.deepEqual(
        committed,
        [...committed].sort((a, b) => a - b),
      );
      assert.equal(committed.at(-1), 500);
      open1.kill();
    });

    it('a rejected record is not among the admitted, and says why', async () => {
      const open1 = await open(directory());
      await open1.journal.append(packMessages(messages(0, 5)));
      const problems = [{ pointer: '/gwId', rule: 'required', message: 'is missing' }];
      await open1.journal.admit(5, [{ position: 3, contract: 'telemetry', reason: 'schema', problems }]);
      assert.deepEqual(
        open1.reader.admittedAfter(0, 5, 10).map((record) => record.position),
        [1, 2, 4, 5],
      );
      const look = { range: { low: 1, high: 10 }, order: 'asc', rows: 10 } as const;
      const [rejection] = open1.reader.listRejections(look, {}).found;
      assert.deepEqual([rejection!.position, rejection!.reason, rejection!.problems], [3, 'schema', problems]);
      const { admitted, rejections } = await open1.journal.stats();
      assert.deepEqual([admitted, rejections], [5, 1]);
      open1.kill();
    });

    it('the admission cursor is never ahead of the truth after a kill', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.append(packMessages(messages(0, 5)));
      await first.journal.admit(5, []);
      first.kill();
      const second = await open(place);
      assert.ok((await second.journal.stats()).admitted <= 5);
      assert.equal((await second.journal.stats()).last, 5);
      second.kill();
    });

    it('a known subscriber keeps its place; a new one starts where its settings say', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.append(packMessages(messages(0, 10)));
      const starts = await first.journal.registerSubscribers([
        { ...subscriber, id: 'now', startFrom: 'now' },
        { ...subscriber, id: 'earliest' },
        { ...subscriber, id: 'position', startFrom: { position: 4 } },
        { ...subscriber, id: 'time', startFrom: { time: 1_700_000_000_006 } },
      ]);
      assert.deepEqual(
        starts.map(({ cursor }) => cursor),
        [10, 0, 3, 6],
      );
      await first.journal.settle([{ subscriber: 'earliest', cursor: 7, waiting: [], released: [], dead: [] }]);
      first.kill();
      const second = await open(place);
      const [again] = await second.journal.registerSubscribers([{ ...subscriber, id: 'earliest', startFrom: 'now' }]);
      assert.equal(again!.cursor, 7);
      second.kill();
    });

    it('a subscriber that is no longer configured keeps its backlog, and keeps nothing when it has none', async () => {
      const place = directory();
      const first = await open(place);
      const other = { ...subscriber, id: 'other', topics: ['other/#'] };
      await first.journal.registerSubscribers([subscriber, other]);
      await first.journal.append(packMessages([...messages(0, 5), message(5, { topic: 'other/1' })]));
      await first.journal.admit(6, []);
      // It wants nothing of what comes after the fifth, and has had the others.
      await first.journal.settle([{ subscriber: 'other', cursor: 5, waiting: [], released: [], dead: [] }]);
      await first.journal.registerSubscribers([{ ...subscriber, topics: ['devices/#'] }, other]);
      await first.journal.settle([{ subscriber: 'app', cursor: 5, waiting: [], released: [], dead: [] }]);
      await first.journal.registerSubscribers([]);
      assert.deepEqual(
        first.reader.progress().map(({ id }) => id),
        ['other'],
      );
      await first.journal.settle([{ subscriber: 'other', cursor: 6, waiting: [], released: [], dead: [] }]);
      await first.journal.registerSubscribers([]);
      await until(async () => (await first.journal.stats()).records === 0);
      first.kill();
    });

    it('one that is taken out while others are served goes as at a start; one that comes starts, or keeps its place', async () => {
      const opened = await open(directory());
      const { journal, reader } = opened;
      await journal.registerSubscribers([subscriber, { ...subscriber, id: 'other' }]);
      await journal.append(packMessages(messages(0, 5)));
      await journal.admit(5, []);
      assert.equal(await journal.retireSubscriber('app', 4), false, 'the fifth is its');
      const row = { subscriber: 'app', position: 5, key: '', attempts: 1, dueAt: 5, reason: 'status' };
      await journal.settle([{ subscriber: 'app', cursor: 4, waiting: [row] }]);
      assert.equal(await journal.retireSubscriber('app', 5), false, 'the fifth waits');
      await journal.settle([{ subscriber: 'app', cursor: 4, released: [5] }]);
      assert.equal(await journal.retireSubscriber('app', 5), true, 'where it stands counts, not what is saved');
      assert.deepEqual(
        reader.progress().map(({ id }) => id),
        ['other'],
      );
      assert.equal(await journal.retireSubscriber('nobody', 5), false);
      assert.equal((await journal.knowSubscriber({ ...subscriber, startFrom: { position: 3 } })).cursor, 2);
      const { cursor, topics } = await journal.knowSubscriber({ ...subscriber, startFrom: 'now', topics: ['b/#'] });
      assert.deepEqual([cursor, topics, reader.progress().length], [2, ['b/#'], 2]);
      opened.kill();
    });

    it('waiting rows and dead letters outlive a kill, and a released row is gone', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.append(packMessages(messages(0, 4)));
      await first.journal.registerSubscribers([subscriber]);
      const row = { subscriber: 'app', key: 'k', keyWays: 'w', attempts: 1, dueAt: 5, reason: 'status' };
      await first.journal.settle([
        {
          subscriber: 'app',
          cursor: 4,
          waiting: [
            { ...row, position: 1 },
            { ...row, position: 2, dueAt: null },
          ],
          released: [],
          dead: [
            {
              subscriber: 'app',
              position: 3,
              reason: 'status',
              status: 400,
              detail: 'x'.repeat(5_000),
              attempts: 1,
              at: 9,
            },
          ],
        },
      ]);
      await first.journal.settle([{ subscriber: 'app', cursor: 4, waiting: [], released: [1], dead: [] }]);
      first.kill();
      const second = await open(place);
      const receivedAt = messages(1, 1)[0]!.receivedAt;
      assert.deepEqual(second.reader.waiting('app'), [{ ...row, position: 2, dueAt: null, bytes: 7, receivedAt }]);
      const [letter] = second.reader.deadLetters({ limit: 10 });
      assert.deepEqual([letter!.position, letter!.status, letter!.detail.length], [3, 400, 2_048]);
      assert.deepEqual((await second.journal.stats()).deadLetters, { app: 1 });
      second.kill();
    });

    it('retention never passes a cursor, and never takes a waiting, dead or rejected record', async () => {
      const open1 = await open(directory());
      await open1.journal.append(packMessages(messages(0, 10)));
      await open1.journal.registerSubscribers([subscriber, { ...subscriber, id: 'slow' }]);
      await open1.journal.admit(10, [{ position: 1, contract: 'c', reason: 'syntax', problems: [] }]);
      const waiting = [{ subscriber: 'app', position: 2, key: '', attempts: 1, dueAt: 1, reason: 'status' }];
      const dead = [
        { subscriber: 'app', position: 3, reason: 'status', status: 400, detail: '', attempts: 1, at: Date.now() },
      ];
      await open1.journal.settle([
        { subscriber: 'app', cursor: 10, waiting, released: [], dead },
        { subscriber: 'slow', cursor: 6, waiting: [], released: [], dead: [] },
      ]);
      await until(async () => (await open1.journal.stats()).records === 7);
      assert.deepEqual(
        open1.reader.recordsAfter(0, 100, 100).map(({ position }) => position),
        [1, 2, 3, 7, 8, 9, 10],
      );
      open1.kill();
    });

    it('the outbox gives back what has no result, in order, also after a kill', async () => {
      const place = directory();
      const first = await open(place);
      for (const id of ['a', 'b', 'c'])
        await first.journal.accept([acceptance(id, { properties: { contentType: 'x/y' } })]);
      await first.journal.confirm([{ sequence: 2, id: 'b', outcome: 'published', reasonCode: 0 }]);
      first.kill();
      const second = await open(place);
      const queued = await second.journal.outbox(0, 10);
      assert.deepEqual(
        queued.map(({ id, sequence }) => [id, sequence]),
        [
          ['a', 1],
          ['c', 3],
        ],
      );
      assert.deepEqual(Buffer.from(queued[0]!.payload).toString(), 'go');
      assert.deepEqual(queued[0]!.properties, { contentType: 'x/y' });
      assert.deepEqual(second.reader.publishStatus('b')?.status, 'published');
      assert.equal(second.reader.publishStatus('a')?.status, 'queued');
      assert.equal(second.reader.publishStatus('nope'), undefined);
      second.kill();
    });

    it('the link finds its acknowledged subscriptions and unreleased QoS 2 packets, for its session alone', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.openSession('one');
      await first.journal.saveSubscription('one', { filter: 'a/#', qos: 1 });
      await first.journal.saveSubscription('one', { filter: 'b', qos: 0 });
      await first.journal.dropSubscription('one', 'b');
      await first.journal.append(
        packMessages([message(1, { qos: 2, packetId: 7 }), message(2, { qos: 2, packetId: 8 })]),
      );
      await first.journal.release([7]);
      first.kill();
      const second = await open(place);
      assert.deepEqual(await second.journal.openSession('one'), {
        subscriptions: [{ filter: 'a/#', qos: 1 }],
        unreleased: [8],
      });
      assert.deepEqual(await second.journal.openSession('other'), { subscriptions: [], unreleased: [] });
      await second.journal.resetSession('one');
      assert.deepEqual(await second.journal.openSession('one'), { subscriptions: [], unreleased: [] });
      second.kill();
    });

    it('fail-over and back: a QoS 2 packet id kept for the first address is not taken for a new message', async () => {
      const opened = await open(directory());
      await opened.journal.openSession('gateway@one');
      await opened.journal.append(packMessages([message(1, { qos: 2, packetId: 7 })]));
      // At the second node of the cluster the broker releases 7.
      await opened.journal.openSession('gateway@two');
      await opened.journal.release([7]);
      assert.deepEqual((await opened.journal.openSession('gateway@one')).unreleased, []);
      opened.kill();
    });

    it('the client id is kept, and another one is refused unless it is adopted', async () => {
      const place = directory();
      const first = await open(place);
      const made = await first.journal.identify('', false);
      assert.match(made, /^[a-z0-9]{23}$/);
      assert.equal(await first.journal.identify('', false), made);
      await assert.rejects(first.journal.identify('other', false), { code: 'CLIENT_ID_CHANGED' });
      assert.equal(await first.journal.identify('other', true), 'other');
      first.kill();
      const second = await open(place);
      assert.equal(await second.journal.identify('', false), 'other');
      second.kill();
    });

    it('a second owner is refused with a clear error', async () => {
      const place = directory();
      const first = await open(place);
      await assert.rejects(open(place), { code: 'JOURNAL_LOCKED' });
      first.kill();
    });
  });
}

/** Waits until retention has cleared the journal; its records must be old and settled. */
async function cleared(open: OpenJournal): Promise<void> {
  await until(async () => (await open.journal.stats()).records === 0);
}

export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
