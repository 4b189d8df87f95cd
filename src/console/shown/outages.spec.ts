import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkDrop } from '../../domain/link.js';
import { bars, downMs, outages } from './outages.js';

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
