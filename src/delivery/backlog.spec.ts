import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { FAILS, FakeJournal, later, OK, Run, ScriptedSender, settings, turns, until } from './journal.fixture.js';

const HOUR_MS = 3_600_000;
const never = new Promise<Outcome>(() => undefined);
const patient = { retry: { scheduleMs: [60_000], maxAgeMs: HOUR_MS } };
const numbers = (from: number, through: number): number[] =>
  Array.from({ length: through - from + 1 }, (_, i) => from + i);

function bounded(maxBacklog: SubscriberSettings['maxBacklog'], more: Partial<SubscriberSettings> = {}) {
  return settings('one', { maxBacklog, ...more });
}

function discarded(run: Run): number {
  for (const { subscriber, reason, records, from, through } of run.observer.discards) {
    assert.deepEqual([subscriber, reason], ['one', 'backlog-full']);
    assert.ok(records > 0 && records <= through - from + 1);
  }
  return run.observer.discards.reduce((sum, { records }) => sum + records, 0);
}

describe('a bounded backlog', () => {
  it('gives up the oldest of what is not in flight, tells it, and delivers the rest', async () => {
    const journal = new FakeJournal();
    let answer = (): void => undefined;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const sender = new ScriptedSender(() => gate.then(() => OK));
    const run = new Run(journal, [{ settings: bounded({ records: 1_000 }, { concurrency: 4 }), sender }], 0);
    for (let i = 0; i < 100; i++) {
      journal.addMany(100, () => 't');
      run.delivery.admitted(journal.last);
      await turns(1);
    }
    await until(() => run.status().lagRecords === 1_000);
    assert.equal(discarded(run), 9_000);
    answer();
    await until(() => journal.of('one').cursor === 10_000);
    assert.deepEqual(sender.delivered, [1, 2, 3, 4, ...numbers(9_005, 10_000)]);
    assert.equal(journal.of('one').dead.size, 0);
    assert.equal(discarded(run), 9_000);
    await run.stop();
  });

  it('counts bytes, and rows that wait; what is given up is no row any more, after a restart neither', async () => {
    const journal = new FakeJournal();
    for (let i = 0; i < 300; i++) journal.add('t', Date.now(), 100);
    const failing = (): ScriptedSender => new ScriptedSender((): Promise<Outcome> => later(FAILS));
    const run = new Run(journal, [{ settings: settings('one', patient), sender: failing() }]);
    await until(() => journal.of('one').waiting.size === 300);
    await run.stop();
    const second = new Run(journal, [{ settings: bounded({ bytes: 5_000 }, patient), sender: failing() }]);
    await until(() => journal.of('one').waiting.size === 50);
    assert.equal(discarded(second), 250);
    assert.deepEqual([...journal.of('one').waiting.keys()], numbers(251, 300));
    assert.equal(second.status().lagRecords, 50);
    await second.stop();
  });

  it('with order kept: what is left of a line goes on in order, also behind one in flight', async () => {
    const journal = new FakeJournal();
    journal.addMany(400, (i) => (i % 2 ? 'odd' : 'even'));
    let answer = (): void => undefined;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const sender = new ScriptedSender(({ position }) => (position <= 2 ? gate.then(() => OK) : later(OK)));
    const one = bounded({ records: 50 }, { ordering: 'topic', concurrency: 8 });
    const run = new Run(journal, [{ settings: one, sender }], 0);
    run.delivery.admitted(400);
    await until(() => discarded(run) === 350);
    assert.deepEqual([sender.sent, run.status().lagRecords], [[1, 2], 50]);
    journal.addMany(10, (i) => (i % 2 ? 'odd' : 'even'));
    run.delivery.admitted(410);
    await until(() => discarded(run) === 360);
    answer();
    await until(() => journal.of('one').cursor === 410);
    const rest = sender.delivered.filter((position) => position > 2);
    assert.deepEqual(
      rest.toSorted((a, b) => a - b),
      numbers(363, 410),
    );
    for (const odd of [0, 1]) {
      const own = rest.filter((position) => position % 2 === odd);
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
    }
    await run.stop();
  });

  it('rows held behind one in flight are given up, and those after them still come', async () => {
    const journal = new FakeJournal();
    journal.addMany(100, () => 't');
    const quick = { ordering: 'topic' as const, retry: { scheduleMs: [1, 1], maxAgeMs: HOUR_MS } };
    let answer = (): void => undefined;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const sender = new ScriptedSender((_, { attempt }) => (attempt === 1 ? FAILS : gate.then(() => OK)));
    const run = new Run(journal, [{ settings: bounded({ records: 200 }, quick), sender }]);
    await until(() => sender.attempts.includes(2) && run.status().waiting === 100);
    journal.addMany(150, () => 't');
    run.delivery.admitted(250);
    await until(() => run.status().lagRecords === 200);
    assert.equal(discarded(run), 50);
    sender.script = (): Outcome => OK;
    answer();
    await until(() => journal.of('one').cursor === 250 && journal.of('one').waiting.size === 0);
    assert.deepEqual(sender.delivered, [1, ...numbers(52, 250)]);
    await run.stop();
  });

  for (const before of [0, 40_000]) {
    it(`what a content filter leaves out does not count, ${before} records before the start and later ones`, async () => {
      const journal = new FakeJournal();
      const add = (count: number): void => {
        for (let i = 0; i < count; i++) journal.add('t', Date.now(), JSON.stringify({ on: i % 100 === 0 }));
      };
      add(before);
      const where = { kind: 'exact' as const, attribute: '/on', value: 'true' };
      const one = bounded({ records: 450 }, { where, concurrency: 1 });
      const run = new Run(journal, [{ settings: one, sender: new ScriptedSender(() => never) }], before);
      await until(() => run.status().lagRecords === before / 100);
      add(50_000 - before);
      run.delivery.admitted(50_000);
      await until(() => discarded(run) === 50);
      await turns(20);
      assert.deepEqual([discarded(run), run.status().lagRecords], [50, 450]);
      run.kill();
    });
  }

  it('an app that keeps up loses nothing', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender((): Promise<Outcome> => later(OK));
    const run = new Run(journal, [{ settings: bounded({ records: 300 }, { concurrency: 64 }), sender }], 0);
    for (let i = 0; i < 50; i++) {
      journal.addMany(100, () => 't');
      run.delivery.admitted(journal.last);
      await until(() => sender.delivered.length === journal.last);
    }
    await until(() => journal.of('one').cursor === 5_000);
    assert.deepEqual([sender.delivered.length, run.observer.discards], [5_000, []]);
    await run.stop();
  });
});

describe('what the journal has given up', () => {
  it('is not sent and not waited for any more; what is in flight is not tried again', async () => {
    const journal = new FakeJournal();
    journal.addMany(3_000, () => 't');
    let answer = (): void => undefined;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const sender = new ScriptedSender(({ position }) =>
      position === 1 ? later(FAILS) : position <= 4 ? gate.then(() => FAILS) : later(OK),
    );
    const one = settings('one', { ...patient, concurrency: 3 });
    const run = new Run(journal, [{ settings: one, sender }], 3_000);
    await until(() => run.status().waiting === 1 && sender.sent.length === 4);
    await until(() => run.status().lagRecords === 3_000);
    const gone = { subscriber: 'one', reason: 'journal-full' as const, records: 2_900, from: 1, through: 2_900 };
    run.delivery.discarded(gone);
    run.delivery.discarded({ ...gone, subscriber: 'nobody' });
    await until(() => run.status().lagRecords === 103);
    answer();
    await until(() => journal.of('one').cursor === 3_000);
    assert.deepEqual(sender.sent, [1, 2, 3, 4, ...numbers(2_901, 3_000)]);
    assert.deepEqual([journal.of('one').waiting.size, journal.of('one').dead.size], [0, 0]);
    assert.deepEqual(run.observer.discards, [], 'the journal has told it');
    await run.stop();
  });
});
