import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Repeats } from './repeats.js';

/** Lines as they were told, and a clock that takes timers with it. */
function scene(): {
  tell: (kind: string, line: string) => void;
  told: string[];
  pass: (ms: number) => void;
  repeats: Repeats;
} {
  mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const repeats = new Repeats({ monotonic: () => now });
  const told: string[] = [];
  const pass = (ms: number): void => {
    now += ms;
    mock.timers.tick(ms);
  };
  const tell = (kind: string, line: string): void => repeats.tell(kind, (count) => told.push(`${line} ×${count}`));
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

  it('what has happened several times already counts so often', (t) => {
    t.after(() => mock.timers.reset());
    const { told, pass, repeats } = scene();
    const say = (count: number): void => void told.push(`×${count}`);
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
