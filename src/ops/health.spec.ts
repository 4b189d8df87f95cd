import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { probe, type HealthFacts, type HealthLimits, type Probe } from './health.js';

const LIMITS: HealthLimits = { stallLimitMs: 600_000, readyNeedsLink: false };
const WELL: HealthFacts = {
  started: true,
  stopping: false,
  linkUp: true,
  journalState: 'open',
  journalDelayMs: 0,
  mainDelayMs: 0,
};
const PROBES: readonly Probe[] = ['startupz', 'livez', 'readyz'];

/** What each state of the gateway means for startupz, livez and readyz. */
const TABLE: [state: string, facts: Partial<HealthFacts>, ok: [boolean, boolean, boolean]][] = [
  ['not started yet', { started: false, journalState: undefined, linkUp: false }, [false, true, false]],
  ['stopping', { stopping: true }, [true, true, false]],
  ['the broker is away: queueing is what the gateway is for', { linkUp: false }, [true, true, true]],
  ['the journal is full', { journalState: 'full' }, [true, true, false]],
  ['the journal has not said how it is', { journalState: undefined }, [true, true, true]],
  ['the journal thread is late', { journalDelayMs: 599_999 }, [true, true, true]],
  ['the journal thread is stuck', { journalDelayMs: 600_000 }, [true, false, false]],
  ['the main thread is late', { mainDelayMs: 4_999 }, [true, true, true]],
  ['the main thread answers no call in time', { mainDelayMs: 5_000 }, [true, true, false]],
  ['the main thread stalls for an hour: it is ended elsewhere', { mainDelayMs: 3_600_000 }, [true, true, false]],
  ['a contract thread keeps ending', { contracts: { lost: 3, held: false, waitMs: 9 } }, [true, true, true]],
  ['too many contract threads do not end', { contracts: { lost: 4, held: true, waitMs: 0 } }, [true, false, true]],
  ['everything is well', {}, [true, true, true]],
];

describe('probes', () => {
  for (const [state, facts, ok] of TABLE) {
    it(`${state}: ${PROBES.map((name, i) => `${name} ${ok[i] ? 'ok' : 'fails'}`).join(', ')}`, () => {
      assert.deepEqual(
        PROBES.map((name) => probe(name, { ...WELL, ...facts }, LIMITS).ok),
        ok,
      );
    });
  }

  it('readyNeedsLink makes a broker that is away unready, and neither dead nor unstarted', () => {
    const away = { ...WELL, linkUp: false };
    assert.deepEqual(
      PROBES.map((name) => probe(name, away, { ...LIMITS, readyNeedsLink: true }).ok),
      [true, true, false],
    );
  });

  it('how contracts are checked is told, and decides nothing about readiness', () => {
    const detail = (facts: Partial<HealthFacts>): string =>
      probe('readyz', { ...WELL, ...facts }, LIMITS).parts.find(({ name }) => name === 'contracts')!.detail;
    assert.equal(detail({}), 'checking');
    assert.equal(detail({ unadmitted: 7 }), 'checking, records without a verdict: 7');
    const waiting = { lost: 1, held: false, waitMs: 4_000 };
    assert.equal(
      detail({ contracts: waiting, unadmitted: 7 }),
      'checking again in 4.0 s, the thread keeps ending, threads that do not end: 1, records without a verdict: 7',
    );
    assert.equal(detail({ contracts: { lost: 4, held: true, waitMs: 0 } }), 'stopped, threads that do not end: 4');
  });

  it('every part is told, also those that decide nothing', () => {
    const { ok, parts } = probe('readyz', { ...WELL, linkUp: false, journalDelayMs: 1_234 }, LIMITS);
    assert.ok(ok);
    assert.deepEqual(
      parts.filter(({ name }) => name === 'link' || name === 'journal thread'),
      [
        { name: 'journal thread', ok: true, required: true, detail: '1.2 s late' },
        { name: 'link', ok: false, required: false, detail: 'down' },
      ],
    );
  });
});
