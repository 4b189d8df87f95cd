import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkDrop, LinkStatus } from '../domain/link.js';
import { REST, SHELL } from './examination.js';
import { judgeConflicts, judgeGateway } from './gateway.js';

const NOW = 1_000_000_000;
const MINUTE = 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

function status(more: Partial<LinkStatus> = {}): LinkStatus {
  return {
    state: 'up',
    clientId: 'gw-1',
    url: 'mqtt://broker',
    protocol: '5',
    sessionPresent: true,
    since: iso(NOW - 3 * 3_600_000),
    pendingAcks: 0,
    subscribed: [],
    denied: {},
    setAside: {},
    unanswered: [],
    counters: {} as LinkStatus['counters'],
    drops: [],
    ...more,
  };
}

function drop(more: Partial<LinkDrop> = {}): LinkDrop {
  return {
    cause: 'client-id-conflict',
    confidence: 'likely',
    evidence: [],
    mend: 'Give each its own id.',
    at: iso(NOW - 2 * MINUTE),
    wasUp: true,
    ...more,
  };
}

describe('doctor: the running gateway', () => {
  it('a link that is not up fails, with its last cause and that cause’s mend', () => {
    const { state, seen, mend } = judgeGateway(
      status({ state: 'waiting', retryAt: iso(NOW + 40_000), drops: [drop(), drop()] }),
      NOW,
    );
    assert.equal(state, 'failed');
    assert.match(seen, /link not up \(waiting, tries again in 40 s\), client id gw-1/);
    assert.match(seen, /client-id-conflict \(likely\) 2×, the last 2 min ago/);
    assert.match(mend, /its own id/);
  });

  it('refusals that are one entry are counted, every one', () => {
    const refusals = drop({ cause: 'broker-unreachable', wasUp: false, count: 200, firstAt: iso(NOW - 9 * MINUTE) });
    const { seen } = judgeGateway(status({ drops: [refusals] }), NOW);
    assert.match(seen, /broker-unreachable \(likely\) 200×, the last 2 min ago/);
  });

  it('denied subscriptions fail', () => {
    const { state, seen } = judgeGateway(status({ denied: { alarms: 0x87 } }), NOW);
    assert.equal(state, 'failed');
    assert.match(seen, /denied to the gateway: alarms: Not authorized \(0x87\)/);
  });

  it('what is set aside says so and until when, and what is not answered fails too', () => {
    const setAside = { alarms: iso(NOW + 5 * MINUTE) };
    const { state, seen, mend } = judgeGateway(status({ denied: { alarms: null }, setAside, unanswered: ['t'] }), NOW);
    assert.equal(state, 'failed');
    assert.match(seen, /alarms: the broker hung up on it .* set aside for another 5 min at most/);
    assert.match(seen, /does not answer the SUBSCRIBE of: t/);
    assert.match(mend, /overloaded/);
    assert.doesNotMatch(seen, /0x80/);
  });

  it('a drop of the last hour is a warning, an older one only told', () => {
    assert.equal(judgeGateway(status({ drops: [drop({ cause: 'network' })] }), NOW).state, 'warning');
    const old = judgeGateway(status({ drops: [drop({ at: iso(NOW - 90 * MINUTE) })] }), NOW);
    assert.equal(old.state, 'ok');
    assert.match(old.seen, /link up for 3 h.*last cause: client-id-conflict/);
  });
});

describe('doctor: client id', () => {
  it('takeovers of the last hour fail, older ones warn', () => {
    const now = judgeConflicts(status({ drops: [drop()] }), NOW, SHELL);
    assert.equal(now.state, 'failed');
    assert.match(now.seen, /gw-1 is in use elsewhere: taken over 1×, the last 2 min ago \(likely\)/);
    assert.equal(
      judgeConflicts(status({ drops: [drop({ at: iso(NOW - 120 * MINUTE) })] }), NOW, SHELL).state,
      'warning',
    );
  });

  it('a takeover that is only guessed at is no more than a warning', () => {
    const { state, seen, mend } = judgeConflicts(status({ drops: [drop({ confidence: 'guess' })] }), NOW, SHELL);
    assert.equal(state, 'warning');
    assert.match(seen, /gw-1 may be in use elsewhere/);
    assert.equal(mend, drop().mend);
  });

  it('drops without a word are suspected, not cleared', () => {
    const wordless = drop({ cause: 'network', confidence: 'guess' });
    const { state, mend } = judgeConflicts(status({ drops: [wordless, wordless, wordless] }), NOW, SHELL);
    assert.equal(state, 'warning');
    assert.match(mend, /stop the gateway and run doctor --takeover\.$/);
    const asked = judgeConflicts(status({ drops: [wordless, wordless, wordless] }), NOW, REST);
    assert.match(asked.mend, /stop the gateway and take the id over with the doctor of a shell\.$/);
    assert.equal(judgeConflicts(status({ drops: [wordless, wordless] }), NOW, SHELL).state, 'ok');
  });
});
