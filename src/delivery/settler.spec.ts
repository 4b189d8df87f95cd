import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeJournal, turns, until } from './journal.fixture.js';
import { Settler, UNSAVED_RECORDS_MAX } from './settler.js';

function make(journal = new FakeJournal()): { journal: FakeJournal; settler: Settler; told: string[] } {
  const told: string[] = [];
  const hooks = { roomAgain: () => void told.push('room'), saveFailed: () => void told.push('failed') };
  return { journal, settler: new Settler(journal, hooks), told };
}

const row = (position: number) => ({ position, key: '', attempts: 1, dueAt: 5, reason: 'status' });

describe('settler: what was settled is saved, in the end', () => {
  it('a failed save is tried again with everything since, and the last word on each record wins', async () => {
    const { journal, settler, told } = make();
    let cursor = 3;
    const ledger = settler.open('one', () => cursor);
    journal.mode = 'fails';
    ledger.wait(row(1));
    ledger.wait(row(2));
    ledger.wait(row(3));
    await until(() => told.length > 0);
    assert.equal(journal.saved.size, 0);
    ledger.release(1);
    ledger.bury({ position: 1, reason: 'status', status: 400, detail: '', attempts: 1, at: 1 });
    ledger.wait({ ...row(2), attempts: 2 });
    cursor = 7;
    journal.mode = 'saves';
    await until(() => journal.saved.size > 0);
    const saved = journal.of('one');
    const rows = [...saved.waiting.values()].sort((a, b) => a.position - b.position);
    assert.deepEqual(
      rows.map(({ position, attempts }) => [position, attempts]),
      [
        [2, 2],
        [3, 1],
      ],
    );
    assert.deepEqual([...saved.dead.keys()], [1]);
    assert.equal(saved.cursor, 7);
    settler.stop();
  });

  it('a row that came and went within one save is gone', async () => {
    const { journal, settler } = make();
    const ledger = settler.open('one', () => 1);
    ledger.wait(row(1));
    ledger.release(1);
    await settler.flush();
    assert.equal(journal.of('one').waiting.size, 0);
    settler.stop();
  });

  it('a journal that hangs bounds what is unsaved, and says when there is room again', async () => {
    const { journal, settler, told } = make();
    const ledger = settler.open('one', () => 1);
    let answer = (): void => undefined;
    journal.settle = () => new Promise((resolve) => (answer = resolve));
    for (let i = 0; i < UNSAVED_RECORDS_MAX; i++) {
      assert.equal(settler.hasRoom, true);
      ledger.passed();
    }
    assert.equal(settler.hasRoom, false);
    const flushed = settler.flush();
    assert.deepEqual(told, []);
    answer();
    await flushed;
    assert.deepEqual(told, ['room']);
    assert.equal(settler.hasRoom, true);
    settler.stop();
  });

  it('one save at a time: what comes meanwhile goes together', async () => {
    const { journal, settler } = make();
    const ledger = settler.open('one', () => 1);
    const answers: (() => void)[] = [];
    journal.settle = () => new Promise((resolve) => answers.push(resolve));
    for (let i = 0; i < 600; i++) ledger.passed();
    await until(() => answers.length === 1);
    for (let i = 0; i < 2_000; i++) ledger.passed();
    await turns(20);
    assert.equal(answers.length, 1);
    answers[0]!();
    await until(() => answers.length === 2);
    settler.stop();
  });

  it('a cursor that moved alone is saved too', async () => {
    const { journal, settler } = make();
    settler.open('one', () => 41);
    settler.cursorsMoved();
    await until(() => journal.of('one').cursor === 41);
    settler.stop();
  });
});
