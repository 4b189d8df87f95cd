import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CAUSES, type Cause } from '../domain/cause.js';
import { patience } from './patience.js';

const SETTINGS = { initialMs: 500, maxMs: 30_000, refusedMs: 30_000, conflictMs: 60_000, bannedMs: 300_000 };

function wait(cause: Cause, failures: number, random: number): number {
  return patience(cause, failures, SETTINGS, () => random);
}

describe('patience', () => {
  it('a conflict of client ids is never fought: 40 to 60 seconds, whatever came before', () => {
    for (const failures of [0, 1, 50]) {
      assert.deepEqual(
        [wait('client-id-conflict', failures, 0), wait('client-id-conflict', failures, 1)],
        [40_000, 60_000],
      );
    }
  });

  it('a refused login is tried again slowly, and for ever', () => {
    for (const cause of ['bad-credentials', 'not-authorized', 'client-id-rejected'] as const) {
      assert.equal(wait(cause, 0, 0), 500);
      assert.ok(wait(cause, 10, 0) >= 15_000);
      assert.equal(wait(cause, 10_000, 1), 30_000);
    }
  });

  it('a ban is waited out, an overload is not hurried', () => {
    assert.deepEqual([wait('banned', 0, 0), wait('banned', 9, 1)], [300_000, 360_000]);
    assert.ok(wait('quota-exceeded', 10, 0) >= 15_000);
    assert.ok(wait('server-busy', 10, 0) >= 15_000);
  });

  it('a publish that cost the link never makes a tight loop of it: at least half of what it would wait at most', () => {
    assert.deepEqual([wait('publish-denied', 0, 0), wait('publish-denied', 0, 1)], [250, 500]);
    assert.deepEqual([wait('publish-denied', 20, 0), wait('publish-denied', 20, 1)], [15_000, 30_000]);
  });

  it('anything else: full jitter below a bound that doubles', () => {
    assert.equal(wait('network', 0, 1), 500);
    assert.equal(wait('broker-unreachable', 3, 1), 4_000);
    assert.equal(wait('broker-shutdown', 20, 1), 30_000);
    assert.equal(wait('network', 20, 0), 0);
  });

  it('any cause, any history: a finite wait, and never longer than a ban and a fifth', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CAUSES),
        fc.nat(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (...args) => {
          const ms = wait(...args);
          assert.ok(ms >= 0 && ms <= 360_000, `${ms}`);
        },
      ),
    );
  });
});
