import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { migrate } from './schema.js';
import { TopicSweep, TopicTable } from './topics.js';

const STRIDE = 8;

/** A journal of nothing but positions and topics. */
class Fixture {
  readonly db = new DatabaseSync(':memory:');
  readonly sweep: TopicSweep;
  table: TopicTable;

  constructor() {
    migrate(this.db);
    this.table = new TopicTable(this.db, STRIDE);
    this.sweep = new TopicSweep(this.db, STRIDE);
  }

  /** @returns its position */
  append(name: string, before = 0): number {
    const topic = this.table.find(name, before);
    const position = Number(
      this.db.prepare(`INSERT INTO records VALUES (NULL, x'00', ?, 0, 0, x'', NULL, 0)`).run(topic.id).lastInsertRowid,
    );
    this.table.used(topic, position);
    return position;
  }

  /** Deletes what is up to `through`, except `kept`; as many steps of the sweep as a round can take follow. */
  clear(through: number, kept: ReadonlySet<number> = new Set()): void {
    for (const position of this.positions()) {
      if (position <= through && !kept.has(position)) {
        this.db.prepare('DELETE FROM records WHERE position = ?').run(position);
      }
    }
    for (let step = 0; step < 10; step++) if (this.sweep.step(through)) this.table.forget();
  }

  positions(): number[] {
    return this.#all('SELECT position FROM records');
  }

  names(): string[] {
    return this.#all('SELECT name FROM topics ORDER BY name');
  }

  nameless(): number[] {
    return this.#all('SELECT position FROM records WHERE topic_id NOT IN (SELECT topic_id FROM topics)');
  }

  #all<T>(sql: string): T[] {
    const statement = this.db.prepare(sql);
    statement.setReturnArrays(true);
    return (statement.all() as unknown as [T][]).map(([value]) => value);
  }
}

describe('topics', () => {
  it('no record ever loses its topic, whatever is appended, cleared and kept', () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 3 }), times: fc.integer({ min: 1, max: STRIDE }) }),
      fc.record({ behind: fc.integer({ min: 0, max: 2 * STRIDE }), keep: fc.integer({ min: 0, max: 2 }) }),
      fc.constant('restart' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const fixture = new Fixture();
        let last = 0;
        for (const one of steps) {
          if (one === 'restart') fixture.table = new TopicTable(fixture.db, STRIDE);
          else if ('append' in one) {
            for (let i = 0; i < one.times; i++) last = fixture.append(`topic ${one.append}`, i === 0 ? 0 : last);
          } else {
            const kept = new Set(fixture.positions().filter((position) => position % 5 < one.keep));
            fixture.clear(last - one.behind, kept);
          }
          assert.deepEqual(fixture.nameless(), []);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a topic is forgotten when all of its records are gone, and found again when it comes back', () => {
    const fixture = new Fixture();
    fixture.append('old');
    for (let i = 0; i < 4 * STRIDE; i++) fixture.append('new');
    fixture.clear(3 * STRIDE);
    assert.deepEqual(fixture.names(), ['new']);
    fixture.append('old');
    assert.deepEqual(fixture.names(), ['new', 'old']);
    assert.deepEqual(fixture.nameless(), []);
  });

  it('a topic stays as long as one record of it is kept', () => {
    const fixture = new Fixture();
    const kept = new Set([fixture.append('old')]);
    for (let i = 0; i < 4 * STRIDE; i++) fixture.append('new');
    fixture.clear(3 * STRIDE, kept);
    assert.deepEqual(fixture.names(), ['new', 'old']);
  });
});
