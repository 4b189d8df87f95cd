import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import { Delivery } from './delivery.js';
import { FakeJournal, FAILS, GONE, later, NotingObserver, OK, Run, ScriptedSender } from './journal.fixture.js';
import { MovableClock, settings, throttled, turns, until } from './journal.fixture.js';

const HOUR_MS = 3_600_000;
const never = new Promise<Outcome>(() => undefined);
const numbers = (from: number, through: number): number[] =>
  Array.from({ length: through - from + 1 }, (_, i) => from + i);

describe('delivery: subscribers do not wait for one another', () => {
  it('a subscriber that never answers delays no other, and no more than a queue is read for it', async () => {
    const journal = new FakeJournal();
    const [dead, well] = [new ScriptedSender(() => never), new ScriptedSender((): Promise<Outcome> => later(OK))];
    journal.addMany(5_000, (i) => `t/${i % 7}`);
    const targets = [
      { settings: settings('dead'), sender: dead },
      { settings: settings('well', { concurrency: 64 }), sender: well },
    ];
    const run = new Run(journal, targets, 0);
    run.delivery.admitted(5_000);
    await until(() => journal.of('well').cursor === 5_000);
    assert.deepEqual([dead.sent.length, run.status('dead').lagRecords], [4, 5_000]);
    assert.deepEqual(
      well.delivered.sort((a, b) => a - b),
      numbers(1, 5_000),
    );
    run.kill();
  });

  it('a dead subscriber alone: its backlog grows, what is read for it does not', async () => {
    const journal = new FakeJournal();
    const run = new Run(journal, [{ settings: settings('dead'), sender: new ScriptedSender(() => never) }], 0);
    journal.addMany(50_000, () => 't');
    run.delivery.admitted(50_000);
    await until(() => run.status().lagRecords === 50_000);
    assert.ok(journal.rowsRead < 2_000, `${journal.rowsRead} rows were read`);
    run.kill();
  });

  it('a laggard catches up, in order, and is fed by the dispatcher again', async () => {
    const journal = new FakeJournal();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const sender = new ScriptedSender(() => gate.then(() => OK));
    const run = new Run(journal, [{ settings: settings('slow', { concurrency: 1 }), sender }], 0);
    journal.addMany(3_000, (i) => (i % 3 ? 't' : 'u'));
    run.delivery.admitted(3_000);
    await until(() => run.status().lagRecords === 3_000);
    open();
    await until(() => sender.delivered.length === 3_000);
    await until(() => run.status().lagRecords === 0);
    journal.add('t');
    run.delivery.admitted(3_001);
    await until(() => journal.of('slow').cursor === 3_001);
    assert.deepEqual(sender.sent, numbers(1, 3_001));
    await run.stop();
  });
});

describe('delivery: order per topic', () => {
  it('one failing topic with more than a window of traffic holds itself alone; mended, its order is kept', async () => {
    const journal = new FakeJournal();
    const patient = { ordering: 'topic' as const, retry: { scheduleMs: [60_000], maxAgeMs: HOUR_MS } };
    let fails = true;
    const sender = new ScriptedSender(({ topic }) => later(fails && topic === 'bad' ? FAILS : OK));
    const targets = [{ settings: settings('one', patient), sender }];
    const run = new Run(journal, targets, 0);
    journal.addMany(6_000, (i) => (i % 3 === 0 ? `good/${i % 5}` : 'bad'));
    run.delivery.admitted(6_000);
    await until(() => journal.of('one').cursor === 6_000);
    assert.equal(sender.delivered.length, 2_000);
    assert.deepEqual([run.status().waiting, run.status().lagRecords], [4_000, 4_000]);
    await run.stop();
    assert.equal(journal.of('one').waiting.size, 4_000);

    fails = false;
    const before = sender.delivered.length;
    const clock = new MovableClock();
    clock.wallOffsetMs = 120_000;
    const again = new Run(journal, targets, 6_000, { clock });
    await until(() => journal.of('one').waiting.size === 0);
    assert.deepEqual(
      sender.delivered.slice(before),
      numbers(1, 6_000).filter((position) => (position - 1) % 3 !== 0),
    );
    await again.stop();
  });

  it('at most one attempt of a topic is in flight, and many of different topics', async () => {
    const journal = new FakeJournal();
    const running = new Map<string, number>();
    let most = 0;
    const sender = new ScriptedSender(async ({ topic }) => {
      running.set(topic, (running.get(topic) ?? 0) + 1);
      most = Math.max(most, running.get(topic)!);
      await later(OK);
      running.set(topic, running.get(topic)! - 1);
      return OK;
    });
    journal.addMany(400, (i) => `t/${i % 3}`);
    const run = new Run(journal, [{ settings: settings('one', { ordering: 'topic', concurrency: 8 }), sender }]);
    await until(() => journal.of('one').cursor === 400);
    assert.deepEqual([most, sender.inFlightMost], [1, 3]);
    await run.stop();
  });
});

describe('delivery: what fails', () => {
  it('becomes a dead letter after the schedule; a sender that throws counts as a failed attempt', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender(() => Promise.reject(new Error('boom')));
    journal.add('t');
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    await until(() => journal.of('one').dead.size === 1);
    const { reason, attempts, detail } = journal.of('one').dead.get(1)!;
    assert.deepEqual([reason, attempts, detail], ['network', 4, 'Error: boom']);
    assert.deepEqual(sender.attempts, [1, 2, 3, 4]);
    assert.deepEqual([run.status().lagRecords, run.status().cursor, journal.of('one').waiting.size], [0, 1, 0]);
    await run.stop();
  });

  it('expires when it is older than maxAge', async () => {
    const journal = new FakeJournal();
    journal.add('t', Date.now() - 2 * HOUR_MS);
    const run = new Run(journal, [{ settings: settings('one'), sender: new ScriptedSender(() => FAILS) }]);
    await until(() => journal.of('one').dead.get(1)?.reason === 'expired');
    await run.stop();
  });

  it('does not hold the cursor, and retries and new records take turns', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender((_, { attempt }) => (attempt === 1 ? FAILS : later(OK)));
    journal.addMany(3_000, () => 't');
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 2 }), sender }]);
    await until(() => sender.delivered.length === 3_000);
    const [firstRetry, lastNew] = [sender.attempts.indexOf(2), sender.attempts.lastIndexOf(1)];
    assert.ok(firstRetry < lastNew, 'retries waited for all new records');
    await until(() => journal.of('one').waiting.size === 0 && journal.of('one').cursor === 3_000);
    await run.stop();
  });

  it('at ten thousand waiting rows the cursor stops, and goes on when they drain', async () => {
    const journal = new FakeJournal();
    const patient = settings('one', { retry: { scheduleMs: [60_000], maxAgeMs: HOUR_MS } });
    journal.addMany(12_000, () => 't');
    const failing = new ScriptedSender(() => FAILS);
    const run = new Run(journal, [{ settings: patient, sender: failing }]);
    await until(() => journal.of('one').waiting.size === 10_000);
    await turns(50);
    assert.deepEqual([failing.sent.length, run.status().cursor, run.status().waiting], [10_000, 10_000, 10_000]);
    await run.stop();
    const clock = new MovableClock();
    clock.wallOffsetMs = 120_000;
    const again = new Run(journal, [{ settings: patient, sender: new ScriptedSender() }], 12_000, { clock });
    await until(() => journal.of('one').waiting.size === 0 && journal.of('one').cursor === 12_000);
    await again.stop();
  });

  it('a wall clock that jumps back stalls no retry, and neither does one that jumped between two runs', async () => {
    const journal = new FakeJournal();
    journal.add('t');
    const row = { subscriber: 'one', position: 1, key: '', attempts: 1, dueAt: Date.now() + HOUR_MS, reason: 'status' };
    journal.of('one').waiting.set(1, row);
    journal.of('one').cursor = 1;
    const sender = new ScriptedSender((_, { attempt }) => (attempt === 2 ? FAILS : OK));
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    await until(() => sender.sent.length >= 1);
    run.clock.wallOffsetMs = -HOUR_MS;
    await until(() => journal.of('one').waiting.size === 0);
    assert.deepEqual(sender.attempts, [2, 3]);
    await run.stop();
  });

  it('a waiting record that is damaged is let go', async () => {
    const journal = new FakeJournal();
    journal.add('t');
    journal.damaged.add(1);
    const row = { subscriber: 'one', position: 1, key: 't', attempts: 1, dueAt: 0, reason: 'status' };
    journal.of('one').waiting.set(1, row);
    journal.of('one').cursor = 1;
    const run = new Run(journal, [{ settings: settings('one'), sender: new ScriptedSender() }]);
    await until(() => journal.of('one').waiting.size === 0);
    await run.stop();
  });
});

describe('delivery: a subscriber in trouble', () => {
  it('broken: one probe at a time, no attempt used meanwhile, active again after a success', async () => {
    const journal = new FakeJournal();
    let fails = true;
    const sender = new ScriptedSender(() => (fails ? FAILS : OK));
    const one = settings('one', {
      concurrency: 1,
      breaker: { failures: 3, openForMs: 150 },
      retry: { scheduleMs: [1, 1, 1, 1, 1, 1, 1, 1], maxAgeMs: HOUR_MS },
    });
    journal.addMany(100, () => 't');
    const run = new Run(journal, [{ settings: one, sender }]);
    await until(() => run.status().state === 'broken');
    assert.deepEqual([sender.sent.length, run.status().reason], [3, 'status 500']);
    assert.ok(run.status().heldUntil! <= Date.now() + 200);
    await turns(5);
    assert.ok(sender.sent.length <= 4);
    fails = false;
    await until(() => run.status().state === 'active' && run.status().lagRecords === 0);
    assert.equal(journal.of('one').dead.size, 0);
    assert.deepEqual(run.observer.states, ['one broken status 500', 'one active']);
    const { failures, recoveries } = run.observer;
    assert.deepEqual([failures.length > 2, recoveries], [true, 1]);
    for (const { reason, status, topic, id, attempt, durationMs, nextAt } of failures) {
      assert.deepEqual([reason, status, topic, attempt > 0, durationMs >= 0], ['status', 500, 't', true, true]);
      assert.ok(id !== '' && Date.parse(nextAt!) > 0);
    }
    await run.stop();
  });

  it('throttled: everything waits, no attempt is used, the order stays', async () => {
    const journal = new FakeJournal();
    let refusals = 5;
    const sender = new ScriptedSender(() => (refusals-- > 0 ? throttled(2) : OK));
    journal.addMany(50, () => 't');
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 1, ordering: 'topic' }), sender }]);
    await until(() => journal.of('one').cursor === 50);
    assert.deepEqual([...new Set(sender.attempts)], [1]);
    assert.deepEqual(sender.delivered, numbers(1, 50));
    assert.deepEqual(sender.sent.slice(0, 6), [1, 1, 1, 1, 1, 1]);
    await run.stop();
  });

  it('gone: nothing is sent any more, the record stays pending, resume wakes it', async () => {
    const journal = new FakeJournal();
    let gone = true;
    const sender = new ScriptedSender(() => (gone ? GONE : OK));
    journal.addMany(10, () => 't');
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 1 }), sender }]);
    await until(() => run.status().state === 'gone');
    await turns(20);
    assert.deepEqual([sender.sent.length, run.status().lagRecords, run.status().cursor], [1, 10, 0]);
    gone = false;
    run.delivery.resume('one');
    await until(() => journal.of('one').cursor === 10);
    assert.deepEqual(sender.delivered, numbers(1, 10));
    await run.stop();
  });

  it('paused: nothing is sent until resumed; nobody else is concerned', async () => {
    const journal = new FakeJournal();
    const [a, b] = [new ScriptedSender(), new ScriptedSender()];
    const targets = [
      { settings: settings('a'), sender: a },
      { settings: settings('b'), sender: b },
    ];
    const run = new Run(journal, targets, 0);
    run.delivery.pause('a');
    assert.throws(() => run.delivery.pause('c'), { code: 'NOT_FOUND' });
    journal.addMany(10, () => 't');
    run.delivery.admitted(10);
    await until(() => b.delivered.length === 10);
    assert.deepEqual([a.sent.length, run.status('a').state], [0, 'paused']);
    run.delivery.resume('a');
    await until(() => a.delivered.length === 10);
    await run.stop();
  });
});

describe('delivery: saving', () => {
  it('while nothing can be saved, delivery stops at ten thousand records, and nothing is lost', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender();
    journal.addMany(15_000, () => 't');
    journal.mode = 'fails';
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    await until(() => run.observer.saveFailures > 0 && sender.sent.length >= 10_000);
    await turns(50);
    assert.ok(sender.sent.length <= 10_004, `${sender.sent.length} were sent`);
    journal.mode = 'saves';
    await until(() => journal.of('one').cursor === 15_000);
    assert.deepEqual(sender.sent, numbers(1, 15_000));
    await run.stop();
  });

  it('a cursor with nothing pending follows the tail over records of others and rejected ones', async () => {
    const journal = new FakeJournal();
    journal.addMany(600, () => 'other');
    const only = journal.add('mine').position;
    journal.addMany(600, () => 'other');
    journal.rejected.add(1_201);
    const sender = new ScriptedSender();
    const run = new Run(journal, [{ settings: settings('one', { topics: ['mine'] }), sender }], 300);
    await until(() => run.status().cursor === 300);
    run.delivery.admitted(1_201);
    await until(() => journal.of('one').cursor === 1_201);
    assert.deepEqual(sender.sent, [only]);
    await run.stop();
  });
});

describe('delivery: starting and stopping', () => {
  it('what waits or died after the saved cursor is not sent a second time', async () => {
    const journal = new FakeJournal();
    journal.addMany(5, () => 't');
    const saved = journal.of('one');
    saved.cursor = 1;
    const common = { subscriber: 'one', attempts: 1, reason: 'status' };
    saved.waiting.set(3, { ...common, position: 3, key: '', dueAt: 0 });
    saved.dead.set(4, { ...common, position: 4, status: 400, detail: '', at: 1 });
    const sender = new ScriptedSender((): Promise<Outcome> => later(OK));
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    assert.equal(run.status().waiting, 1);
    await until(() => saved.cursor === 5 && saved.waiting.size === 0);
    assert.deepEqual(sender.sent.toSorted(), [2, 3, 5]);
    await run.stop();
  });

  it('what was admitted before the start is delivered after it', async () => {
    const journal = new FakeJournal();
    journal.addMany(10, () => 't');
    const sender = new ScriptedSender();
    const { observer, clock } = { observer: new NotingObserver(), clock: new MovableClock() };
    const delivery = new Delivery({ journal, reader: journal, observer, clock, random: () => 0 });
    delivery.admitted(10);
    await turns(3);
    delivery.start([{ settings: settings('one'), cursor: 0, sender }], 4);
    await until(() => journal.of('one').cursor === 10);
    assert.deepEqual(sender.sent, numbers(1, 10));
    await delivery.stop(10);
  });

  it('a new subscriber that starts after the newest record is given none before, checked late or not', async () => {
    const journal = new FakeJournal();
    journal.addMany(10, () => 't');
    const sender = new ScriptedSender();
    const run = new Run(journal, [{ settings: settings('one'), sender, cursor: 8 }], 5);
    assert.deepEqual([run.status().cursor, run.status().lagRecords], [8, 0]);
    run.delivery.admitted(10);
    await until(() => journal.of('one').cursor === 10);
    assert.deepEqual(sender.sent, [9, 10]);
    await run.stop();
  });

  it('crosses a gap in the positions, and counts the backlog of each subscriber from its own place', async () => {
    const journal = new FakeJournal();
    journal.addMany(30_000, (i) => (i % 2 ? 'odd' : 'even'));
    for (let position = 1; position <= 25_000; position++) journal.rejected.add(position);
    const [all, odd] = [new ScriptedSender(() => never), new ScriptedSender(() => never)];
    const targets = [
      { settings: settings('all'), sender: all },
      { settings: settings('odd', { topics: ['odd'] }), sender: odd, cursor: 29_000 },
    ];
    const run = new Run(journal, targets);
    await until(() => run.status('all').lagRecords === 5_000 && run.status('odd').lagRecords === 500);
    await until(() => all.sent.length === 4 && odd.sent.length === 4);
    assert.ok(run.status('all').lagSeconds >= 0);
    run.kill();
  });

  it('stop lets what is in flight finish and be saved, starts nothing new, and closes the senders', async () => {
    const journal = new FakeJournal();
    const answers: (() => void)[] = [];
    const sender = new ScriptedSender(() => new Promise((resolve) => answers.push(() => resolve(OK))));
    journal.addMany(10, () => 't');
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 2 }), sender }]);
    await until(() => answers.length === 2);
    const stopped = run.stop();
    assert.equal(sender.closed, false);
    for (const answer of answers) answer();
    assert.equal(run.delivery.inFlight, 2);
    assert.equal(await stopped, 0);
    assert.deepEqual([sender.sent.length, sender.closed, journal.of('one').cursor], [2, true, 2]);
  });

  it('past the deadline attempts are aborted, which uses up none of them', async () => {
    const journal = new FakeJournal();
    const aborted: Outcome = { kind: 'retry', reason: 'timeout', status: 0, detail: '', opensBreaker: true };
    const sender = new ScriptedSender(
      (_, { signal }) => new Promise((resolve) => signal!.addEventListener('abort', () => resolve(aborted))),
    );
    journal.addMany(10, () => 't');
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    await until(() => sender.sent.length === 4);
    assert.equal(await run.delivery.stop(5), 4);
    assert.deepEqual([journal.of('one').cursor, journal.of('one').waiting.size], [0, 0]);
  });

  it('stop ends in time although the journal and an attempt hang', async () => {
    const journal = new FakeJournal();
    journal.mode = 'stalls';
    const sender = new ScriptedSender(({ position }) => (position === 1 ? never : OK));
    journal.addMany(10, () => 't');
    const run = new Run(journal, [{ settings: settings('one'), sender }], 10, { observer: new NotingObserver() });
    await until(() => journal.settles > 0);
    const start = performance.now();
    await run.delivery.stop(10);
    assert.ok(performance.now() - start < 2_500);
  });
});
