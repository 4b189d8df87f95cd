import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ago, bytes, clock, count, lasting, many, percent, rate, shortClock, span } from './format.js';

const NOW = Date.parse('2026-11-26T08:00:00.000Z');

describe('figures', () => {
  it('bytes have a unit', () => {
    assert.deepEqual([0, 1023, 1024, 1536, 150 * 1024, 5 * 1024 ** 3].map(bytes), [
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '150 KiB',
      '5.0 GiB',
    ]);
  });

  it('counts are grouped', () => {
    assert.deepEqual([0, 999, 1000, 1234567].map(count), ['0', '999', '1\u202f000', '1\u202f234\u202f567']);
    assert.deepEqual([many(1, 'record'), many(0, 'record'), many(2, 'is', 'are')], ['1 record', '0 records', '2 are']);
  });

  it('a rate that is not nothing is never shown as nothing', () => {
    assert.deepEqual([0, 0.01, 0.25, 9.94, 12.4, 4000].map(rate), [
      '0/s',
      '<0.1/s',
      '0.3/s',
      '9.9/s',
      '12/s',
      '4\u202f000/s',
    ]);
  });

  it('a share that is not all is never shown as all', () => {
    assert.deepEqual([0, 1, 0.99999, 0.00001, 0.5].map(percent), ['0 %', '100 %', '99.9 %', '0.1 %', '50.0 %']);
  });
});

describe('times', () => {
  it('spans have at most two units', () => {
    assert.deepEqual(
      [0, 0.00012, 0.00001, 0.0031, 0.25, 4.25, 59.4, 59.6, 725, 3600, 12_000, 90_000, 86_400 * 40].map(span),
      [
        '0 s',
        '0.1 ms',
        '0.1 ms',
        '3 ms',
        '250 ms',
        '4.3 s',
        '59 s',
        '1 min',
        '12 min 5 s',
        '1 h',
        '3 h 20 min',
        '1 d 1 h',
        '40 d',
      ],
    );
  });

  it('ages are by the given clock, and never negative', () => {
    assert.equal(ago('2026-11-26T07:59:18.000Z', NOW), '42 s ago');
    assert.equal(ago('2026-11-26T08:00:05.000Z', NOW), 'just now');
    assert.equal(lasting('2026-11-26T08:00:05.000Z', NOW), '0 s');
    assert.equal(lasting('2026-11-26T07:00:00.000Z', NOW), '1 h');
  });

  it('times can be found in the log', () => {
    assert.equal(clock('2026-11-26T07:54:12.123Z'), '2026-11-26 07:54:12.123');
    assert.equal(shortClock('2026-11-26T07:54:12.123Z', NOW), '07:54:12');
    assert.equal(shortClock('2026-11-25T07:54:12.123Z', NOW), '11-25 07:54:12');
  });
});
