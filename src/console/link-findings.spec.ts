import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkDrop } from '../domain/link.js';
import type { Facts } from './facts.js';
import { linkFindings } from './link-findings.js';
import type { Finding } from './shown/types.js';

const NOW = '2026-01-02T03:10:00.000Z';
const STARTED = '2026-01-02T02:00:00.000Z';

/** @param at minute and second of the hour of NOW */
function drop(at: string, cause: LinkDrop['cause'], more: Partial<LinkDrop> = {}): LinkDrop {
  const seen = {
    cause,
    confidence: 'certain' as const,
    evidence: [`saw ${cause}`, 'heard it'],
    mend: `Mend ${cause}.`,
  };
  return { at: `2026-01-02T03:${at}.000Z`, wasUp: true, ...seen, ...more };
}

function found(state: string, drops: LinkDrop[], incidents: Partial<Facts['incidents']> = {}, more = {}): Finding[] {
  const link = { state, url: 'mqtt://broker', denied: {}, unanswered: [], ...more };
  const known = { unsubscribed: {}, ...incidents };
  return linkFindings({ link, drops, incidents: known, now: NOW, startedAt: STARTED } as unknown as Facts);
}

const ids = (findings: Finding[]): string[] => findings.map(({ id, severity }) => `${severity} ${id}`);
const BACK = { backAt: '2026-01-02T03:09:00.000Z' };
const REFUSED = { wasUp: false, count: 7, firstAt: '2026-01-02T03:02:00.000Z' };

describe('what is wrong with the link', () => {
  it('an outage is of the drop that began it, and names what refuses the gateway now', () => {
    const drops = [drop('08:00', 'bad-credentials', REFUSED), drop('01:00', 'broker-shutdown')];
    const [down, ...others] = found('waiting', drops);
    assert.deepEqual(others, []);
    assert.deepEqual([down!.id, down!.severity, down!.since], ['link-down', 'critical', drops[1]!.at]);
    assert.equal(
      down!.why,
      'broker-shutdown (certain): saw broker-shutdown; heard it. Connects that failed meanwhile: 7, the last with bad-credentials (certain): saw bad-credentials; heard it.',
    );
    assert.equal(down!.mend, 'Mend bad-credentials. It began with broker-shutdown: Mend broker-shutdown.');
    assert.deepEqual(ids(found('waiting', [drop('09:30', 'network')])), ['warning link-down']);
  });

  it('a link that has not been up since the start is down since then, whatever was before', () => {
    const before = drop('01:00', 'network', BACK);
    const [down] = found('connecting', [before]);
    assert.deepEqual([down!.since, down!.why], [STARTED, 'It has not been up since the start.']);
    const [refused] = found('waiting', [
      drop('08:00', 'dns', REFUSED),
      drop('07:00', 'tls', { wasUp: false, ...BACK }),
    ]);
    assert.match(refused!.why, /since the start\. Connects that failed meanwhile: 7, the last with dns/);
    assert.deepEqual([refused!.since, refused!.mend], [STARTED, 'Mend dns.']);
  });

  it('after an outage the drop that began it is told, not the last refusal', () => {
    const drops = [
      drop('08:00', 'broker-unreachable', { ...REFUSED, ...BACK }),
      drop('01:00', 'keepalive-timeout', BACK),
    ];
    const [dropped] = found('up', drops);
    assert.deepEqual([dropped!.id, dropped!.since], ['link-dropped', drops[1]!.at]);
    assert.match(dropped!.why, /^keepalive-timeout .*failed meanwhile: 7, the last with broker-unreachable/);
    assert.deepEqual(found('up', [drop('00:00', 'network', BACK)]), []);
  });

  it('a link that was refused before it came up says so', () => {
    const [refused] = found('up', [drop('08:00', 'dns', { ...REFUSED, ...BACK })]);
    assert.match(refused!.what, /only after it had been refused/);
    assert.equal(refused!.since, REFUSED.firstAt);
  });

  it('another client with the client id is critical from its first takeover on, whatever drops come later', () => {
    const first = drop('02:00', 'client-id-conflict', BACK);
    const [one] = found('up', [first]);
    assert.deepEqual([one!.id, one!.severity, one!.since], ['client-id-conflict', 'critical', first.at]);
    assert.match(one!.what, /what it acknowledged is not here/);
    assert.deepEqual(ids(found('up', [first])), ['critical client-id-conflict']);
    assert.deepEqual(ids(found('waiting', [drop('09:50', 'client-id-conflict'), first])), [
      'critical client-id-conflict',
      'warning link-down',
    ]);
    const [conflict, later] = found('up', [drop('09:00', 'network', BACK), drop('08:00', 'client-id-conflict'), first]);
    assert.deepEqual([conflict!.id, conflict!.since, later!.id], ['client-id-conflict', first.at, 'link-dropped']);
    assert.match(conflict!.what, /again and again/);
    assert.match(conflict!.why, /^2 times, last at 2026-01-02T03:08:00/);
    assert.deepEqual(found('up', [drop('00:00', 'client-id-conflict', BACK)]), []);
  });

  it('a takeover of long before is of another series', () => {
    const drops = [drop('09:00', 'client-id-conflict', BACK), { ...drop('00:00', 'client-id-conflict'), at: STARTED }];
    assert.equal(found('up', drops)[0]!.since, drops[0]!.at);
  });

  it('a session that the broker had lost stays in sight beside what goes on', () => {
    const sessionLost = { from: '2026-01-02T02:50:00.000Z', to: '2026-01-02T03:00:00.000Z', times: 1 };
    const [lost, down] = found('waiting', [drop('09:30', 'network')], { sessionLost });
    assert.deepEqual([lost!.id, lost!.severity, lost!.since], ['session-lost', 'critical', sessionLost.to]);
    assert.match(lost!.why, /between 2026-01-02T02:50:00.000Z and 2026-01-02T03:00:00.000Z may be missing/);
    assert.match(lost!.mend, /persistence.*session\.expiry.*gap/);
    assert.equal(down!.id, 'link-down');
    const [unknown] = found('up', [], { sessionLost: { to: NOW, times: 2 } });
    assert.match(unknown!.why, /from before .* 2 times within a day/);
  });

  it('a subscription that brings nothing, and a silent canary, say since when', () => {
    const more = { denied: { a: 0x87, old: null }, unanswered: ['b'], canary: { silent: true, seconds: 60 } };
    const unsubscribed = { a: STARTED, b: NOW };
    assert.deepEqual(
      found('up', [], { unsubscribed }, more).map(({ subject, since }) => [subject, since]),
      [
        ['a', STARTED],
        ['old', undefined],
        ['b', NOW],
        [undefined, '2026-01-02T03:09:00.000Z'],
      ],
    );
  });
});
