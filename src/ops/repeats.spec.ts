import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Repeats } from './repeats.js';

describe('lines that repeat', () => {
  it('the first is told at once, the next after a while with how many there were; kinds do not share', () => {
    let now = 0;
    const repeats = new Repeats({ monotonic: () => now });
    assert.equal(repeats.count('a'), 1);
    assert.equal(repeats.count('a', 5), undefined);
    assert.equal(repeats.count('b', 2), 2);
    now = 10_000;
    assert.equal(repeats.count('a'), 6);
    assert.equal(repeats.count('a'), undefined);
  });
});
