import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Heartbeats, THREADS } from './heartbeat.js';

/** Keeps this thread busy, as code that stalls does. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('heartbeats', () => {
  it('a thread that stalls is seen to be late while it does, from another one', async () => {
    const beats = new Heartbeats();
    const script = `const { parentPort, workerData } = require('node:worker_threads');
import('${new URL('./heartbeat.js', import.meta.url).href}').then(({ Heartbeats }) => {
  const beats = new Heartbeats(workerData);
  parentPort.postMessage(beats.delayMs('main'));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  parentPort.postMessage(beats.delayMs('main'));
});`;
    const worker = new Worker(script, { eval: true, workerData: beats.buffer });
    const first = await new Promise<number>((resolve) => worker.once('message', resolve));
    const timer = beats.beatAs('main');
    clearInterval(timer); // from here on it stands still
    const second = await new Promise<number>((resolve) => worker.once('message', resolve));
    await worker.terminate();
    assert.equal(first, 0);
    assert.ok(second >= 150 && second < 5_000, `${second} ms`);
  });

  it('a stall is still to be seen after it has ended, in the worst delay', async () => {
    const beats = new Heartbeats();
    const timer = beats.beatAs('journal');
    await sleep(120);
    stall(400);
    await sleep(250);
    clearInterval(timer);
    const worst = beats.worstDelayMs('journal');
    assert.ok(worst >= 250 && worst < 5_000, `worst ${worst} ms`);
    assert.ok(beats.delayMs('journal') < worst);
  });

  it('a thread that has not begun to beat is not late, and each has cells of its own', () => {
    const beats = new Heartbeats();
    clearInterval(beats.beatAs('link'));
    stall(150);
    for (const name of THREADS) assert.equal(beats.worstDelayMs(name) > 0, name === 'link', name);
  });

  it('two views of one memory see the same', () => {
    const beats = new Heartbeats();
    const other = new Heartbeats(beats.buffer);
    clearInterval(beats.beatAs('contract'));
    stall(150);
    assert.ok(other.delayMs('contract') > 0);
  });
});
