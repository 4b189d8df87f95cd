import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import { FAILS, FakeJournal, GONE, later, OK, Run, ScriptedSender, settings, throttled } from './journal.fixture.js';
import { turns, until } from './journal.fixture.js';

const HOUR_MS = 3_600_000;
const SOON_MS = 60;
const LOCKED_OUT: Outcome = { kind: 'retry', reason: 'status', status: 401, detail: '', opensBreaker: true };

const reasons = (journal: FakeJournal, id = 'one'): string[] => [
  ...new Set([...journal.of(id).dead.values()].map(({ reason }) => reason)),
];
const deadAt = (journal: FakeJournal): number[] => [...journal.of('one').dead.keys()].sort((a, b) => a - b);

describe('maxAge: a subscriber that takes nothing', () => {
  it('throttled for an hour: its whole backlog expires, each record told, and what comes later as well', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender(() => later(throttled(HOUR_MS)));
    const one = settings('one', { retry: { scheduleMs: [1], maxAgeMs: SOON_MS } });
    const run = new Run(journal, [{ settings: one, sender }], 0);
    journal.addMany(3_000, () => 't');
    run.delivery.admitted(3_000);
    await until(() => journal.of('one').dead.size === 3_000, 'the end of the backlog');
    const { attempts, status, detail } = journal.of('one').dead.get(3_000)!;
    assert.deepEqual([reasons(journal), attempts, status], [['expired'], 0, 0]);
    assert.match(detail, /retry\.maxAge.*refused/);
    assert.ok(sender.sent.length <= 8, `${sender.sent.length} attempts`);
    assert.deepEqual([run.status().lagRecords, run.observer.deaths.length], [0, 3_000]);
    await until(() => journal.of('one').cursor === 3_000);
    journal.add('t');
    run.delivery.admitted(3_001);
    await turns(3);
    assert.equal(run.status().lagRecords, 1, 'it has its time');
    await until(() => journal.of('one').dead.size === 3_001);
    await run.stop();
  });

  it('only what is too old dies; a restart gives none of it again', async () => {
    const journal = new FakeJournal();
    for (const ageMs of [3 * HOUR_MS, 3 * HOUR_MS, 2 * HOUR_MS, 0, 0]) journal.add('t', Date.now() - ageMs);
    const sender = new ScriptedSender(() => throttled(HOUR_MS));
    const targets = [{ settings: settings('one', { concurrency: 1, ordering: 'topic' }), sender }];
    const run = new Run(journal, targets);
    await until(() => journal.of('one').cursor === 3);
    await turns(20);
    assert.deepEqual([deadAt(journal), sender.sent, run.status().lagRecords], [[1, 2, 3], [1], 2]);
    run.kill();
    sender.script = (): Outcome => OK;
    const again = new Run(journal, targets);
    await until(() => journal.of('one').cursor === 5);
    assert.deepEqual(sender.delivered, [4, 5]);
    await again.stop();
  });

  it('what is older than the subscriber, or than when it was woken, has its time from then; also after a restart', async () => {
    const journal = new FakeJournal();
    for (let i = 0; i < 5; i++) journal.add('t', Date.now() - 3 * HOUR_MS);
    const sender = new ScriptedSender(() => throttled(HOUR_MS));
    const one = settings('one', { concurrency: 1 });
    const run = new Run(journal, [{ settings: one, sender, freshAt: Date.now() }]);
    await until(() => sender.sent.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([run.status().lagRecords, journal.of('one').dead.size], [5, 0]);
    run.kill();
    const ahead = new Run(journal, [{ settings: one, sender, freshAt: Date.now() + 9 * HOUR_MS }]);
    ahead.clock.wallOffsetMs = 2 * HOUR_MS;
    await until(() => journal.of('one').dead.size === 5, 'the end of what a clock that was ahead kept');
    await ahead.stop();
  });

  it('nothing expires while nobody can be told of it', async () => {
    const journal = new FakeJournal();
    for (let i = 0; i < 2_000; i++) journal.add('t', Date.now() - 200 * HOUR_MS);
    const sender = new ScriptedSender(() => throttled(HOUR_MS));
    const one = settings('one', { concurrency: 1, breaker: { failures: 9, openForMs: 1 } });
    let room = 512;
    const told = (): number => run.observer.deaths.length;
    const run: Run = new Run(journal, [{ settings: one, sender }], undefined, { mayTell: () => told() + 256 <= room });
    await until(() => told() > 256);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.ok(told() <= room, `${told()} were told`);
    room = Infinity;
    await until(() => told() === 2_000);
    await run.stop();
  });

  it('broken: rows that wait, and those held behind them, expire in their line', async () => {
    const journal = new FakeJournal();
    const one = settings('one', {
      ordering: 'topic',
      concurrency: 1,
      retry: { scheduleMs: [HOUR_MS, HOUR_MS], maxAgeMs: SOON_MS },
      breaker: { failures: 5, openForMs: HOUR_MS },
    });
    journal.addMany(20, () => 't');
    const run = new Run(journal, [{ settings: one, sender: new ScriptedSender(() => later(LOCKED_OUT)) }]);
    await until(() => journal.of('one').dead.size === 20);
    assert.deepEqual(
      run.observer.deaths,
      Array.from({ length: 20 }, (_, i) => `one ${i + 1} t expired`),
    );
    assert.deepEqual([journal.of('one').dead.get(1)!.attempts, journal.of('one').dead.get(2)!.attempts], [1, 0]);
    await until(() => journal.of('one').waiting.size === 0 && journal.of('one').cursor === 20);
    await run.stop();
  });

  it('what is given again has its own time, and expires too', async () => {
    const journal = new FakeJournal();
    journal.addMany(3, () => 't');
    const sender = new ScriptedSender();
    const one = settings('one', { concurrency: 1, retry: { scheduleMs: [1], maxAgeMs: SOON_MS } });
    const run = new Run(journal, [{ settings: one, sender }]);
    await until(() => journal.of('one').cursor === 3);
    sender.script = (): Outcome => throttled(HOUR_MS);
    const replay = { number: 1, subscriber: 'one', from: 1, through: 1, position: 0 };
    journal.of('one').replays.push(replay);
    run.delivery.replay(replay);
    await until(() => journal.of('one').dead.size === 1);
    assert.deepEqual([deadAt(journal), reasons(journal)], [[1], ['expired']]);
    await run.stop();
  });
});

describe('maxAge: what is in flight', () => {
  for (const batch of [undefined, { maxMessages: 2, maxWaitMs: 0, maxBytes: 1_000 }]) {
    it(`is left to its answer, also when it is given again${batch ? ', in a batch' : ''}`, async () => {
      const journal = new FakeJournal();
      journal.addMany(6, () => 't');
      const sender = new ScriptedSender();
      const retry = { scheduleMs: [1], maxAgeMs: SOON_MS };
      const breaker = { failures: 10, openForMs: 20 };
      const one = settings('one', { concurrency: 8, retry, breaker, ...(batch && { batch }) });
      const run = new Run(journal, [{ settings: one, sender }]);
      await until(() => journal.of('one').cursor === 6);
      let answer: (outcome: Outcome) => void = () => undefined;
      const slow = new Promise<Outcome>((resolve) => (answer = resolve));
      sender.script = ({ position }): Outcome | Promise<Outcome> => (position === 1 ? slow : throttled(HOUR_MS));
      const replay = { number: 1, subscriber: 'one', from: 1, through: 6, position: 0 };
      journal.of('one').replays.push(replay);
      run.delivery.replay(replay);
      const withFirst = batch ? [1, 2] : [1];
      const others = [1, 2, 3, 4, 5, 6].filter((position) => !withFirst.includes(position));
      await until(() => journal.of('one').dead.size >= others.length, 'the end of the others');
      await turns(20);
      answer(OK);
      await until(() => replay.position === 6);
      assert.deepEqual(deadAt(journal), others);
      assert.equal(run.status().inFlight, 0);
      await run.stop();
    });
  }
});

describe('maxAge: a subscriber that is well, or held', () => {
  it('is given what is old; one stumble after a long absence costs no more than what was in flight', async () => {
    const journal = new FakeJournal();
    for (let i = 0; i < 500; i++) journal.add('t', Date.now() - 2 * HOUR_MS);
    let stumbles = 1;
    const sender = new ScriptedSender(() => later(stumbles-- > 0 ? throttled(1) : OK));
    const one = settings('one', { concurrency: 1, breaker: { failures: 10, openForMs: 10_000 } });
    const run = new Run(journal, [{ settings: one, sender }]);
    await until(() => journal.of('one').cursor === 500);
    assert.deepEqual([deadAt(journal), sender.delivered.length], [[1], 499]);
    await run.stop();
  });

  it('a retry that would come after maxAge comes then, and is the last', async () => {
    const journal = new FakeJournal();
    journal.add('t');
    const one = settings('one', { retry: { scheduleMs: [HOUR_MS], maxAgeMs: SOON_MS } });
    const run = new Run(journal, [{ settings: one, sender: new ScriptedSender(() => FAILS) }]);
    await until(() => journal.of('one').dead.size === 1);
    const { reason, attempts, status } = journal.of('one').dead.get(1)!;
    assert.deepEqual([reason, attempts, status], ['expired', 2, 500]);
    await run.stop();
  });

  for (const [state, outcome] of [
    ['paused', throttled(HOUR_MS)],
    ['gone', GONE],
  ] as const) {
    it(`${state}: nothing expires, and when it is resumed everything has its time again`, async () => {
      const journal = new FakeJournal();
      const sender = new ScriptedSender(() => later(outcome));
      const one = settings('one', { concurrency: 1, retry: { scheduleMs: [1], maxAgeMs: 400 } });
      for (let i = 0; i < 10; i++) journal.add('t', Date.now());
      const run = new Run(journal, [{ settings: one, sender }]);
      await until(() => sender.sent.length === 1 && sender.inFlight === 0);
      if (state === 'paused') run.delivery.pause('one');
      await until(() => run.status().state === state);
      run.clock.wallOffsetMs = HOUR_MS;
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.deepEqual([run.status().lagRecords, journal.of('one').dead.size], [10, 0]);
      sender.script = (): Promise<Outcome> => later(throttled(5));
      run.delivery.resume('one');
      await until(() => sender.sent.length >= 3);
      assert.equal(journal.of('one').dead.size, 0);
      sender.script = (): Outcome => OK;
      await until(() => journal.of('one').cursor === 10);
      assert.equal(sender.delivered.length, 10);
      await run.stop();
    });
  }
});
