import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateHistory, SAMPLE_MS, type Sample } from './rates.js';

class Scene {
  at = 0;
  readonly history = new RateHistory({ now: () => this.at, monotonic: () => this.at });

  take(counts: Sample['counts'], levels: Sample['levels'] = {}, afterMs = SAMPLE_MS): void {
    this.at += afterMs;
    this.history.take({ counts, levels });
  }
}

describe('the last hour and the last day', () => {
  it('are empty at the start', () => {
    const { counts, levels, stepSeconds } = new Scene().history.rates('1h');
    assert.deepEqual([counts.received, levels.linkUp, stepSeconds], [[], [], 5]);
  });

  it('of what was counted each step has what was added', () => {
    const scene = new Scene();
    for (const received of [10, 10, 25]) scene.take({ received }, { lagRecords: received });
    const { counts, levels, now, until } = scene.history.rates('1h');
    assert.deepEqual(
      [counts.received, levels.lagRecords],
      [
        [10, 0, 15],
        [10, 10, 25],
      ],
    );
    assert.deepEqual([counts.dead, until], [[null, null, null], now]);
  });

  it('what a thread did not say is not known; what it did meanwhile is told with the next answer', () => {
    const scene = new Scene();
    for (const received of [10, undefined, 25]) scene.take(received === undefined ? {} : { received });
    assert.deepEqual(scene.history.rates('1h').counts.received, [10, null, 15]);
  });

  it('steps that this thread missed are not known, and the others stay where they were', () => {
    const scene = new Scene();
    scene.take({ received: 10 });
    scene.take({ received: 20 }, {}, 4 * SAMPLE_MS);
    assert.deepEqual(scene.history.rates('1h').counts.received, [10, null, null, null, 10]);
  });

  it('a day has sums and the worst of a minute, and is as long as a minute allows', () => {
    const scene = new Scene();
    for (let i = 1; i <= 25; i++) scene.take({ received: i }, { lagSeconds: i === 3 ? 9 : 1, lagRecords: i });
    const { counts, levels, stepSeconds, until } = scene.history.rates('24h');
    assert.deepEqual(
      [counts.received, levels.lagSeconds, levels.lagRecords],
      [
        [12, 12],
        [9, 1],
        [12, 24],
      ],
    );
    assert.deepEqual([stepSeconds, Date.parse(until)], [60, 24 * SAMPLE_MS]);
  });

  it('keep no more than the span, also after a day of standing still', () => {
    const scene = new Scene();
    for (let i = 1; i <= 800; i++) scene.take({ received: i });
    assert.equal(scene.history.rates('1h').counts.received.length, 720);
    scene.take({ received: 900 }, {}, 100 * 3_600_000);
    assert.deepEqual(scene.history.rates('1h').counts.received.slice(-2), [null, 100]);
    assert.equal(scene.history.rates('24h').counts.received.length, 1_440);
  });
});
