/** What is counted again when many subscribers change at once, and how much of it in one turn of the event loop. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TopicCount } from '../domain/journal.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { FakeJournal, OK, Run, ScriptedSender, settings, turns, until } from './journal.fixture.js';

const RECORDS = 30_000;
const SUBSCRIBERS = 20;
const HELD = { paused: true, gone: '' };
const where: SubscriberSettings['where'] = { kind: 'exact', attribute: '/on', value: 'true' };

/** Remembers what was counted. */
class CountingJournal extends FakeJournal {
  positions = 0;
  /** Calls since the last look. */
  calls = 0;

  override topicCounts(from: number, through: number): TopicCount[] {
    this.positions += through - from;
    this.calls++;
    return super.topicCounts(from, through);
  }
}

/** Held subscribers with all there is as their backlog, half of which is of topic `a`. */
async function held(
  more: Partial<SubscriberSettings> = {},
): Promise<{ journal: CountingJournal; run: Run; ids: string[] }> {
  const journal = new CountingJournal();
  const ids = Array.from({ length: SUBSCRIBERS }, (_, i) => `s${i}`);
  for (let i = 0; i < RECORDS; i++) journal.add(i % 2 ? 'a' : 'b', Date.now(), '{"on":true}');
  const target = (id: string) => ({ settings: settings(id, more), sender: new ScriptedSender(), hold: HELD });
  const run = new Run(journal, ids.map(target));
  for (const id of ids) await run.delivery.lag(id);
  await turns(5);
  journal.positions = 0;
  return { journal, run, ids };
}

function change(run: Run, ids: string[], more: Partial<SubscriberSettings> = {}): Promise<void[]> {
  const target = (id: string) => ({ settings: settings(id, more), sender: new ScriptedSender(() => OK), hold: HELD });
  return Promise.all(ids.map((id) => run.delivery.change(id, () => Promise.resolve(target(id)))));
}

function lags(run: Run, ids: string[]): Promise<number[]> {
  return Promise.all(ids.map((id) => run.delivery.lag(id)));
}

describe('counting a backlog again', () => {
  const same: [string, Partial<SubscriberSettings>, Partial<SubscriberSettings>][] = [
    ['another sender', {}, {}],
    ['another content filter, where topics are counted', {}, { where }],
    ['a bound', { where, maxBacklog: { records: 100_000 } }, { where, maxBacklog: { records: 90_000 } }],
  ];
  for (const [what, before, after] of same) {
    it(`${what}: what was counted is taken over, with what comes meanwhile`, async () => {
      const { journal, run, ids } = await held(before);
      const changed = change(run, ids, after);
      for (let i = 0; i < 10; i++) journal.add('a', Date.now(), '{"on":true}');
      run.delivery.admitted(journal.last);
      await changed;
      await until(() => run.status().lagRecords === RECORDS + 10);
      assert.deepEqual(new Set(await lags(run, ids)), new Set([RECORDS + 10]));
      assert.ok(journal.positions < SUBSCRIBERS * 1_000, `${journal.positions}`);
      run.delivery.resume('s0');
      await until(() => journal.of('s0').cursor === journal.last);
      assert.equal(run.status('s0').lagRecords, 0);
      run.kill();
    });
  }

  it('other topics, or what was not counted to its end: anew, and right', async () => {
    const { run, ids } = await held();
    await change(run, ids, { topics: ['a'] });
    await change(run, ids, { topics: ['a'] });
    await change(run, ids, { topics: ['a'] });
    assert.deepEqual(new Set(await lags(run, ids)), new Set([RECORDS / 2]));
    await change(run, ids, { topics: ['a'], where, maxBacklog: { records: 100_000 } });
    assert.deepEqual(new Set(await lags(run, ids)), new Set([RECORDS / 2]));
    run.kill();
  });

  it('however many are counted, one slice in one turn; who is changed again is not counted twice', async () => {
    const { journal, run, ids } = await held();
    await change(run, ids, { topics: ['a'] });
    await change(run, ids, { topics: ['a', 'c'] });
    journal.positions = 0;
    const counted = lags(run, ids);
    let most = 0;
    let done = false;
    void counted.then(() => (done = true));
    while (!done) {
      journal.calls = 0;
      await turns(1);
      most = Math.max(most, journal.calls);
    }
    assert.equal(most, 1);
    assert.ok(journal.positions <= SUBSCRIBERS * RECORDS, `${journal.positions}`);
    run.kill();
  });

  it('a subscriber that is not counted any more is not waited for, and stopping ends all counts', async () => {
    const { run, ids } = await held();
    await change(run, ids, { topics: ['a'] });
    const [first, ...rest] = ids;
    await run.delivery.change(first!, () => Promise.resolve(undefined));
    const waits = lags(run, rest);
    run.kill();
    await waits;
  });
});
