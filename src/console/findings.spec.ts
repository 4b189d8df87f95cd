import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts, SubscriberFacts } from './facts.js';
import { findingsOf } from './findings.js';

const NOW = '2026-01-02T03:04:05.000Z';
const HOUR_AGO = '2026-01-02T02:04:05.000Z';
const DELAY = { delaySeconds: 0, worstDelaySeconds: 0.1 };

function link(more: object = {}): NonNullable<Facts['link']> {
  return { state: 'up', url: 'mqtt://broker', denied: {}, unanswered: [], ...more } as unknown as NonNullable<
    Facts['link']
  >;
}

function facts(more: Partial<Facts> = {}): Facts {
  return {
    ...{ version: '1', node: '24', now: NOW, startedAt: HOUR_AGO, link: link(), rejected: [], subscribers: [] },
    ...{ drops: [], incidents: { discarded: [], unsubscribed: {} } },
    journal: {
      ...{ state: 'open', reason: '', records: 1, bytes: 10, maxBytes: 100, last: 1, admitted: 1, outbox: 0 },
      ...{ corruptRecords: 0, rejections: 0, commitSeconds: { p50: 0, p99: 0, max: 0 }, asOf: NOW },
    },
    contracts: { lost: 0, held: false, waitSeconds: 0 },
    threads: { link: DELAY, journal: DELAY, contract: DELAY, main: DELAY },
    reload: { result: 'applied', at: HOUR_AGO, needsRestart: [] },
    ...more,
  };
}

function subscriber(id: string, more: Partial<SubscriberFacts> = {}): SubscriberFacts {
  return {
    id,
    state: 'active',
    reason: '',
    lagRecords: 0,
    lagSeconds: 0,
    deadLetters: 0,
    delivered: 0,
    dead: 0,
    ...more,
  };
}

/** `severity id subject` of each. */
function found(more: Partial<Facts>): string[] {
  return findingsOf(facts(more)).map(({ severity, id, subject }) => [severity, id, subject ?? ''].join(' ').trim());
}

describe('what is found', () => {
  it('is nothing when all is well', () => {
    assert.deepEqual(found({}), []);
    const starting = facts();
    delete starting.link;
    assert.deepEqual(findingsOf(starting), []);
  });

  it('the worst comes first', () => {
    const subscribers = [subscriber('a', { state: 'paused' }), subscriber('b', { state: 'broken' })];
    const journal = { ...facts().journal, state: 'full' as const, reason: 'the disk is full' };
    assert.deepEqual(found({ subscribers, journal }), [
      'critical journal-full',
      'warning subscriber-broken b',
      'info subscriber-paused a',
    ]);
  });

  it('each subscription that brings nothing, and a canary that is silent', () => {
    const troubled = link({
      ...{ denied: { a: 0x87, b: null, c: 1 }, unanswered: ['d'] },
      canary: { silent: true, seconds: 61, diagnosis: { evidence: ['none came'], mend: 'Check.' } },
    });
    assert.deepEqual(found({ link: troubled }), [
      'critical subscription-denied a',
      'critical subscription-denied b',
      'critical subscription-unanswered d',
      'critical canary-silent',
    ]);
  });

  it('a journal that fills, is damaged or slow; threads that stand still', () => {
    const journal = { ...facts().journal, bytes: 91, corruptRecords: 2, commitSeconds: { p50: 1, p99: 2, max: 3 } };
    const threads = {
      ...facts().threads,
      journal: { delaySeconds: 9, worstDelaySeconds: 9 },
      link: { ...DELAY, worstDelaySeconds: 6 },
    };
    assert.deepEqual(found({ journal, threads }), [
      'critical journal-damaged',
      'critical thread-stalled journal',
      'warning journal-filling',
      'warning commit-slow',
      'warning thread-stalled link',
    ]);
  });

  it('of a thread that stands still: since when', () => {
    const threads = { ...facts().threads, journal: { delaySeconds: 30, worstDelaySeconds: 30 } };
    const [stalled] = findingsOf({ ...facts(), threads });
    assert.equal(stalled!.since, new Date(Date.parse(NOW) - 30_000).toISOString());
  });

  it('contracts that reject, hang or fall behind', () => {
    const rejected = [{ contract: 'c', reason: 'syntax', count: 3, since: NOW }];
    assert.deepEqual(found({ rejected }), ['warning rejecting c']);
    const waiting = { ...facts().journal, rejections: 2 };
    assert.deepEqual(found({ rejected, journal: waiting }), ['warning rejecting c']);
    assert.deepEqual(found({ journal: waiting }), ['info rejections']);
    assert.deepEqual(found({ contracts: { lost: 3, held: true, waitSeconds: 0 } }), ['critical contracts-stuck']);
    assert.deepEqual(found({ contracts: { lost: 0, held: false, waitSeconds: 4 } }), ['warning contracts-stuck']);
    assert.deepEqual(found({ journal: { ...facts().journal, last: 2_000 } }), ['warning contracts-behind']);
  });

  it('a thousand subscribers with the same trouble are one finding', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => subscriber(`s${i}`, { state: 'broken', deadLetters: 1 }));
    const findings = findingsOf(facts({ subscribers: many }));
    assert.deepEqual(
      findings.map(({ id, subject }) => [id, subject]),
      [
        ['subscriber-broken', undefined],
        ['dead-letters', undefined],
      ],
    );
    assert.match(findings[0]!.why, /s0, s1, .*s9\.$/);
    assert.deepEqual(found({ subscribers: many.slice(0, 2) }).length, 4);
  });

  it('a subscriber that is held says since when and why', () => {
    const gone = subscriber('g', { state: 'gone', reason: 'it answered 410', since: HOUR_AGO });
    const [finding] = findingsOf(facts({ subscribers: [gone] }));
    assert.deepEqual(
      [finding!.what, finding!.since, finding!.why],
      ['The subscriber g answered that it is gone: it is sent nothing more.', HOUR_AGO, 'it answered 410'],
    );
    assert.deepEqual(found({ subscribers: [subscriber('l', { lagSeconds: 301 })] }), ['warning subscriber-lagging l']);
  });

  it('a configuration that is refused, or waits for a restart', () => {
    assert.deepEqual(found({ reload: { result: 'refused', at: NOW, needsRestart: ['ops'] } }), [
      'warning reload-refused',
    ]);
    assert.deepEqual(found({ reload: { result: 'incomplete', at: NOW, needsRestart: [] } }), [
      'warning reload-incomplete',
    ]);
    assert.deepEqual(found({ reload: { result: 'applied', at: NOW, needsRestart: ['ops'] } }), ['info restart-needed']);
  });

  it('a journal that is full says what makes room: of its bound, or on the disk', () => {
    const mendOf = (reason: string): string =>
      findingsOf(facts({ journal: { ...facts().journal, state: 'full', reason } }))[0]!.mend;
    assert.match(mendOf('journal.maxSize of 1024 bytes is reached'), /^Raise journal\.maxSize; or mend the subscriber/);
    assert.match(
      mendOf('the disk is full'),
      /^Free space on the disk .*a larger journal\.maxSize does not help; or mend/,
    );
  });
});
