import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { systemClock } from '../domain/clock.js';
import { Maintenance } from './maintenance.js';
import type { OutboxTable } from './outbox.js';
import type { ProgressTable } from './progress.js';
import { migrate } from './schema.js';
import type { Space } from './space.js';

const SQLITE_FULL = 13;
const SQLITE_IOERR_FSYNC = 10 | (4 << 8);

/** @returns what was fatal in one round in which every transaction fails with this code */
async function fatalOf(errcode: number): Promise<unknown[]> {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const fatal: unknown[] = [];
  const maintenance = new Maintenance(
    db,
    { directory: '', maxBytes: 1, retentionMs: 0, failedRetentionMs: 86_400_000, whenFull: 'hold' },
    {
      space: { state: 'open', pressed: () => false } as unknown as Space,
      scale: 1,
      progress: { floor: () => 0 } as unknown as ProgressTable,
      replays: { endFurthestBehind: () => undefined },
      replayEnded: () => undefined,
      outbox: {} as OutboxTable,
      clock: systemClock,
      commit: () => Promise.reject(Object.assign(new Error('SQLite says no'), { errcode })),
      admitted: () => 0,
      nextBytes: () => 0,
      deleted: () => undefined,
      forgetTopics: () => undefined,
      whereabouts: { unchanged: true },
      expired: () => undefined,
      discarded: () => undefined,
      fatal: (error) => fatal.push(error),
    },
  );
  await maintenance.tick();
  maintenance.stop();
  db.close();
  return fatal;
}

describe('maintenance', () => {
  it('an I/O error while it tidies up is as fatal as any: later commits could only seem to succeed', async () => {
    assert.equal((await fatalOf(SQLITE_IOERR_FSYNC)).length, 1);
  });

  it('a full disk is not', async () => {
    assert.deepEqual(await fatalOf(SQLITE_FULL), []);
  });
});
