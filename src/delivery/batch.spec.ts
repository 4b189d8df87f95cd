import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import type { Outcome } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { DEAD, FAILS, FakeJournal, GONE, later, OK, Run, ScriptedSender } from './journal.fixture.js';
import { settings, throttled, turns, until } from './journal.fixture.js';

const HOUR_MS = 3_600_000;

const batched = (more: Partial<SubscriberSettings> = {}, batch = {}): SubscriberSettings =>
  settings('one', { batch: { maxMessages: 100, maxWaitMs: 0, maxBytes: 1 << 20, ...batch }, ...more });

/** Fails whenever one of `bad` is among what is sent. */
function refusing(bad: ReadonlySet<number>, outcome: Outcome) {
  return (_: Record, __: unknown, records: readonly Record[]): Promise<Outcome> =>
    later(records.some(({ position }) => bad.has(position)) ? outcome : OK);
}

describe('batches', () => {
  it('are full while there is enough, and bounded in bytes; one larger record goes alone', async () => {
    const journal = new FakeJournal();
    journal.addMany(250, () => 't');
    for (const bytes of [10, 30, 30, 41, 5]) journal.add('t', Date.now(), bytes);
    const sender = new ScriptedSender();
    const run = new Run(journal, [
      { settings: batched({ concurrency: 1 }, { maxBytes: 40, maxMessages: 18 }), sender },
    ]);
    await until(() => journal.of('one').cursor === 255);
    const sizes = sender.batches.map((batch) => batch.length);
    assert.deepEqual(sizes.slice(0, 13), Array(13).fill(18));
    // 16 records of two bytes and one of ten do not fit into forty.
    assert.deepEqual(sizes.slice(13), [16, 2, 1, 1, 1].slice(0, sizes.length - 13));
    assert.deepEqual(
      sender.sent,
      Array.from({ length: 255 }, (_, i) => i + 1),
    );
    await run.stop();
  });

  it('wait for more records, and no longer than they may', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender();
    const run = new Run(journal, [{ settings: batched({}, { maxWaitMs: 40 }), sender }], 0);
    const started = performance.now();
    for (let i = 0; i < 5; i++) {
      journal.add('t');
      run.delivery.admitted(journal.last);
      await turns(3);
    }
    assert.equal(sender.batches.length, performance.now() - started < 40 ? 0 : sender.batches.length);
    await until(() => journal.of('one').cursor === 5);
    assert.ok(performance.now() - started >= 39);
    journal.addMany(100, () => 't');
    run.delivery.admitted(journal.last);
    await until(() => sender.batches.some((batch) => batch.length === 100));
    await run.stop();
  });

  it('several records of one topic go in one batch, in order, and never in two at once', async () => {
    const journal = new FakeJournal();
    journal.addMany(1_000, (i) => `t/${i % 3}`);
    const sender = new ScriptedSender((): Promise<Outcome> => later(OK));
    const run = new Run(journal, [{ settings: batched({ ordering: 'topic', concurrency: 8 }), sender }]);
    await until(() => journal.of('one').cursor === 1_000);
    assert.ok(sender.batches.length < 30, `${sender.batches.length} batches`);
    for (const topic of [0, 1, 2]) {
      const own = sender.sent.filter((position) => (position - 1) % 3 === topic);
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
    }
    await run.stop();
  });

  it('a bad record ends alone among the dead letters, and the rest is delivered: two requests more per halving', async () => {
    const cases = fc.record({
      size: fc.integer({ min: 1, max: 200 }),
      at: fc.array(fc.nat(199), { minLength: 1, maxLength: 3 }),
      outcome: fc.constantFrom(DEAD, FAILS),
      ordering: fc.constantFrom('none' as const, 'topic' as const),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ size, at, outcome, ordering }) => {
        const journal = new FakeJournal();
        journal.addMany(size, () => 't');
        const bad = new Set(at.map((n) => (n % size) + 1));
        const sender = new ScriptedSender(refusing(bad, outcome));
        const breaker = { failures: 20, openForMs: 60_000 }; // as many as the bad ones have attempts, and not the halvings
        const one = batched({ concurrency: 1, ordering, breaker }, { maxMessages: size });
        const run = new Run(journal, [{ settings: one, sender }]);
        await until(() => journal.of('one').cursor === size && journal.of('one').waiting.size === 0);
        assert.deepEqual([...journal.of('one').dead.keys()].sort(), [...bad].sort());
        assert.deepEqual(new Set(sender.delivered).size, size - bad.size);
        assert.equal(sender.delivered.length, size - bad.size, 'nothing is delivered twice');
        for (const { attempts } of journal.of('one').dead.values()) assert.equal(attempts, outcome === DEAD ? 1 : 4);
        // A record that failed alone is retried alone; with order, those behind it go out once more each time.
        const retries = outcome === DEAD ? 0 : 3 * bad.size + (ordering === 'topic' ? bad.size : 0);
        const most = 1 + bad.size * 2 * Math.ceil(Math.log2(Math.max(2, size))) + retries;
        assert.ok(sender.batches.length <= most, `${sender.batches.length} requests, not ${most}`);
        await run.stop();
      }),
      { seed, numRuns: 60, endOnFailure: true },
    );
  });

  it('one bad record opens no breaker while it is searched for; a dead app does, after few requests', async () => {
    const journal = new FakeJournal();
    journal.addMany(1_000, () => 't');
    const few = { breaker: { failures: 3, openForMs: 60_000 }, retry: { scheduleMs: [60_000], maxAgeMs: HOUR_MS } };
    const picky = new ScriptedSender(refusing(new Set([1]), FAILS));
    const run = new Run(journal, [
      { settings: batched({ ...few, concurrency: 1 }, { maxMessages: 1_000 }), sender: picky },
    ]);
    await until(() => journal.of('one').cursor === 1_000);
    assert.deepEqual(run.observer.states, []);
    await run.stop();

    const again = new FakeJournal();
    again.addMany(1_000, () => 't');
    const dead = new ScriptedSender((): Promise<Outcome> => later(FAILS));
    const second = new Run(again, [{ settings: batched({ ...few, concurrency: 2 }), sender: dead }]);
    await until(() => second.status().state === 'broken');
    await turns(20);
    assert.ok(dead.batches.length < 30, `${dead.batches.length} requests`);
    assert.ok(second.status().waiting <= 4, 'few records have used up an attempt');
    await second.stop();
  });

  for (const [name, outcome] of [
    ['throttled', throttled(5)],
    ['locked out', { kind: 'retry', reason: 'status', status: 401, detail: '', opensBreaker: true }],
  ] as const) {
    it(`${name}: the batch comes back whole, a single record probes, no attempt of the others is used`, async () => {
      const journal = new FakeJournal();
      journal.addMany(50, () => 't');
      let refusals = 1;
      const sender = new ScriptedSender(() => (refusals-- > 0 ? outcome : OK));
      const one = batched({ ordering: 'topic', concurrency: 3, breaker: { failures: 100, openForMs: 5 } });
      const run = new Run(journal, [{ settings: one, sender }]);
      await until(() => journal.of('one').cursor === 50 && journal.of('one').waiting.size === 0);
      assert.deepEqual(
        sender.batches.map((batch) => batch.length),
        [50, 1, 49],
      );
      assert.deepEqual([...new Set(sender.attempts)], [1]);
      assert.deepEqual(
        sender.delivered,
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
      await run.stop();
    });
  }

  it('gone: nothing is used up, resume sends what came back', async () => {
    const journal = new FakeJournal();
    journal.addMany(30, () => 't');
    let gone = true;
    const sender = new ScriptedSender(() => (gone ? GONE : OK));
    const run = new Run(journal, [{ settings: batched({ ordering: 'topic' }), sender }]);
    await until(() => run.status().state === 'gone');
    gone = false;
    run.delivery.resume('one');
    await until(() => journal.of('one').cursor === 30);
    assert.deepEqual(
      sender.batches.map((batch) => batch.length),
      [30, 30],
    );
    await run.stop();
  });

  it('records that are too old when their batch comes back are dead letters, the others are not', async () => {
    const journal = new FakeJournal();
    for (let i = 0; i < 6; i++) journal.add('t', Date.now() - (i < 3 ? 2 * HOUR_MS : 0));
    let refusals = 1;
    const sender = new ScriptedSender(() => (refusals-- > 0 ? throttled(1) : OK));
    const one = batched({ ordering: 'topic', retry: { scheduleMs: [1], maxAgeMs: HOUR_MS } });
    const run = new Run(journal, [{ settings: one, sender }]);
    await until(() => journal.of('one').cursor === 6);
    assert.deepEqual(
      [...journal.of('one').dead.values()].map(({ reason, attempts }) => [reason, attempts]),
      Array(3).fill(['expired', 0]),
    );
    assert.deepEqual(sender.delivered, [4, 5, 6]);
    await run.stop();
  });

  it('held rows of a topic go together once the one before them is through', async () => {
    const journal = new FakeJournal();
    journal.addMany(101, () => 't');
    const sender = new ScriptedSender(({ position }, { attempt }) => later(position === 1 && attempt < 3 ? FAILS : OK));
    const run = new Run(journal, [{ settings: batched({ ordering: 'topic' }, { maxMessages: 50 }), sender }]);
    await until(() => journal.of('one').cursor === 101 && journal.of('one').waiting.size === 0);
    assert.deepEqual(
      sender.delivered,
      Array.from({ length: 101 }, (_, i) => i + 1),
    );
    assert.ok(sender.batches.length < 16, `${sender.batches.length} requests`);
    await run.stop();
  });
});
