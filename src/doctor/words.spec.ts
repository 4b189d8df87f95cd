import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytes } from './words.js';

describe('doctor: words', () => {
  it('a size is never rounded to one that it is not', () => {
    const told: [number, string][] = [
      [300, '300 B'],
      [2_000, '2000 B'],
      [2_048, '2 KiB'],
      [1_536, '1.5 KiB'],
      [65_536, '64 KiB'],
      [100_000, '97.7 KiB (100000 B)'],
      [2_000_000, '1.9 MiB (2000000 B)'],
      [268_435_455, '256 MiB (268435455 B)'],
    ];
    for (const [count, text] of told) assert.equal(bytes(count), text);
  });
});
