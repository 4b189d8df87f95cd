import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Repeats, type Repeated } from './repeats.js';

/** Lines as they were told, and a clock that takes timers with it. */
function scene(): {
  tell: (kind: string, line: string) => void;
  told: string[];
  pass: (ms: number) => void;
  repeats: Repeats;
} {
  mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const repeats = new Repeats({ monotonic: () => now, now: () => now });
  const told: string[] = [];
  const pass = (ms: number): void => {
    now += ms;
    mock.timers.tick(ms);
  };
  const tell = (kind: string, line: string): void => repeats.tell(kind, ({ count }) => told.push(`${line} ×${count}`));
  return { tell, told, pass, repeats };
}

describe('lines that repeat', () => {
  it('the first is told at once, the rest after ten seconds as one, the last of them; kinds do not share', (t) => {
    t.after(() => mock.timers.reset());
    const { tell, told, pass } = scene();
    tell('a', 'first');
    tell('a', 'second');
    tell('b', 'other');
    pass(9_999);
    tell('a', 'third');
    assert.deepEqual(told, ['first ×1', 'other ×1']);
    pass(1);
    assert.deepEqual(told.splice(0), ['first ×1', 'other ×1', 'third ×2']);
    pass(60_000);
    assert.deepEqual(told, [], 'nothing is told twice');
    tell('a', 'fourth');
    assert.deepEqual(told, ['fourth ×1']);
  });

  it('a line that is written later than it happened says when that was', (t) => {
    t.after(() => mock.timers.reset());
    const { pass, repeats } = scene();
    const told: Repeated[] = [];
    const happens = (): void => repeats.tell('a', (repeated) => told.push(repeated));
    happens();
    pass(3_000);
    happens();
    pass(7_000);
    pass(60_000);
    happens();
    assert.deepEqual(told, [{ count: 1 }, { count: 1, lastAt: '1970-01-01T00:00:03.000Z' }, { count: 1 }]);
  });

  it('what has happened several times already counts so often', (t) => {
    t.after(() => mock.timers.reset());
    const { told, pass, repeats } = scene();
    const say = ({ count }: Repeated): void => void told.push(`×${count}`);
    repeats.tell('a', say, 3);
    repeats.tell('a', say, 5);
    repeats.tell('a', say, 6);
    pass(10_000);
    assert.deepEqual(told, ['×3', '×11']);
  });

  it('what is held back is told when nothing more will come', (t) => {
    t.after(() => mock.timers.reset());
    const { tell, told, pass, repeats } = scene();
    tell('a', 'first');
    tell('a', 'second');
    repeats.flush();
    repeats.flush();
    pass(20_000);
    assert.deepEqual(told, ['first ×1', 'second ×1']);
  });
});

describe('lines of what goes on', () => {
  const MAX_MS = 5 * 60_000;

  it('come less and less often, and none is lost of the count; after a pause they begin anew', (t) => {
    t.after(() => mock.timers.reset());
    const { pass, repeats } = scene();
    const told: [second: number, count: number][] = [];
    let second = 0;
    const happens = (): void => repeats.tell('a', ({ count }) => told.push([second, count]), 1, MAX_MS);
    for (; second < 3_600; second++) {
      happens();
      pass(1_000);
    }
    assert.deepEqual(
      told.slice(0, 7).map(([at]) => at),
      [0, 9, 29, 69, 149, 309, 609],
      'ten seconds, and then twice as long each time, up to five minutes',
    );
    assert.ok(told.length < 18);
    repeats.flush();
    assert.equal(
      told.reduce((sum, [, count]) => sum + count, 0),
      3_600,
    );
    pass(MAX_MS);
    told.length = 0;
    second = 0;
    happens();
    happens();
    pass(10_000);
    assert.deepEqual(told, [
      [0, 1],
      [0, 1],
    ]);
  });

  it('news need not wait for as long as what goes on', (t) => {
    t.after(() => mock.timers.reset());
    const { told, pass, repeats } = scene();
    const say =
      (line: string) =>
      ({ count }: Repeated): void =>
        void told.push(`${line} ×${count}`);
    for (let i = 0; i < 1_000; i++) {
      repeats.tell('a', say('down'), 1, MAX_MS);
      pass(1_000);
    }
    told.length = 0;
    repeats.tell('a', say('up'));
    assert.match(told.join(), /^up ×\d+$/);
    repeats.tell('a', say('down'), 1, MAX_MS);
    pass(10_000);
    assert.equal(told.at(-1), 'down ×1');
  });

  it('an end tells what was held back, and the next is told at once', (t) => {
    t.after(() => mock.timers.reset());
    const { tell, told, pass, repeats } = scene();
    tell('a', 'first');
    tell('a', 'second');
    repeats.end('a');
    repeats.end('none');
    tell('a', 'third');
    pass(20_000);
    assert.deepEqual(told, ['first ×1', 'second ×1', 'third ×1']);
  });
});
