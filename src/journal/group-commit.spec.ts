import assert from 'node:assert/strict';
import type { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { GroupCommit, TRANSACTION_WEIGHT_MAX } from './group-commit.js';

const SQLITE_FULL = 13;
const SQLITE_BUSY = 5;

function failure(errcode: number): Error {
  return Object.assign(new Error(`SQLite says ${errcode}`), { errcode });
}

/** A database that only knows whether a transaction is open, and how transactions begin. */
class Database {
  isTransaction = false;
  refuses: number | undefined;
  exec(sql: string): void {
    if (sql.startsWith('BEGIN') && this.refuses !== undefined) throw failure(this.refuses);
    this.isTransaction = sql.startsWith('BEGIN');
  }
}

function groupCommit(
  database = new Database(),
  planned: (commit: GroupCommit) => boolean = () => true,
): { commit: GroupCommit; fatal: unknown[] } {
  const fatal: unknown[] = [];
  const commit: GroupCommit = new GroupCommit(database as unknown as DatabaseSync, {
    planned: () => planned(commit),
    begun: () => undefined,
    committed: () => undefined,
    rolledBack: () => undefined,
    noRoom: () => {
      commit.held = true;
      return false;
    },
    fatal: (error) => fatal.push(error),
  });
  return { commit, fatal };
}

describe('group commit', () => {
  it('a disk that fills while operations run one by one: no message overtakes an earlier one', async () => {
    const { commit } = groupCommit();
    const done: string[] = [];
    let full = true;
    const append = (name: string, room = false): void => {
      const run = (): unknown => {
        if (full && !room) throw failure(SQLITE_FULL);
        return name;
      };
      void commit.run(run, 1, { vital: true }).then(() => done.push(name));
    };
    const faulty = commit.run(() => {
      throw new Error('at fault');
    });
    append('a');
    append('b', true); // small enough for what is left of the disk
    append('c');
    await assert.rejects(faulty, /at fault/);
    await setImmediate();
    assert.deepEqual(done, []);
    full = false;
    commit.held = false;
    commit.schedule();
    await setImmediate();
    await setImmediate();
    assert.deepEqual(done, ['a', 'b', 'c']);
  });

  it('what is planned and finds no room is refused, and messages wait', async () => {
    let room = false;
    const { commit } = groupCommit(undefined, (commit) => {
      commit.held = !room;
      return room;
    });
    const message = commit.run(() => 'message', 1, { vital: true });
    await assert.rejects(
      commit.run(() => 'settled'),
      { code: 'JOURNAL_FULL' },
    );
    room = true;
    commit.held = false;
    assert.equal(await commit.run(() => 'settled'), 'settled');
    assert.equal(await message, 'message');
  });

  for (const lazy of [false, true]) {
    it(`messages that no room is left for keep nobody behind them waiting${lazy ? ', not even what is lazy' : ''}`, async () => {
      const { commit } = groupCommit(undefined, (commit) => (commit.held = true));
      const done: string[] = [];
      // The first transaction is full of it: what comes behind is for the next one.
      void commit.run(() => undefined, TRANSACTION_WEIGHT_MAX, { vital: true }).then(() => done.push('message'));
      void commit.run(() => undefined, 1, { lazy }).then(() => done.push('settled'));
      await setImmediate();
      await setImmediate();
      assert.deepEqual(done, ['settled']);
    });
  }

  it('a vital operation that fails is fatal: nobody would ever be acknowledged again', async () => {
    const database = new Database();
    const { commit, fatal } = groupCommit(database);
    database.refuses = SQLITE_BUSY;
    let answered = false;
    void commit.run(() => undefined, 1, { vital: true }).finally(() => (answered = true));
    await setImmediate();
    await setImmediate();
    assert.equal(fatal.length, 1);
    assert.equal(answered, false);
  });

  it('an operation that is not vital fails alone', async () => {
    const database = new Database();
    const { commit, fatal } = groupCommit(database);
    database.refuses = SQLITE_BUSY;
    await assert.rejects(commit.run(() => undefined));
    assert.deepEqual(fatal, []);
  });

  it('what is lazy joins the transaction that somebody needs, and has its own only when nobody does', async () => {
    const database = new Database();
    let transactions = 0;
    const exec = database.exec.bind(database);
    database.exec = (sql) => {
      if (sql === 'COMMIT') transactions++;
      exec(sql);
    };
    const { commit } = groupCommit(database);
    const done: string[] = [];
    void commit.run(() => done.push('lazy'), 1, { lazy: true });
    await setImmediate();
    await setImmediate();
    assert.equal(done.length, 0);
    await commit.run(() => done.push('needed'));
    assert.deepEqual([done, transactions], [['lazy', 'needed'], 1]);
    await commit.run(() => done.push('alone'), 1, { lazy: true });
    assert.deepEqual([done.at(-1), transactions], ['alone', 2]);
    void commit.run(() => done.push('last'), 1, { lazy: true });
    commit.stop();
    assert.equal(done.at(-1), 'last', 'and none is left behind');
  });
});
