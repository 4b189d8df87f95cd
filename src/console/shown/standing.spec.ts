import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptsOf, standing, successShare } from './standing.js';

describe('how a subscriber stands', () => {
  it('what needs somebody comes first', () => {
    const ranks = [
      standing({ state: 'gone', reason: 'status 410', source: 'file' }),
      standing({ state: 'broken', reason: 'status 503', source: 'file' }),
      standing({ state: 'active', reason: '', source: 'absent' }),
      standing({ state: 'paused', reason: '', source: 'file' }),
      standing({ state: 'active', reason: 'status 429', source: 'file' }),
      standing({ state: 'active', reason: '', source: 'file' }),
    ];
    assert.deepEqual(
      ranks.map(({ rank }) => rank),
      [5, 4, 3, 2, 1, 0],
    );
    assert.equal(ranks[4]!.words, 'throttled');
  });

  it('success is of what was tried, and of nothing when nothing was', () => {
    assert.equal(successShare({ delivered: 3, retry: 0, throttled: 0, dead: 1 }), 0.75);
    assert.equal(attemptsOf({ delivered: 3, retry: 0, throttled: 0, dead: 1 }), '3 of 4 attempts');
    assert.equal(successShare({ delivered: 0, retry: 0, throttled: 0, dead: 0 }), undefined);
  });
});
