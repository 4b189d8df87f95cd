import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addedJitter, fullJitter } from './backoff.js';

const ALMOST_ONE = 1 - 2 ** -53;

describe('full jitter', () => {
  it('never waits longer than its maximum, however often it failed', () => {
    for (const failures of [10, 31, 1_000, Number.MAX_SAFE_INTEGER]) {
      assert.equal(
        fullJitter(failures, 500, 30_000, () => ALMOST_ONE),
        30_000,
      );
    }
    assert.equal(
      fullJitter(0, 500, 100, () => ALMOST_ONE),
      100,
    );
  });

  it('doubles its ceiling with each failure', () => {
    const ceilings = [0, 1, 2, 3].map((failures) => fullJitter(failures, 500, 30_000, () => ALMOST_ONE));
    assert.deepEqual(ceilings, [500, 1_000, 2_000, 4_000]);
  });

  it('spreads over the whole of it, from nothing on', () => {
    assert.equal(
      fullJitter(3, 500, 30_000, () => 0),
      0,
    );
    assert.equal(
      fullJitter(3, 500, 30_000, () => 0.5),
      2_000,
    );
  });
});

describe('added jitter', () => {
  it('is never early and at most a tenth late', () => {
    assert.equal(
      addedJitter(1_000, () => 0),
      1_000,
    );
    assert.equal(
      addedJitter(1_000, () => ALMOST_ONE),
      1_100,
    );
    assert.equal(
      addedJitter(0, () => ALMOST_ONE),
      0,
    );
  });
});
