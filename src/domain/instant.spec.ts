import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseInstant, parsePlace } from './instant.js';

describe('an instant', () => {
  it('on a day that no calendar has is none, nor is one without an offset', () => {
    const days = ['2026-02-29', '2026-02-30', '2026-04-31', '2026-13-01', '2026-00-10', '2026-01-00', '2026-01-32'];
    for (const text of [...days.map((day) => `${day}T12:00:00Z`), '2026-01-31T12:00:00', '2026-01-31']) {
      assert.equal(parseInstant(text), undefined, text);
      assert.equal(parsePlace(text), undefined, text);
    }
  });

  it('is milliseconds since the epoch', () => {
    assert.equal(parseInstant('2024-02-29T01:00:00.5+02:00'), Date.UTC(2024, 1, 28, 23, 0, 0, 500));
    assert.deepEqual(parsePlace('2026-12-31t23:59:59z'), { time: Date.UTC(2026, 11, 31, 23, 59, 59) });
  });
});
