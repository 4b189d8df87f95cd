import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts, SubscriberFacts } from './facts.js';
import type { Finding } from './shown/types.js';
import { subscriberFindings } from './subscriber-findings.js';

const NOW = '2026-01-02T03:10:00.000Z';
const SINCE = '2026-01-02T03:09:30.000Z';
const FAILING = { since: SINCE, times: 5 };

function failure(reason: string, status: number, detail: string): NonNullable<SubscriberFacts['lastFailure']> {
  return { at: NOW, position: 1, id: 'an-id', reason, status, detail };
}
const REFUSED = failure('refused', 0, 'connect ECONNREFUSED 127.0.0.1:9');

function found(more: Partial<SubscriberFacts>): Finding[] {
  const well = {
    id: 'a',
    state: 'active',
    reason: '',
    lagRecords: 0,
    lagSeconds: 0,
    deadLetters: 0,
    delivered: 0,
    dead: 0,
  };
  return subscriberFindings({ now: NOW, subscribers: [{ ...well, ...more }] } as unknown as Facts);
}

const ids = (more: Partial<SubscriberFacts>): string[] => found(more).map(({ severity, id }) => `${severity} ${id}`);

describe('what is wrong with subscribers', () => {
  it('one that refuses connections is told before its breaker opens, since its first failure, and with the way to mend it', () => {
    const [failing, ...others] = found({ failing: FAILING, lastFailure: REFUSED, lagRecords: 2, lagSeconds: 400 });
    assert.deepEqual(others, []);
    assert.deepEqual([failing!.id, failing!.severity, failing!.since], ['subscriber-failing', 'warning', SINCE]);
    assert.equal(
      failing!.why,
      'The last attempt: refused, connect ECONNREFUSED 127.0.0.1:9. 5 attempts failed, and none succeeded since. 2 messages wait.',
    );
    assert.match(failing!.mend, /whether its receiver runs/);
  });

  it('a blip is none, nor is one that nothing waits for', () => {
    const some = { lastFailure: REFUSED, lagRecords: 1 };
    assert.deepEqual(ids({ ...some, failing: { ...FAILING, times: 2 } }), []);
    assert.deepEqual(ids({ ...some, failing: { since: NOW, times: 9 } }), []);
    assert.deepEqual(ids({ failing: FAILING, lastFailure: REFUSED }), []);
  });

  it('one that is broken says why, since its first failure, and when it is tried again', () => {
    const lastFailure = failure('status', 401, 'bad token');
    const state = { state: 'broken', since: NOW, heldUntil: '2026-01-02T03:10:30.000Z', lagRecords: 1 } as const;
    const [broken] = found({ ...state, failing: FAILING, lastFailure });
    assert.deepEqual([broken!.id, broken!.since], ['subscriber-broken', SINCE]);
    assert.match(broken!.why, /status 401, bad token\. .* 1 message waits\. It is tried again at 03:10:30\.$/);
    assert.match(broken!.mend, /renew the subscriber’s token/);
    const [unknown] = found({ state: 'broken', reason: 'a defect', since: NOW });
    assert.deepEqual([unknown!.since, unknown!.why], [NOW, 'a defect. 0 messages wait.']);
  });

  it('an answer of somebody else is not given at length', () => {
    const lastFailure = failure('status', 503, 'x'.repeat(2_000));
    assert.ok(found({ state: 'broken', lastFailure })[0]!.why.length < 300);
  });

  it('one that takes nothing is told apart from one that cannot take this or that', () => {
    const lastFailure = failure('status', 422, 'no such meter');
    const dead = { dead: 3, deadLetters: 9, deadSince: SINCE, lastFailure };
    assert.deepEqual(ids({ ...dead, failing: FAILING }), [
      'critical subscriber-dead-lettering',
      'warning dead-letters',
    ]);
    const [all, letters] = found({ ...dead, failing: FAILING });
    assert.equal(all!.since, SINCE);
    assert.match(all!.why, /^3 in the last five minutes, and none was delivered\. .*status 422, no such meter/);
    assert.deepEqual([letters!.since, letters!.why], [SINCE, 'Dead letters: 9; 3 in the last five minutes.']);
    assert.deepEqual(ids({ ...dead, delivered: 1 }), ['warning dead-letters']);
  });

  it('one that is behind is made faster only if anything gets through', () => {
    const lagging = { lagRecords: 9, lagSeconds: 400 };
    assert.match(found({ ...lagging, delivered: 1 })[0]!.mend, /faster/);
    const [stuck] = found({ ...lagging, lastFailure: REFUSED });
    assert.match(stuck!.why, /Nothing was delivered .* ECONNREFUSED/);
    assert.match(stuck!.mend, /whether its receiver runs/);
    assert.match(found(lagging)[0]!.mend, /^Test it/);
  });
});
