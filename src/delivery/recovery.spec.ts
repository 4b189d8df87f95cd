import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeJournal, Run, ScriptedSender, settings, until } from './journal.fixture.js';

describe('a defect in one subscriber', () => {
  it('it begins anew from what is on disk, is seen to be broken meanwhile, and the others do not notice', async () => {
    const journal = new FakeJournal();
    journal.addMany(50, (i) => `t/${i % 3}`);
    const [ill, well] = [new ScriptedSender(), new ScriptedSender()];
    const run = new Run(journal, [
      { settings: settings('ill', { ordering: 'topic', breaker: { failures: 5, openForMs: 50 } }), sender: ill },
      { settings: settings('well'), sender: well },
    ]);
    let faults = 1;
    run.observer.onTold = (): void => {
      if (ill.delivered.length > 20 && faults-- > 0) throw new TypeError('no such thing');
    };
    await until(() => run.observer.faults.length === 1);
    const subscriber = run.observer.faults[0]!.split(' ')[0]!;
    assert.equal(run.status(subscriber).state, 'broken');
    assert.match(run.status(subscriber).reason, /a defect.*no such thing/);
    await until(() => journal.of('ill').cursor === 50 && journal.of('well').cursor === 50);
    assert.deepEqual(new Set(ill.delivered), new Set(well.delivered));
    assert.equal(new Set(ill.delivered).size, 50);
    await until(() => run.status(subscriber).state === 'active');
    assert.deepEqual(
      run.observer.states.map((line) => line.split(' ', 2).join(' ')),
      [`${subscriber} broken`, `${subscriber} active`],
    );
    assert.deepEqual([run.status('ill').lagRecords, run.status('ill').inFlight], [0, 0]);
    await run.stop();
  });
});
