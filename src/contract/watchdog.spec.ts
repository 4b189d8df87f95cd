import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress } from './progress.js';
import { Watchdog } from './watchdog.js';

class Scene {
  readonly progress = new Progress();
  readonly seen: string[] = [];
  now = 0;
  readonly watchdog = new Watchdog({
    progress: this.progress,
    clock: { now: () => this.now, monotonic: () => this.now },
    budgetMs: 1_000,
    stallMs: 5_000,
    onStuck: (position) => this.seen.push(`stuck ${position}`),
    onStalled: () => this.seen.push('stalled'),
  });

  poll(times: number, everyMs = 250): void {
    for (let i = 0; i < times && this.seen.length === 0; i++) {
      this.now += everyMs;
      this.watchdog.poll();
    }
  }
}

describe('Watchdog', () => {
  it('tells a record that is checked for longer than the budget, within two budgets', () => {
    const scene = new Scene();
    scene.progress.checking(2 ** 40 + 1);
    scene.poll(100);
    assert.deepEqual(scene.seen, [`stuck ${2 ** 40 + 1}`]);
    assert.ok(scene.now > 1_000 && scene.now <= 2_000, String(scene.now));
  });

  it('a record has the budget of its contract, and the next one its own', () => {
    const scene = new Scene();
    scene.progress.checking(1, 4_000);
    scene.poll(15);
    assert.deepEqual(scene.seen, []);
    scene.progress.checking(2, 100);
    scene.poll(1);
    assert.deepEqual(scene.seen, []);
    scene.poll(1);
    assert.deepEqual(scene.seen, ['stuck 2']);
  });

  it('the least budget of all says how often to look', () => {
    const progress = new Progress();
    const clock = { now: () => 0, monotonic: () => now };
    let now = 0;
    const stuck: number[] = [];
    const onStuck = (position: number): void => void stuck.push(position);
    const watchdog = new Watchdog({ progress, clock, leastBudgetMs: 40, onStuck, onStalled: () => undefined });
    progress.checking(1, 40);
    for (let looks = 0; looks < 20 && stuck.length === 0; looks++, now += 10) watchdog.poll();
    assert.deepEqual(stuck, [1]);
    assert.ok(now <= 80, String(now));
  });

  it('a parent that stalled for an hour condemns no innocent record', () => {
    const scene = new Scene();
    scene.progress.checking(1);
    scene.poll(1);
    scene.poll(1, 3_600_000);
    assert.deepEqual(scene.seen, []);
  });

  it('many records in a row, or the same one with idling in between, are not stuck', () => {
    const scene = new Scene();
    for (let position = 1; position < 50; position++) {
      scene.progress.checking(position);
      scene.poll(3);
      scene.progress.idle();
      scene.progress.beat();
      scene.poll(1);
      scene.progress.checking(position);
      scene.poll(3);
    }
    assert.deepEqual(scene.seen, []);
  });

  it('tells a thread whose event loop stands still outside of a check, once it has begun', () => {
    const scene = new Scene();
    scene.poll(100);
    assert.deepEqual(scene.seen, []);
    scene.progress.beat();
    for (let i = 0; i < 50; i++) {
      scene.progress.beat();
      scene.poll(10);
    }
    assert.deepEqual(scene.seen, []);
    scene.poll(100);
    assert.deepEqual(scene.seen, ['stalled']);
  });
});
