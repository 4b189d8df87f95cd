import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Canary } from './canary.js';

const EVERY_MS = 1_000;

function canary(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  const sent: string[] = [];
  const changes: boolean[] = [];
  const one = new Canary(
    { publish: (payload) => void sent.push(payload), changed: (silent) => void changes.push(silent) },
    EVERY_MS,
    { now: () => nowMs, monotonic: () => nowMs },
  );
  const pass = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { one, sent, changes, pass };
}

describe('canary', () => {
  it('silence is told once, with its age, and its end too', (t) => {
    const { one, sent, changes, pass } = canary(t);
    one.start();
    pass(EVERY_MS);
    pass(EVERY_MS);
    assert.deepEqual(changes, [true]);
    assert.deepEqual(one.status(), { silent: true, seconds: 2 });
    one.heard(sent.at(-1)!);
    assert.deepEqual(changes, [true, false]);
    assert.equal(one.status().silent, false);
    one.stop();
  });

  it('one that comes back is timed; a new one goes out each time', (t) => {
    const { one, sent, changes, pass } = canary(t);
    one.start();
    pass(250);
    one.heard(sent[0]!);
    assert.deepEqual(one.status(), { silent: false, seconds: 0.25 });
    pass(EVERY_MS);
    assert.equal(new Set(sent).size, 2);
    assert.deepEqual(changes, []);
    one.stop();
  });

  it('what another run or another client sends there proves nothing', (t) => {
    const { one, changes, pass } = canary(t);
    one.start();
    one.heard('anything');
    pass(EVERY_MS);
    assert.deepEqual(changes, [true]);
    one.stop();
  });

  it('a link that is down is not a silent canary', (t) => {
    const { one, changes, pass } = canary(t);
    one.start();
    one.stop();
    pass(10 * EVERY_MS);
    one.start();
    assert.deepEqual(changes, []);
    one.stop();
  });
});
