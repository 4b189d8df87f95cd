import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import { SUBSCRIBER_DEFAULTS } from '../domain/subscriber.js';
import { Condition } from './condition.js';
import type { DeliveryObserver } from './observer.js';

const HOUR_MS = 3_600_000;
const DEAF: DeliveryObserver = {
  attempt: () => undefined,
  delivered: () => undefined,
  state: () => undefined,
  failed: () => undefined,
  recovered: () => undefined,
  saveFailed: () => undefined,
  fault: () => undefined,
  discarded: () => undefined,
  died: () => undefined,
};

describe('the condition of a subscriber', () => {
  it('the first success after failures is told, and what was the trouble; a record it cannot take says nothing', () => {
    const told: string[] = [];
    const observer = {
      ...DEAF,
      recovered: (): void => void told.push(`succeeds after ${condition.trouble}`),
    };
    const condition: Condition = new Condition({ id: 'a', breaker: SUBSCRIBER_DEFAULTS.breaker }, observer, () => 0);
    for (const status of [200, 500, 500, 503, 200, 200, 500, 400, 400, 500, 400, 200, 200]) {
      const failed = { reason: 'status', status, detail: '' } as const;
      const outcome: Outcome =
        status === 200
          ? { kind: 'delivered' }
          : status === 400
            ? { kind: 'dead', ...failed }
            : { kind: 'retry', opensBreaker: false, ...failed };
      condition.answered(outcome, condition.breaker.begin(), 0, false);
    }
    assert.deepEqual(told, ['succeeds after status 503', 'succeeds after status 500']);
  });

  it('Retry-After is obeyed, up to a day', () => {
    for (const [asked, expected] of [
      [-1, 100],
      [0, 100],
      [2 * HOUR_MS, 2 * HOUR_MS],
      [48 * HOUR_MS, 24 * HOUR_MS],
    ] as const) {
      const condition = new Condition({ id: 'a', breaker: SUBSCRIBER_DEFAULTS.breaker }, DEAF, () => 0);
      const throttled = { kind: 'throttled', reason: 'status', status: 429, detail: '', retryAfterMs: asked } as const;
      condition.answered(throttled, condition.breaker.begin(), 0, false);
      assert.equal(condition.breaker.openUntil, expected);
      assert.ok(!condition.breaker.allows(expected - 1) && condition.breaker.allows(expected));
    }
  });
});
