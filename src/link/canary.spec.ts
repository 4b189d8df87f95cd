import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Canary } from './canary.js';

const EVERY_MS = 1_000;

function canary(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  const sent: string[] = [];
  const changes: (boolean | 'for another reason')[] = [];
  const port = { alone: true, answer: undefined as ((code: number) => void) | undefined };
  const one = new Canary(
    {
      publish: (payload, answered) => {
        sent.push(payload);
        port.answer = answered;
      },
      facts: () => ({ topic: 'gateway/canary', protocol: '5' }),
      alone: () => port.alone,
      changed: (silence, already) => void changes.push(already ? 'for another reason' : silence !== undefined),
    },
    EVERY_MS,
    { now: () => nowMs, monotonic: () => nowMs },
  );
  const pass = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { one, port, sent, changes, pass };
}

describe('canary', () => {
  it('silence is told once, with its age, and its end too', (t) => {
    const { one, sent, changes, pass } = canary(t);
    one.start();
    pass(EVERY_MS);
    pass(EVERY_MS);
    assert.deepEqual(changes, [true]);
    const { diagnosis, ...rest } = one.status();
    assert.deepEqual(rest, { silent: true, seconds: 2 });
    assert.match(diagnosis!.evidence.join(), /was not answered for 2 s/);
    one.heard(sent.at(-1)!);
    assert.deepEqual(changes, [true, false]);
    assert.equal(one.status().silent, false);
    one.stop();
  });

  it('one that the broker refuses is told at once, with its code, and each answer is told while it is silent', (t) => {
    const { one, sent, port, changes, pass } = canary(t);
    const evidence = (): string => one.status().diagnosis!.evidence.join();
    one.start();
    port.answer!(0x87);
    assert.deepEqual(changes, [true]);
    assert.match(evidence(), /refused: reason code 0x87/);
    pass(EVERY_MS);
    port.answer!(0);
    assert.match(evidence(), /was taken, and did not come back for 1 s/);
    one.heard(sent.at(-1)!);
    assert.deepEqual(changes, [true, false]);
    one.stop();
  });

  it('withheld first and refused then, and the other way about: each reason is told once', (t) => {
    const { one, sent, port, changes, pass } = canary(t);
    one.start();
    for (const code of [0, 0, 0x87, 0x87, 0, 0]) {
      port.answer!(code);
      pass(EVERY_MS);
    }
    assert.deepEqual(changes, [true, 'for another reason', 'for another reason']);
    one.heard(sent.at(-1)!);
    assert.equal(changes.at(-1), false);
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

  it('a broker that hangs up on it loses the link twice, and not again', (t) => {
    const { one, sent, changes, pass } = canary(t);
    for (let life = 1; life <= 4; life++) {
      one.start();
      one.hungUp(true);
      one.stop();
    }
    assert.equal(sent.length, 2);
    assert.deepEqual(changes, [true], 'and it is missed');
    assert.match(one.status().diagnosis!.evidence.join(), /hung up 2 times/);
    one.start();
    pass(599_000);
    assert.equal(sent.length, 2);
    pass(EVERY_MS);
    assert.equal(sent.length, 3, 'it is tried again, later');
    one.stop();
  });

  it('when something else was outstanding it is not to blame, and goes alone from then on', (t) => {
    const { one, port, sent, changes, pass } = canary(t);
    for (let life = 1; life <= 4; life++) {
      one.start();
      one.hungUp(false);
      one.stop();
    }
    assert.deepEqual(changes, []);
    port.alone = false;
    one.start();
    assert.equal(sent.length, 4);
    port.alone = true;
    pass(EVERY_MS);
    assert.equal(sent.length, 5);
    port.answer!(0);
    one.hungUp(true);
    assert.deepEqual(changes, [], 'what was taken is not to blame');
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
