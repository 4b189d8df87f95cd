import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts } from './facts.js';
import { lossFindings } from './loss-findings.js';
import type { Finding } from './shown/types.js';

const NOW = '2026-01-02T03:10:00.000Z';
const SINCE = '2026-01-02T02:30:00.000Z';
const TALLY = { count: 1_200, since: SINCE, at: '2026-01-02T03:08:00.000Z' };

function found(more: object, incidents: Partial<Facts['incidents']> = {}): Finding[] {
  const facts = { now: NOW, link: { state: 'up' }, journal: { outbox: 0 }, incidents: { discarded: [], ...incidents } };
  return lossFindings({ ...facts, ...more } as unknown as Facts);
}

const named = (findings: Finding[]): string[] =>
  findings.map(({ severity, id, subject }) => [severity, id, subject ?? ''].join(' ').trim());

describe('messages that are gone, or do not get to the broker', () => {
  it('what a bound gave up is critical, what somebody asked for is not', () => {
    const of = (id: string, reason: 'backlog-full' | 'journal-full' | 'asked') => ({ ...TALLY, id, reason });
    const discarded = [of('a', 'backlog-full'), of('b', 'journal-full'), of('a', 'asked')];
    const findings = found({}, { discarded });
    assert.deepEqual(named(findings), [
      'critical records-discarded a',
      'critical records-discarded b',
      'info backlog-given-up a',
    ]);
    assert.equal(findings[0]!.since, SINCE);
    assert.match(findings[0]!.why, /^1.200 messages, the last 2 min ago: its backlog was beyond maxBacklog\.$/);
    assert.match(findings[1]!.mend, /journal\.maxSize/);
  });

  it('what expired, was dropped or refused says since when and how many', () => {
    const findings = found({}, { expired: TALLY, dropped: TALLY, refused: TALLY });
    assert.deepEqual(named(findings), [
      'warning failed-expired',
      'warning messages-dropped',
      'warning publish-refused',
    ]);
    for (const { since, why } of findings) {
      assert.equal(since, SINCE);
      assert.match(why, /^1.200 messages, the last 2 min ago\.$/);
    }
  });

  it('publishes that wait for more than five minutes, while the link is up', () => {
    const journal = { outbox: 3, oldestPublishAt: '2026-01-02T03:04:00.000Z' };
    const [waiting] = found({ journal });
    assert.deepEqual([waiting!.id, waiting!.since], ['outbox-waiting', journal.oldestPublishAt]);
    assert.equal(waiting!.why, '3 publishes wait, the oldest for 6 min.');
    assert.deepEqual(found({ journal, link: { state: 'waiting' } }), []);
    assert.deepEqual(found({ journal: { ...journal, oldestPublishAt: '2026-01-02T03:06:00.000Z' } }), []);
  });
});
