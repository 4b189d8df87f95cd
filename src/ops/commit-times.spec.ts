import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommitTimes } from './commit-times.js';

describe('the last commits', () => {
  const clock = { at: 0, monotonic: () => clock.at };
  const times = new CommitTimes(clock);

  it('are none at first', () => {
    assert.deepEqual(times.within(60_000), { p50: 0, p99: 0, max: 0 });
  });

  it('count while they are recent', () => {
    for (let i = 100; i > 0; i--) times.observe(i / 1_000);
    assert.deepEqual(times.within(60_000), { p50: 0.05, p99: 0.099, max: 0.1 });
    clock.at = 50_000;
    times.observe(7);
    assert.deepEqual(times.within(5_000), { p50: 7, p99: 7, max: 7 });
    assert.equal(times.within(60_000).max, 7);
    clock.at = 200_000;
    assert.equal(times.within(60_000).max, 0);
  });

  it('are no more than are kept', () => {
    for (let i = 0; i < 10_000; i++) times.observe(i);
    assert.deepEqual(times.within(60_000).max, 9_999);
    assert.ok(times.within(60_000).p50 > 7_000);
  });
});
