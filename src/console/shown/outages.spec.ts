import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LINK_DROPS_KEPT, type LinkDrop, type LinkStatus } from '../../domain/link.js';
import { bars, downMs, knownFromMs, outages } from './outages.js';

const NOW = Date.parse('2026-11-26T08:00:00.000Z');
const HOUR = 3_600_000;
const at = (minutesAgo: number): string => new Date(NOW - minutesAgo * 60_000).toISOString();
const drop = (minutesAgo: number, more: Partial<LinkDrop> & { backAt?: string } = {}): LinkDrop => ({
  at: at(minutesAgo),
  wasUp: true,
  cause: 'network',
  confidence: 'likely',
  evidence: [],
  mend: '',
  ...more,
});

describe('outages', () => {
  it('a drop and the refusals after it are one', () => {
    const drops = [drop(20, { wasUp: false, count: 5, firstAt: at(29), backAt: at(18) }), drop(30)];
    const [one, ...others] = outages({ drops, state: 'up', since: at(18) });
    assert.deepEqual(others, []);
    assert.equal(one!.refusals, 5);
    assert.deepEqual([one!.fromMs, one!.toMs], [NOW - 30 * 60_000, NOW - 18 * 60_000]);
  });

  it('refusals after the link was back are another', () => {
    const drops = [drop(5, { wasUp: false }), drop(30, { backAt: at(25) })];
    const all = outages({ drops, state: 'waiting', since: at(5) });
    assert.deepEqual(
      all.map(({ open, refusals }) => ({ open, refusals })),
      [
        { open: false, refusals: 0 },
        { open: true, refusals: 1 },
      ],
    );
  });

  it('the newest ends when the link came up, or goes on', () => {
    assert.equal(outages({ drops: [drop(10)], state: 'up', since: at(9) })[0]!.toMs, NOW - 9 * 60_000);
    const open = outages({ drops: [drop(10)], state: 'connecting', since: at(1) });
    assert.deepEqual(bars(open, NOW, HOUR)[0], { from: 50 / 60, to: 1, outage: open[0] });
  });

  it('are clipped at the beginning of what is looked at, and those before it are not there', () => {
    const all = outages({
      drops: [drop(70, { backAt: at(45) }), drop(90, { backAt: at(80) })],
      state: 'up',
      since: at(45),
    });
    assert.deepEqual(
      bars(all, NOW, HOUR).map(({ from, to }) => [from, to]),
      [[0, 0.25]],
    );
    assert.equal(downMs(all, NOW, HOUR), 15 * 60_000);
  });

  it('of which nobody knows when they ended last no time', () => {
    const all = outages({ drops: [drop(10), drop(40)], state: 'up', since: at(9) });
    assert.equal(downMs(all, NOW, HOUR), 60_000);
  });
});

describe('what is known of the link', () => {
  /** How many minutes back. */
  const known = (
    drops: LinkDrop[],
    { state = 'up', since = 2 }: { state?: LinkStatus['state']; since?: number } = {},
    startedAt: string | undefined = at(8),
  ): number => {
    const link = { drops, state, since: at(since) };
    return (NOW - knownFromMs(outages(link), link, startedAt, NOW)) / 60_000;
  };

  it('begins with the first connection of the process, and outages before it change nothing', () => {
    assert.equal(known([], { since: 7 }), 7);
    assert.equal(known([drop(500, { backAt: at(400) }), drop(700, { backAt: at(700) })], { since: 7 }), 7);
    assert.equal(known([], { state: 'connecting' }), 0);
  });

  it('begins with the process when it was up before its first outage, or when that is older', () => {
    assert.equal(known([drop(3, { backAt: at(2) })]), 8);
    assert.equal(known([drop(30, { backAt: at(2) })]), 8);
    assert.equal(known([drop(30)], { state: 'waiting' }), 8);
  });

  it('begins with the first refusal when it was not up before', () => {
    assert.equal(known([drop(5, { wasUp: false, firstAt: at(6), count: 3 })], { state: 'waiting' }), 6);
  });

  it('begins with the oldest outage when there may have been others before it', () => {
    const drops = Array.from({ length: LINK_DROPS_KEPT }, (_, i) => drop(2 + i / 10, { backAt: at(2 + i / 10) }));
    assert.equal(known(drops, {}, at(500)), 2 + (LINK_DROPS_KEPT - 1) / 10);
  });

  it('is what the state says when nobody says when the process began', () => {
    const link: Pick<LinkStatus, 'drops' | 'state' | 'since'> = { drops: [drop(3)], state: 'up', since: at(2) };
    assert.equal(knownFromMs(outages(link), link, undefined, NOW), NOW - 2 * 60_000);
  });
});
