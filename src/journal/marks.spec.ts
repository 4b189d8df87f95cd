import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReceivedMark } from '../domain/trace.js';
import { uuid7, uuidText } from '../domain/uuid.js';
import { AppendMarks } from './marks.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('marks of what is traced', () => {
  it('are told once what they mark is on disk; what is rolled back is not', () => {
    let now = 10;
    const told: ReceivedMark[][] = [];
    const marks = new AppendMarks(
      1,
      () => now,
      (some) => told.push(some),
    );
    const [lost, kept] = [uuidText(uuid7(1)), uuidText(uuid7(2))];
    marks.written(1, lost, 'a/b', 5, undefined);
    marks.rolledBack();
    marks.committed();
    assert.deepEqual(told, []);
    marks.written(1, kept, 'a/b', 5, [['traceparent', PARENT]]);
    now = 12;
    marks.committed();
    marks.committed();
    assert.deepEqual(told, [[{ id: kept, topic: 'a/b', receivedAt: 5, begun: 10, committed: 12, parent: PARENT }]]);
  });

  it('are bounded, and only of what is sampled', () => {
    const told: ReceivedMark[][] = [];
    const none = new AppendMarks(
      0,
      () => 0,
      (some) => told.push(some),
    );
    const all = new AppendMarks(
      1,
      () => 0,
      (some) => told.push(some),
    );
    for (let position = 1; position <= 10_000; position++) {
      for (const marks of [none, all]) marks.written(position, uuidText(uuid7(1)), 'a', 1, undefined);
    }
    none.committed();
    all.committed();
    assert.deepEqual(
      told.map(({ length }) => length),
      [4_096],
    );
  });
});
