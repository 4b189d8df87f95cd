import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import { FAILS, FakeJournal, later, MovableClock, OK, Run, ScriptedSender } from './journal.fixture.js';
import { settings, turns, until } from './journal.fixture.js';

const HOUR_MS = 3_600_000;
const never = new Promise<Outcome>(() => undefined);

describe('delivery: order per key', () => {
  it('a failing key holds itself alone, over all topics; a record without key is held by its topic; a restart keeps it so', async () => {
    const journal = new FakeJournal();
    const contents = ['{"id":"a"}', '{"id":"b"}', 'none', '{"id":"a"}', '{"id":"b"}', 'none'];
    for (const [i, content] of contents.entries()) journal.add(`t/${i}`, Date.now(), content);
    for (const content of contents) journal.add('t/2', Date.now(), content);
    const keyed = { ordering: 'key' as const, key: '/id', retry: { scheduleMs: [60_000], maxAgeMs: HOUR_MS } };
    const sender = new ScriptedSender(({ position }) => later(position === 1 || position === 3 ? FAILS : OK));
    const run = new Run(journal, [{ settings: settings('one', keyed), sender }]);
    await until(() => journal.of('one').cursor === 12);
    assert.deepEqual(
      sender.delivered.toSorted((x, y) => x - y),
      [2, 5, 6, 8, 11],
    );
    assert.deepEqual(
      [...journal.of('one').waiting.keys()].toSorted((x, y) => x - y),
      [1, 3, 4, 7, 9, 10, 12],
    );
    await run.stop();

    journal.add('t/9', Date.now(), '{"id":"a"}');
    const clock = new MovableClock();
    clock.wallOffsetMs = 120_000;
    const mended = new ScriptedSender((): Promise<Outcome> => later(OK));
    const again = new Run(journal, [{ settings: settings('one', keyed), sender: mended }], 13, { clock });
    await until(() => journal.of('one').waiting.size === 0 && journal.of('one').cursor === 13);
    const own = (...positions: number[]): number[] => mended.delivered.filter((one) => positions.includes(one));
    assert.deepEqual(
      [own(1, 4, 7, 10, 13), own(3, 9, 12)],
      [
        [1, 4, 7, 10, 13],
        [3, 9, 12],
      ],
    );
    await again.stop();
  });

  it('another pointer than before the restart loses nothing: rows of the old one say nothing of the new', async () => {
    const journal = new FakeJournal();
    journal.add('t', Date.now(), '{"a":0,"b":9}'); // in flight for ever, so that the cursor cannot pass it
    journal.add('t', Date.now(), '{"a":1,"b":2}'); // killed in flight
    journal.add('t', Date.now(), '{"a":2,"b":1}'); // fails
    const patient = { ordering: 'key' as const, retry: { scheduleMs: [60_000], maxAgeMs: HOUR_MS } };
    const sender = new ScriptedSender(({ position }) => (position === 3 ? FAILS : never));
    const first = new Run(journal, [{ settings: settings('one', { ...patient, key: '/a' }), sender }]);
    await until(() => journal.of('one').waiting.size === 1);
    first.kill();
    const mended = new ScriptedSender();
    const second = new Run(journal, [{ settings: settings('one', { ...patient, key: '/b' }), sender: mended }]);
    await until(() => mended.delivered.includes(2) && mended.delivered.includes(1));
    second.kill();
  });
});

describe('delivery: all lanes are used', () => {
  for (const ordering of ['none', 'topic', 'key'] as const) {
    it(`ordering ${ordering}: as many attempts at once as concurrency and keys allow`, async () => {
      const journal = new FakeJournal();
      for (let i = 0; i < 200; i++) journal.add(`t/${i % 5}`, Date.now(), `{"id":${i % 9}}`);
      const sender = new ScriptedSender(() => never);
      const one = settings('one', { ordering, concurrency: 16, ...(ordering === 'key' && { key: '/id' }) });
      const run = new Run(journal, [{ settings: one, sender }]);
      const most = { none: 16, topic: 5, key: 9 }[ordering];
      await until(() => sender.inFlight === most);
      await turns(20);
      assert.equal(sender.inFlightMost, most);
      run.kill();
    });
  }
});

describe('delivery: content filters', () => {
  it('what is not selected is passed: not sent, no lag, no hindrance for the cursor', async () => {
    const journal = new FakeJournal();
    for (let i = 0; i < 3_000; i++) journal.add('t', Date.now(), i % 3 === 0 ? '{"state":"on"}' : 'no json');
    const where = { kind: 'exact' as const, attribute: '/state', value: 'on' };
    const sender = new ScriptedSender(() => never);
    const targets = [
      { settings: settings('one', { where, concurrency: 2_000 }), sender },
      { settings: settings('other', { where: { kind: 'not', of: where } }), sender: new ScriptedSender() },
    ];
    const run = new Run(journal, targets, 0);
    run.delivery.admitted(3_000);
    await until(() => journal.of('other').cursor === 3_000);
    await until(() => run.status('one').lagRecords === 1_000);
    run.kill();
    const idle = { settings: settings('one', { where: { ...where, value: 'off' } }), sender };
    const again = new Run(journal, [idle], 0);
    again.delivery.admitted(3_000);
    await until(() => again.status('one').cursor === 3_000);
    assert.equal(again.status('one').lagRecords, 0);
    again.kill();
  });
});

describe('delivery: rate limit', () => {
  it('a burst of one second’s worth, then the timer wakes for each token; retries count', async () => {
    const journal = new FakeJournal();
    journal.addMany(12, () => 't');
    const at: number[] = [];
    const sender = new ScriptedSender((_, { attempt }) => {
      at.push(performance.now());
      return attempt === 1 && at.length <= 3 ? FAILS : OK;
    });
    const one = settings('one', { rateLimit: { perSecond: 10 }, concurrency: 16 });
    const run = new Run(journal, [{ settings: one, sender }]);
    await until(() => journal.of('one').cursor === 12 && journal.of('one').waiting.size === 0);
    assert.equal(at.length, 15);
    for (let i = 10; i < 15; i++) assert.ok(at[i]! - at[0]! >= (i - 9) * 100 - 5, `attempt ${i + 1} came too early`);
    assert.deepEqual([journal.of('one').dead.size, Math.max(...sender.attempts)], [0, 2]);
    await run.stop();
  });
});
