import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { RateLimit } from './rate-limit.js';

/** Takes whatever is allowed at each instant. @returns when each attempt began */
function greedy(limit: RateLimit, through: number): number[] {
  const began: number[] = [];
  for (let now = 0; now <= through; now = Math.max(limit.nextAt(now), now)) {
    while (limit.allows(now)) {
      limit.take();
      began.push(now);
    }
    if (limit.nextAt(now) <= now) now += 1;
  }
  return began;
}

describe('rate limit', () => {
  it('one second’s worth at once, then one after the other', () => {
    const began = greedy(new RateLimit(4, 0), 1_000);
    assert.deepEqual(began.map(Math.round), [0, 0, 0, 0, 250, 500, 750, 1_000]);
  });

  it('less than one a second: the first at once', () => {
    assert.deepEqual(greedy(new RateLimit(0.5, 0), 6_000).map(Math.round), [0, 2_000, 4_000, 6_000]);
  });

  it('what was not used for long does not add up, and an instant that goes back gives nothing', () => {
    const limit = new RateLimit(2, 0);
    assert.equal(greedy(limit, 0).length, 2);
    assert.equal(limit.allows(-1_000), false);
    limit.nextAt(3_600_000);
    let taken = 0;
    for (; limit.allows(3_600_000); taken++) limit.take();
    assert.equal(taken, 2);
  });

  it('no second holds more than two seconds’ worth, no long time more than its share and one burst', () => {
    const perSecond = fc.double({ min: 0.01, max: 500, noNaN: true });
    fc.assert(
      fc.property(perSecond, fc.integer({ min: 1, max: 20 }), (rate, seconds) => {
        const began = greedy(new RateLimit(rate, 0), seconds * 1_000);
        const most = Math.max(1, rate) + rate * seconds;
        assert.ok(began.length <= Math.floor(most + 1e-3), `${began.length} of ${most}`);
        assert.ok(began.length >= Math.floor(most) - 1, `${began.length} of ${most}`);
      }),
      { seed, numRuns: 200 },
    );
  });
});
