import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Breaker } from './breaker.js';

const make = (): Breaker => new Breaker({ failures: 3, openForMs: 1_000 }, () => 0);

function fail(breaker: Breaker, times: number, now = 0): void {
  for (let i = 0; i < times; i++) breaker.failed(breaker.begin(), false, now);
}

describe('breaker: a subscriber that fails is left alone', () => {
  it('opens after that many failures in a row, not before', () => {
    const breaker = make();
    fail(breaker, 2);
    assert.equal(breaker.allows(0), true);
    fail(breaker, 1);
    assert.equal(breaker.broken, true);
    assert.equal(breaker.allows(999), false);
    assert.equal(breaker.allows(1_000), true);
  });

  it('a success in between starts the count anew', () => {
    const breaker = make();
    fail(breaker, 2);
    breaker.succeeded(breaker.begin());
    fail(breaker, 2);
    assert.equal(breaker.broken, false);
  });

  it('knows since when it lets only probes through, until one succeeds', () => {
    const breaker = make();
    fail(breaker, 2);
    assert.equal(breaker.stuckSince, Infinity);
    fail(breaker, 1, 10);
    fail(breaker, 1, 2_000);
    assert.equal(breaker.stuckSince, 10);
    breaker.succeeded(breaker.begin());
    assert.equal(breaker.stuckSince, Infinity);
    breaker.throttled(breaker.begin(), 500, 3_000);
    assert.equal(breaker.stuckSince, 3_000);
    breaker.reset();
    assert.equal(breaker.stuckSince, Infinity);
  });

  it('half open sends one probe: its failure opens again at once, its success closes', () => {
    const breaker = make();
    fail(breaker, 3);
    const probe = breaker.begin();
    assert.equal(breaker.allows(5_000), false, 'a second probe');
    breaker.failed(probe, false, 1_000);
    assert.equal(breaker.openUntil, 2_000);
    breaker.succeeded(breaker.begin());
    assert.equal(breaker.broken, false);
    assert.equal(breaker.allows(0), true);
  });

  it('opens at once when the whole subscriber is suspect', () => {
    const breaker = make();
    breaker.failed(breaker.begin(), true, 0);
    assert.equal(breaker.broken, true);
  });

  it('what was in flight when it opened neither closes it nor counts', () => {
    const breaker = make();
    const old = breaker.begin();
    fail(breaker, 3);
    breaker.succeeded(old);
    assert.equal(breaker.broken, true);
    breaker.failed(old, true, 900);
    assert.equal(breaker.openUntil, 1_000);
  });

  it('throttled: waits as long as asked, or twice as long each time up to openFor; only many in a row are broken', () => {
    const breaker = make();
    breaker.throttled(breaker.begin(), undefined, 0);
    assert.deepEqual([breaker.openUntil, breaker.broken], [100, false]);
    breaker.throttled(breaker.begin(), undefined, 100);
    assert.deepEqual([breaker.openUntil, breaker.broken], [300, false]);
    breaker.throttled(breaker.begin(), 7_000, 300);
    assert.deepEqual([breaker.openUntil, breaker.broken], [7_300, true]);
    for (let i = 0; i < 20; i++) breaker.throttled(breaker.begin(), undefined, 10_000);
    assert.equal(breaker.openUntil, 11_000);
  });

  it('throttled with no pause at all asked for: it waits all the same', () => {
    const breaker = make();
    for (const pauseMs of [100, 200, 400]) {
      breaker.throttled(breaker.begin(), 0, 5_000);
      assert.equal(breaker.openUntil, 5_000 + pauseMs);
    }
  });

  it('many answers that throttle at once are one pause, and the longest wish counts', () => {
    const breaker = make();
    const epochs = [breaker.begin(), breaker.begin(), breaker.begin(), breaker.begin()];
    for (const epoch of epochs) breaker.throttled(epoch, undefined, 0);
    assert.deepEqual([breaker.openUntil, breaker.broken], [100, false]);
    breaker.throttled(epochs[0]!, 5_000, 10);
    assert.equal(breaker.openUntil, 5_010);
  });
});
