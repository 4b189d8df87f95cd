import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Kept } from './kept.js';

describe('what is kept of a body', () => {
  it('is its first bytes, whatever the pieces', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.nat({ max: 400 }), (all, bytesMax) => {
        const kept = new Kept(bytesMax);
        for (const piece of all) kept.add(piece);
        assert.deepEqual(kept.bytes, Buffer.concat(all).subarray(0, bytesMax));
      }),
    );
  });

  it('does not change when the buffer of a piece is used again', () => {
    const kept = new Kept(10);
    const piece = Buffer.from('abc');
    kept.add(piece);
    piece.fill(0);
    assert.equal(kept.bytes.toString(), 'abc');
  });

  it('grows beyond its first size, a byte at a time', () => {
    const kept = new Kept(100_000);
    for (let i = 0; i < 70_000; i++) kept.add(Buffer.from([i & 255]));
    assert.equal(kept.bytes.length, 70_000);
    assert.ok(kept.bytes.every((byte, i) => byte === (i & 255)));
  });
});
