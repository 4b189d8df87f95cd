import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failed, ok, skipped, together, warning, type Row, type Verdict } from './row.js';
import { Interrupted, Rows } from './rows.js';

function rows(limitMs = 50, interrupted = new AbortController().signal): { rows: Rows; told: string[] } {
  const told: string[] = [];
  const progress = {
    broker: (url: string) => void told.push(url),
    begun: (check: string) => void told.push(`${check}?`),
    done: ({ check, state }: Row) => void told.push(`${check}: ${state}`),
    skipped: (those: Row[]) => void told.push(`${those.length} skipped`),
  };
  return { rows: new Rows({ limitMs, interrupted, ...progress }), told };
}

describe('doctor: rows', () => {
  it('a check that never ends is cut off and failed', async () => {
    const { rows: all } = rows();
    let cut = false;
    const verdict = await all.examine('x', { seen: 'no PINGRESP', mend: 'Look.' }, (signal) => {
      signal.addEventListener('abort', () => (cut = true));
      return new Promise<Verdict>(() => undefined);
    });
    assert.ok(cut);
    assert.deepEqual(verdict, failed('no PINGRESP within 50 ms', 'Look.'));
  });

  it('a check that breaks is a failed row, not a crash', async () => {
    const { rows: all } = rows();
    const { state, seen } = await all.examine('x', { mend: '' }, () => Promise.reject(new Error('oops')));
    assert.equal(state, 'failed');
    assert.match(seen, /oops/);
  });

  it('Ctrl-C ends the check that runs, and none begins after it', async () => {
    const controller = new AbortController();
    const { rows: all } = rows(10_000, controller.signal);
    const running = all.examine('x', { mend: '' }, () => new Promise<Verdict>(() => undefined));
    controller.abort();
    await assert.rejects(running, Interrupted);
    await assert.rejects(
      all.examine('y', { mend: '' }, async () => ok('')),
      Interrupted,
    );
    assert.deepEqual(all.all, []);
  });

  it('what is finished is told at once, with its broker', async () => {
    const { rows: all, told } = rows();
    all.add('a', ok('1'));
    all.turnTo('mqtt://b');
    await all.examine('c', { mend: '' }, async () => ok('2'));
    all.leaveOut(['d', 'e'], 'why');
    all.leaveOut([], 'why');
    assert.deepEqual(told, ['a: ok', 'mqtt://b', 'c?', 'c: ok', '2 skipped']);
    assert.deepEqual(
      all.all.map(({ broker }) => broker),
      [undefined, 'mqtt://b', 'mqtt://b', 'mqtt://b'],
    );
  });

  it('several findings make one row, the gravest first', () => {
    const verdict = together([ok('a'), warning('b', 'Mend b.'), skipped('c'), failed('d', 'Mend d.')]);
    assert.deepEqual(verdict, failed('(1) d; (2) b; a; c', '(1) Mend d. (2) Mend b.'));
    const alike = together([failed('a', 'Mend it.'), failed('b', 'Mend it.'), ok('c')]);
    assert.deepEqual(alike, failed('a; b; c', 'Mend it.'), 'one mend needs no number');
  });
});
