import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import type { DeliveryTarget } from './delivery.js';
import {
  FakeJournal,
  FAILS,
  GONE,
  later,
  OK,
  Run,
  ScriptedSender,
  seeded,
  settings,
  turns,
  until,
} from './journal.fixture.js';

const never = new Promise<Outcome>(() => undefined);
const numbers = (from: number, through: number): number[] =>
  Array.from({ length: through - from + 1 }, (_, i) => from + i);

/** A change that only says what comes in its place. */
function to(target: Omit<DeliveryTarget, 'cursor'> | undefined): () => Promise<typeof target> {
  return () => Promise.resolve(target);
}

describe('delivery: a subscriber that comes while running', () => {
  it('gets what comes after its place, whether that is the tail or long before', async () => {
    const journal = new FakeJournal();
    journal.addMany(1_000, (i) => `t/${i % 3}`);
    const [old, fresh] = [new ScriptedSender(() => later(OK)), new ScriptedSender(() => later(OK))];
    const run = new Run(journal, [{ settings: settings('first'), sender: new ScriptedSender(() => later(OK)) }]);
    await until(() => journal.of('first').cursor === 1_000);
    run.delivery.add({ settings: settings('old', { topics: ['t/1'] }), sender: old, cursor: 0 });
    run.delivery.add({ settings: settings('fresh'), sender: fresh, cursor: 1_000 });
    assert.equal(await run.delivery.lag('old'), 333);
    journal.add('t/1');
    run.delivery.admitted(1_001);
    await until(() => journal.of('old').cursor === 1_001 && journal.of('fresh').cursor === 1_001);
    assert.deepEqual([old.sent.length, fresh.sent], [334, [1_001]]);
    await run.stop();
    assert.throws(() => run.delivery.add({ settings: settings('late'), sender: old, cursor: 0 }), {
      code: 'SHUTTING_DOWN',
    });
  });
});

describe('delivery: a subscriber that changes', () => {
  it('what waits, is queued or in flight goes to the new sender, with its attempts; the old one is closed', async () => {
    const journal = new FakeJournal();
    journal.addMany(2_000, (i) => `t/${i % 5}`);
    const patient = settings('one', { ordering: 'topic', retry: { scheduleMs: [60_000], maxAgeMs: 3_600_000 } });
    let hangs = false;
    const before = new ScriptedSender(() => (hangs ? never : later(FAILS)));
    const run = new Run(journal, [{ settings: patient, sender: before }]);
    await until(() => journal.of('one').waiting.size === 2_000);
    hangs = true;
    journal.addMany(10, () => 'u');
    run.delivery.admitted(2_010);
    await until(() => before.inFlight === 1);
    const after = new ScriptedSender(() => later(OK));
    for (const row of journal.of('one').waiting.values()) row.dueAt = 0;
    await run.delivery.change('one', to({ settings: patient, sender: after }));
    await until(() => journal.of('one').cursor === 2_010 && journal.of('one').waiting.size === 0);
    assert.deepEqual(
      after.delivered.toSorted((a, b) => a - b),
      numbers(1, 2_010),
    );
    assert.deepEqual([before.closed, after.attempts.filter((attempt) => attempt === 2).length], [true, 5]);
    assert.equal(run.status().lagRecords, 0);
    await run.stop();
  });

  it('records that come during the change are not passed over', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender(() => later(OK));
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    await run.delivery.change('one', async () => {
      journal.addMany(100, () => 't');
      run.delivery.admitted(100);
      await turns(20);
      return { settings: settings('one'), sender };
    });
    await until(() => journal.of('one').cursor === 100);
    assert.deepEqual(sender.delivered, numbers(1, 100));
    await run.stop();
  });

  it('a change that is refused leaves it as it was', async () => {
    const journal = new FakeJournal();
    journal.addMany(10, () => 't');
    const sender = new ScriptedSender(() => later(GONE));
    const run = new Run(journal, [{ settings: settings('one'), sender }]);
    await until(() => run.status().state === 'gone');
    await assert.rejects(
      run.delivery.change('one', () => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    assert.deepEqual([run.status().state, await run.delivery.lag('one')], ['gone', 10]);
    sender.script = (): Promise<Outcome> => later(OK);
    run.delivery.resume('one');
    await until(() => journal.of('one').cursor === 10);
    assert.equal(sender.closed, false);
    await run.stop();
  });

  it('it is told when a change wakes one that was gone', async () => {
    const journal = new FakeJournal();
    journal.add('t');
    const run = new Run(journal, [{ settings: settings('one'), sender: new ScriptedSender(() => GONE) }]);
    await until(() => run.status().state === 'gone');
    await run.delivery.change('one', to({ settings: settings('one'), sender: new ScriptedSender() }));
    assert.deepEqual(run.observer.states.at(-1), 'one active');
    await until(() => journal.of('one').cursor === 1);
    await run.stop();
  });

  it('what is held at the start is sent nothing until it is resumed', async () => {
    const journal = new FakeJournal();
    journal.addMany(5, () => 't');
    const [paused, gone] = [new ScriptedSender(), new ScriptedSender()];
    const run = new Run(journal, [
      { settings: settings('paused'), sender: paused, hold: { paused: true, gone: '' } },
      { settings: settings('gone'), sender: gone, hold: { paused: false, gone: 'status 410' } },
    ]);
    await turns(20);
    assert.deepEqual([run.status('paused').state, run.status('gone').reason], ['paused', 'status 410']);
    assert.deepEqual([paused.sent, gone.sent, run.observer.states], [[], [], []]);
    for (const id of ['paused', 'gone']) run.delivery.resume(id);
    await until(() => journal.of('paused').cursor === 5 && journal.of('gone').cursor === 5);
    await run.stop();
  });

  it('stopping ends a change that waits for a save', async () => {
    const journal = new FakeJournal();
    journal.add('t');
    journal.mode = 'stalls';
    const run = new Run(journal, [{ settings: settings('one'), sender: new ScriptedSender() }]);
    await until(() => journal.settles > 0);
    const change = run.delivery.change('one', to(undefined));
    await turns(3);
    void run.delivery.stop(0);
    await assert.rejects(change, { code: 'SHUTTING_DOWN' });
  });
});

describe('delivery: a change while nothing can be saved', () => {
  it('is refused at once and disturbs nothing, or after a while; then it is sent nothing, which is seen, until it is saved', async () => {
    const journal = new FakeJournal();
    journal.addMany(20, () => 't');
    const sender = new ScriptedSender(() => later(OK));
    const one = settings('one');
    const run = new Run(journal, [{ settings: one, sender }], 10);
    await until(() => journal.of('one').cursor === 10);
    journal.mode = 'fails';
    run.delivery.admitted(11);
    await until(() => sender.delivered.length === 11);
    const full = { code: 'JOURNAL_FULL' };
    await assert.rejects(run.delivery.change('one', to({ settings: one, sender })), full);
    await until(() => run.observer.saveFailures > 0);
    assert.match(run.status().reason, /until what it has settled is saved/);
    run.delivery.admitted(12);
    await turns(20);
    assert.equal(sender.delivered.length, 11);
    await assert.rejects(run.delivery.change('one', to(undefined)), full);
    journal.mode = 'saves';
    await until(() => journal.of('one').cursor === 12);
    assert.equal(run.status().reason, '');
    journal.mode = 'fails';
    run.delivery.admitted(13);
    await until(() => run.observer.saveFailures > 5);
    await assert.rejects(run.delivery.change('one', to(undefined)), full);
    run.delivery.admitted(14);
    await until(() => sender.delivered.length === 14, 'what came after a change that was refused at once');
    journal.mode = 'saves';
    await until(() => journal.of('one').cursor === 14);
    assert.deepEqual(sender.delivered, numbers(1, 14));
    await run.stop();
  });
});

describe('delivery: a subscriber that goes', () => {
  it('nothing is sent to it or saved for it any more, and the others go on', async () => {
    const journal = new FakeJournal();
    const [first, second] = [new ScriptedSender(() => later(OK)), new ScriptedSender(() => later(OK))];
    const run = new Run(journal, [
      { settings: settings('first'), sender: first },
      { settings: settings('second'), sender: second },
    ]);
    journal.addMany(10, () => 't');
    run.delivery.admitted(10);
    await until(() => journal.of('first').cursor === 10);
    await run.delivery.change('first', to(undefined));
    journal.addMany(10, () => 't');
    run.delivery.admitted(20);
    await until(() => journal.of('second').cursor === 20);
    assert.deepEqual([first.sent.length, journal.of('first').cursor, first.closed], [10, 10, true]);
    assert.deepEqual(
      run.delivery.status().map(({ id }) => id),
      ['second'],
    );
    await assert.rejects(run.delivery.change('first', to(undefined)), { code: 'NOT_FOUND' });
    await assert.rejects(run.delivery.lag('first'), { code: 'NOT_FOUND' });
    await run.stop();
  });
});

describe('delivery: random changes amid random traffic', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`seed ${seed}: everything is delivered or dead, whatever changed`, async () => {
      const random = seeded(seed);
      const upTo = (n: number): number => Math.floor(random() * n);
      const journal = new FakeJournal();
      journal.slow = (): boolean => random() < 0.5;
      const delivered = new Set<number>();
      const answer = ({ position }: { position: number }): Promise<Outcome> => {
        const outcome = random() < 0.8 ? OK : FAILS;
        if (outcome === OK) delivered.add(position);
        return later(outcome);
      };
      const target = (): Omit<DeliveryTarget, 'cursor'> => ({
        settings: settings('one', {
          ordering: seed % 2 ? 'topic' : 'none',
          concurrency: 1 + upTo(8),
          retry: { scheduleMs: Array<number>(50).fill(1), maxAgeMs: 3_600_000 },
        }),
        sender: new ScriptedSender(answer),
      });
      const run = new Run(journal, [target()]);
      for (let step = 0; step < 20; step++) {
        journal.addMany(upTo(200), () => `t/${upTo(4)}`);
        run.delivery.admitted(journal.last);
        await turns(upTo(10));
        if (random() < 0.6) await run.delivery.change('one', to(target()));
      }
      await until(() => delivered.size === journal.last && run.status().lagRecords === 0);
      await until(() => journal.of('one').cursor === journal.last && journal.of('one').waiting.size === 0);
      await run.stop();
    });
  }
});
