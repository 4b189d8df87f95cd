import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import type { DecodedPayload, Ways } from '../domain/payload-json.js';
import type { Record } from '../domain/record.js';
import { FAILS, FakeJournal, OK, Run, ScriptedSender } from './journal.fixture.js';
import { settings, until } from './journal.fixture.js';

const never = new Promise<Outcome>(() => undefined);
const KEYED = {
  ordering: 'key' as const,
  key: '/id',
  retry: { scheduleMs: [60_000], maxAgeMs: 3_600_000 },
};

/** Contracts that come into force while it runs: topics that begin so have one. */
class Contracts {
  #begin: string[] = [];
  #ways: Ways = { name: 'none' };

  constructor(...begin: string[]) {
    this.obey(...begin);
  }

  obey(...begin: string[]): void {
    this.#begin = begin;
    this.#ways = { name: `of:${begin.join()}` };
  }

  readonly ways = (): Ways => this.#ways;
  readonly decode = ({ topic, payload }: Record): DecodedPayload => {
    const read = this.#begin.some((one) => topic.startsWith(one));
    return read ? { value: { id: Buffer.from(payload).toString() }, way: 'w' } : { value: undefined, way: 'none' };
  };
}

function start(journal: FakeJournal, sender: ScriptedSender, { decode, ways }: Contracts): Run {
  return new Run(journal, [{ settings: settings('one', KEYED), sender }], journal.last, { decode, ways });
}

/** Another run with contracts for `x` and `y`, until it has come so far. @returns what it sent */
async function restarted(journal: FakeJournal, isThere: (sender: ScriptedSender) => boolean): Promise<ScriptedSender> {
  const sender = new ScriptedSender();
  const run = start(journal, sender, new Contracts('x', 'y'));
  await until(() => isThere(sender));
  run.kill();
  return sender;
}

describe('delivery: keys after a change of contracts', () => {
  it('after a restart with other contracts a record that was in flight under another key is given again', async () => {
    const journal = new FakeJournal();
    journal.add('y/1', Date.now(), 'd'); // killed in flight, keyed by its topic
    journal.add('x/1', Date.now(), 'd'); // fails
    const sender = new ScriptedSender(({ position }) => (position === 1 ? never : FAILS));
    const run = start(journal, sender, new Contracts('x'));
    await until(() => journal.of('one').waiting.size === 1);
    run.kill();
    const mended = await restarted(journal, ({ delivered }) => delivered.includes(1) || journal.of('one').cursor === 2);
    const { waiting } = journal.of('one');
    assert.ok(mended.delivered.includes(1) || waiting.has(1), 'it is given, or waits behind what has its key now');
  });

  it('contracts that come back while it runs make no difference: rows say nothing of what came before', async () => {
    const journal = new FakeJournal();
    const contracts = new Contracts('y');
    const sender = new ScriptedSender(({ position }) => (position === 2 ? never : position === 3 ? FAILS : OK));
    journal.add('z', Date.now(), 'z');
    contracts.obey('x', 'y');
    const run = start(journal, sender, contracts);
    await until(() => sender.delivered.includes(1));
    contracts.obey('y');
    journal.add('x/1', Date.now(), 'd'); // killed in flight, keyed by its topic
    run.delivery.admitted(2);
    await until(() => run.delivery.inFlight === 1);
    contracts.obey('x', 'y');
    journal.add('y/1', Date.now(), 'd'); // fails
    run.delivery.admitted(3);
    await until(() => journal.of('one').waiting.size === 1);
    run.kill();
    const mended = await restarted(journal, () => journal.of('one').cursor === 3);
    assert.ok(mended.delivered.includes(2) || journal.of('one').waiting.has(2));
  });

  it('with the same contracts what was settled before a row of its key came into being is not given after it', async () => {
    const journal = new FakeJournal();
    journal.add('y/1', Date.now(), 'other'); // in flight for ever, so that the cursor cannot pass it
    journal.add('x/1', Date.now(), 'd'); // delivered
    journal.add('y/2', Date.now(), 'd'); // fails
    const sender = new ScriptedSender(({ position }) => (position === 1 ? never : position === 2 ? OK : FAILS));
    const run = start(journal, sender, new Contracts('x', 'y'));
    await until(() => journal.of('one').waiting.size === 1);
    run.kill();
    const mended = await restarted(journal, () => journal.of('one').cursor === 3);
    assert.deepEqual([mended.delivered.includes(2), journal.of('one').waiting.has(2)], [false, false]);
  });
});
