import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import { Bodies } from './bodies.js';

function taken(bodies: Bodies, request: object, bytes: number): boolean {
  try {
    bodies.take(request, bytes);
    return true;
  } catch (error) {
    assert.equal((error as HoldfastError).code, 'BODIES_FULL');
    return false;
  }
}

describe('bodies', () => {
  it('have room until all of it is taken; one that is done frees its own, once', () => {
    const bodies = new Bodies(100);
    const [a, b, c] = [{}, {}, {}];
    assert.deepEqual([taken(bodies, a, 60), taken(bodies, b, 41), taken(bodies, b, 40)], [true, false, true]);
    assert.equal(taken(bodies, c, 1), false);
    for (let i = 0; i < 3; i++) bodies.done(b);
    bodies.done(c);
    assert.deepEqual([taken(bodies, c, 41), taken(bodies, c, 40)], [false, true]);
  });

  it('that nobody knew the length of count as what they had; one that is gone counts no more', () => {
    const bodies = new Bodies(100);
    const [a, b] = [{}, {}];
    bodies.take(a, 100);
    bodies.read(a, 10);
    assert.equal(taken(bodies, b, 90), true);
    bodies.done(b);
    bodies.read(b, 90);
    assert.equal(taken(bodies, {}, 90), true);
  });

  it('one that is larger than all the room goes alone', () => {
    const bodies = new Bodies(100);
    const large = {};
    assert.equal(taken(bodies, large, 1_000), true);
    assert.equal(taken(bodies, {}, 1), false);
    bodies.done(large);
    assert.equal(taken(bodies, {}, 1), true);
  });
});
