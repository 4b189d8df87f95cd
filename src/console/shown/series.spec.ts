import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countsPerSecond, inWords, levels, topOf } from './series.js';
import { RATE_COUNTS, RATE_LEVELS, type Rates } from './types.js';

const all = <K extends string>(names: readonly K[], values: (number | null)[]): { [name in K]: (number | null)[] } =>
  Object.fromEntries(names.map((name) => [name, values])) as { [name in K]: (number | null)[] };
const rates: Rates = {
  now: '2026-11-26T08:00:02.000Z',
  until: '2026-11-26T08:00:00.000Z',
  stepSeconds: 5,
  counts: { ...all(RATE_COUNTS, [0, 0, 0]), received: [10, null, 50] },
  levels: all(RATE_LEVELS, [1, 2, 3]),
};

describe('what charts draw', () => {
  it('counts are per second, at the end of their step', () => {
    const end = Date.parse(rates.until) / 1000;
    assert.deepEqual(countsPerSecond(rates, { Received: 'received' }), {
      times: [end - 10, end - 5, end],
      lines: [{ label: 'Received', values: [2, null, 10] }],
    });
  });

  it('is told in words, too', () => {
    const series = countsPerSecond(rates, { Received: 'received', Dead: 'dead' });
    assert.equal(
      inWords(series, String),
      'Received: now 10, on average 6, at most 10. Dead: now 0, on average 0, at most 0.',
    );
    assert.deepEqual(levels(rates, { Lag: 'lagRecords' }).lines[0]!.values, [1, 2, 3]);
  });

  it('of a gateway that has just started is nothing, and says so', () => {
    const empty = { ...rates, counts: all(RATE_COUNTS, []), levels: all(RATE_LEVELS, []) };
    const series = countsPerSecond(empty, { Received: 'received' });
    assert.deepEqual(series.times, []);
    assert.equal(inWords(series, String), 'Received: not known.');
    assert.equal(topOf(null, 1), 1);
    assert.ok(topOf(100, 1) > 100);
  });
});
