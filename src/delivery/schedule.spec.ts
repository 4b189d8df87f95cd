import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from './schedule.js';
import { DEAD, FAILS, GONE, OK, throttled } from './journal.fixture.js';

const retry = { scheduleMs: [1_000, 5_000], maxAgeMs: 60_000 };
const none = (): number => 0;

describe('schedule: what becomes of a record after an attempt', () => {
  it('a failing record becomes a dead letter after the last step, with the reason of its last failure', () => {
    const tried = { attempts: 3, receivedAt: 0 };
    assert.deepEqual(decide(FAILS, tried, retry, 10, none), { kind: 'dead', reason: 'status' });
  });

  it('a failing record older than maxAge becomes a dead letter, expired', () => {
    const tried = { attempts: 1, receivedAt: 0 };
    assert.deepEqual(decide(FAILS, tried, retry, 60_001, none), { kind: 'dead', reason: 'expired' });
    assert.deepEqual(decide(FAILS, { attempts: 3, receivedAt: 0 }, retry, 60_001, none), {
      kind: 'dead',
      reason: 'expired',
    });
    assert.equal(decide(FAILS, tried, retry, 60_000, none).kind, 'wait');
  });

  it('no wait outlasts maxAge: the last attempt is just past it', () => {
    const tried = { attempts: 2, receivedAt: 1_000 };
    assert.deepEqual(decide(FAILS, tried, retry, 57_000, none), { kind: 'wait', delayMs: 4_001 });
    assert.deepEqual(decide(FAILS, tried, retry, 61_001, none), { kind: 'dead', reason: 'expired' });
  });

  it('throttling uses no attempt, but does not outlive maxAge', () => {
    const tried = { attempts: 99, receivedAt: 0 };
    assert.deepEqual(decide(throttled(), tried, retry, 60_000, none), { kind: 'returned' });
    assert.deepEqual(decide(throttled(), tried, retry, 60_001, none), { kind: 'dead', reason: 'expired' });
  });

  it('waits as the schedule says, never less, at most a tenth more', () => {
    const tried = { attempts: 2, receivedAt: 0 };
    assert.deepEqual(decide(FAILS, tried, retry, 10, none), { kind: 'wait', delayMs: 5_000 });
    assert.deepEqual(
      decide(FAILS, tried, retry, 10, () => 0.999_999),
      { kind: 'wait', delayMs: 5_500 },
    );
  });

  it('a refused record dies at once; one for a subscriber that is gone stays, however old', () => {
    const tried = { attempts: 1, receivedAt: 0 };
    assert.deepEqual(decide(DEAD, tried, retry, 10, none), { kind: 'dead', reason: 'status' });
    assert.deepEqual(decide(GONE, tried, retry, 99_999_999, none), { kind: 'returned' });
    assert.deepEqual(decide(OK, tried, retry, 10, none), { kind: 'delivered' });
  });
});
