import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Activities } from './activities.js';

class Scene {
  at = 0;
  readonly activities = new Activities({ now: () => this.at, monotonic: () => this.at });

  of(id: string): ReturnType<Activities['items']>[number] {
    return this.activities.items([id], { [id]: 7 })[0]!;
  }
}
const RECORD = { position: 3, id: 'an-id' };

describe('what became of attempts of late', () => {
  it('counts five minutes, by outcome and subscriber, and all since the start', () => {
    const scene = new Scene();
    scene.activities.attempt('a', 'delivered');
    scene.at = 250_000;
    for (const outcome of ['delivered', 'retry', 'dead', 'throttled'] as const) scene.activities.attempt('a', outcome);
    scene.activities.attempt('b', 'dead');
    assert.deepEqual(scene.of('a').attempts, { delivered: 2, retry: 1, throttled: 1, dead: 1 });
    scene.at = 320_000;
    assert.deepEqual(scene.of('a').attempts, { delivered: 1, retry: 1, throttled: 1, dead: 1 });
    scene.at = 10_000_000;
    assert.deepEqual(scene.of('a').attempts, { delivered: 0, retry: 0, throttled: 0, dead: 0 });
    assert.equal(scene.of('a').lastDeliveredAt, '1970-01-01T00:04:10.000Z');
    assert.deepEqual(scene.activities.counts, { delivered: 2, retried: 1, throttled: 1, dead: 2, rejected: 0 });
  });

  it('has the last failure, clipped; a success does not hide it', () => {
    const scene = new Scene();
    assert.deepEqual(scene.of('a').lastFailure, undefined);
    const detail = 'x'.repeat(5_000);
    scene.activities.answered('a', RECORD, { kind: 'dead', reason: 'status', status: 400, detail });
    scene.activities.answered('a', RECORD, { kind: 'delivered' });
    const { lastFailure, deadLetters } = scene.of('a');
    assert.deepEqual(
      { ...lastFailure, detail: lastFailure!.detail.length },
      { at: '1970-01-01T00:00:00.000Z', ...RECORD, reason: 'status', status: 400, detail: 2_048 },
    );
    assert.equal(deadLetters, 7);
    scene.activities.answered('a', RECORD, { kind: 'gone', status: 410, detail: '' });
    assert.equal(scene.of('a').lastFailure!.status, 410);
  });

  it('knows since when attempts fail, until one succeeds; who asks for a pause does not fail', () => {
    const scene = new Scene();
    const { activities } = scene;
    const failing = (): object | undefined => activities.facts('a').failing;
    activities.answered('a', RECORD, { kind: 'throttled', reason: 'status', status: 429, detail: '' });
    assert.equal(failing(), undefined);
    for (scene.at = 1_000; scene.at <= 3_000; scene.at += 1_000)
      activities.answered('a', RECORD, { kind: 'throttled', reason: 'refused', status: 0, detail: '' });
    assert.deepEqual(failing(), { since: '1970-01-01T00:00:01.000Z', times: 3 });
    activities.answered('a', RECORD, { kind: 'delivered' });
    assert.equal(failing(), undefined);
  });

  it('forgets who is no longer there', () => {
    const scene = new Scene();
    scene.activities.state('a');
    assert.equal(scene.activities.facts('a').since, '1970-01-01T00:00:00.000Z');
    scene.of('b');
    assert.equal(scene.activities.facts('a').since, undefined);
  });

  it('rejections are by contract, each with its last reason, while they are recent, and since when there are any', () => {
    const scene = new Scene();
    const of = (since: string, reason: string, count: number): object[] => [{ contract: 'c', reason, since, count }];
    scene.activities.rejected('c', 'syntax', 3);
    scene.at = 200_000;
    scene.activities.rejected('c', 'schema', 2);
    assert.deepEqual(scene.activities.recentlyRejected, of('1970-01-01T00:00:00.000Z', 'schema', 5));
    scene.at = 600_000;
    assert.deepEqual(scene.activities.recentlyRejected, []);
    scene.activities.rejected('c', 'syntax', 1);
    assert.deepEqual(scene.activities.recentlyRejected, of('1970-01-01T00:10:00.000Z', 'syntax', 1));
    assert.equal(scene.activities.counts.rejected, 6);
  });
});
