import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { throughAll } from './through-all.js';

const add = (a: { deleted: number }, b: { deleted: number }): { deleted: number } => ({
  deleted: a.deleted + b.deleted,
});

describe('a call that cannot do all at once', () => {
  it('goes on where it ended, and adds up', async () => {
    const asked: number[] = [];
    const told: number[] = [];
    const answers = [{ deleted: 5, next: 10 }, { deleted: 0, next: 30 }, { deleted: 2 }];
    const sum = await throughAll(
      async (after) => {
        asked.push(after);
        return answers.shift()!;
      },
      add,
      ({ deleted }) => told.push(deleted),
    );
    assert.deepEqual([asked, told, sum.deleted], [[0, 10, 30], [5, 5], 7]);
  });

  it('does not go round for ever', async () => {
    await assert.rejects(
      throughAll(async () => ({ deleted: 0, next: 10 }), add),
      /goes back/,
    );
  });
});
