import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Asked } from './asked.js';

const clock = { at: 0, now: () => clock.at, monotonic: () => clock.at };

describe('what another thread says', () => {
  it('is asked for once, however many look at once, and again when it is no longer fresh', async () => {
    let asked = 0;
    const one = new Asked(() => Promise.resolve({ asked: ++asked }), clock);
    const seen = await Promise.all([one.now(), one.now(), one.now()]);
    assert.deepEqual(
      seen.map((each) => each?.asked),
      [1, 1, 1],
    );
    assert.equal((await one.now())?.asked, 1);
    clock.at += 1_000;
    assert.deepEqual(await one.now(), { asked: 2, asOf: '1970-01-01T00:00:01.000Z' });
  });

  it('of one that stands still it is the last, with its age, and one question waits, not one for each that looks', async () => {
    const answers = [Promise.resolve({ value: 1 }), new Promise<never>(() => undefined)];
    let asked = 0;
    const one = new Asked(() => answers[asked++]!, clock);
    const said = await one.now();
    clock.at += 60_000;
    assert.deepEqual(await Promise.all([one.now(), one.now()]), [said, said]);
    assert.deepEqual(await one.now(), said);
    assert.equal(asked, 2);
  });

  it('of one that has ended it is the last, too', async () => {
    const answers = [() => Promise.resolve({ value: 1 }), () => Promise.reject(new Error('gone'))];
    let asked = 0;
    const one = new Asked(() => answers[asked++]!(), clock);
    const said = await one.now();
    clock.at += 1_000;
    assert.deepEqual(await one.now(), said);
  });

  it('is nothing while it has said nothing', async () => {
    assert.equal(await new Asked(() => Promise.resolve(undefined), clock).now(), undefined);
  });
});
