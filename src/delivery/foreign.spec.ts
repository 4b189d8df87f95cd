import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filter } from '../domain/filter.js';
import { FakeJournal, Run, ScriptedSender, settings, until } from './journal.fixture.js';

describe('delivery: a content filter after a change of contracts', () => {
  it('gives what the contract of today cannot have let in, and leaves out what it can read or others let in', async () => {
    const journal = new FakeJournal();
    const [text, said] = ['{"t":10}', '{"t":1}'].map((one) => Buffer.from(one));
    journal.addMany(600, (i) => ['devices/1', 'elsewhere', 'free'][i % 3]!);
    for (const [i, one] of journal.records.entries()) one.payload = i < 500 ? text! : said!;
    const payload = { kind: 'exact', attribute: '/t', value: '10' } as const;
    const where: Filter = {
      kind: 'all',
      of: [payload, { kind: 'not', of: { ...payload, attribute: 'topic', value: 'elsewhere' } }],
    };
    const sender = new ScriptedSender();
    const run = new Run(
      journal,
      [
        { settings: settings('one', { where }), sender, hold: { paused: true, gone: '' } },
        { settings: settings('all'), sender: new ScriptedSender() },
      ],
      600,
      {
        decode: ({ position }) => ({ value: position > 500 ? { t: 1 } : undefined, way: 'today' }),
        isForeign: ({ topic }) => topic !== 'free',
      },
    );
    await until(() => run.status('all').cursor === 600);
    run.delivery.resume('one');
    await until(() => run.status('one').cursor === 600);
    const wanted = journal.records.filter(({ topic, position }) => topic === 'devices/1' && position <= 500);
    assert.deepEqual(
      sender.delivered.toSorted((a, b) => a - b),
      wanted.map(({ position }) => position),
    );
    await run.stop();
  });
});
