import assert from 'node:assert/strict';
import type { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { freeBytes } from './files.js';
import { Space } from './space.js';
import { directory } from './sqlite.fixture.js';

const PAGE_BYTES = 4_096;

describe('space', () => {
  it('what the log has yet to bring into the database is not spent on the log', () => {
    const place = directory();
    const free = freeBytes(place);
    const reserve = Math.floor(free / 3); // four of them are not there: the journal is full
    let pages = 0;
    const answers: { [name: string]: () => number } = { page_count: () => pages, page_size: () => PAGE_BYTES };
    const prepare = (sql: string): unknown => {
      const name = sql.replace('PRAGMA ', '');
      return { get: () => ({ [name]: answers[name]?.() ?? 0 }) };
    };
    const none = (): void => undefined;
    const hooks = { changed: none, nearFull: none };
    const space = new Space({ prepare } as unknown as DatabaseSync, place, Infinity, reserve, hooks);
    assert.equal(space.state, 'full');
    const isSpent = (owed: number, bytes = 0): boolean => {
      pages = Math.floor(owed / PAGE_BYTES);
      return space.isSpent(bytes);
    };
    assert.equal(isSpent(0, free), false, 'nothing is owed');
    assert.equal(isSpent(free / 2), false, 'there is more than that');
    assert.equal(isSpent(free / 2, free / 2), true, 'but not for this transaction');
    assert.equal(isSpent(free - reserve / 4), true, 'no more than that is left');
    assert.equal(isSpent(2 * free), false, 'somebody else has it');
    assert.equal(space.state, 'full');
  });
});
