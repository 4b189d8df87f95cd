import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { DeliveryObserver, FailedAttempt } from './delivery/index.js';
import { Repeats } from './ops/index.js';
import { deliveryObserver, discardTeller, type TellingParts } from './telling.js';

const FAILURE: FailedAttempt = {
  reason: 'status',
  status: 500,
  detail: 'no',
  position: 1,
  id: 'id-1',
  topic: 'a/b',
  attempt: 1,
  durationMs: 5,
};

class Scene {
  readonly lines: { [field: string]: unknown }[] = [];
  readonly discarded: TellingParts['discarded'];
  readonly observer: DeliveryObserver;
  readonly repeats = new Repeats({ monotonic: () => this.#now, now: () => this.#now });
  #now = 0;

  constructor() {
    mock.timers.enable({ apis: ['setTimeout'] });
    const said = (fields: object, message: string): void => void this.lines.push({ ...fields, message });
    const logger = { info: said, warn: said, error: said } as unknown as TellingParts['logger'];
    const none = (): void => undefined;
    const parts = {
      metrics: { attempt: none, delivered: none, discarded: none, deadLettered: none },
      announcements: { state: none, died: none, discarded: none },
      ...{ repeats: this.repeats, logger },
    };
    this.discarded = discardTeller(parts);
    this.observer = deliveryObserver({ ...parts, discarded: this.discarded }, none);
  }

  pass(ms: number): void {
    this.#now += ms;
    mock.timers.tick(ms);
  }

  /** Message and number of each line so far. */
  taken(): string[] {
    return this.lines.splice(0).map(({ message, count }) => `${String(message)} ×${String(count)}`);
  }
}

describe('what the log says of a subscriber', () => {
  it('a receiver that fails in turns fills no log, and the last line says how it is', (t) => {
    t.after(() => mock.timers.reset());
    const scene = new Scene();
    for (let i = 0; i < 1_000; i++) {
      scene.observer.failed('app', { ...FAILURE, status: 500 + (i % 2) });
      scene.observer.recovered('app');
    }
    assert.deepEqual(scene.taken(), ['attempts fail ×1']);
    scene.pass(10_000);
    assert.deepEqual(scene.taken(), ['attempts succeed again ×1999']);
    scene.observer.failed('app', FAILURE);
    scene.observer.failed('other', FAILURE);
    assert.deepEqual(scene.taken(), ['attempts fail ×1'], 'each subscriber by itself');
    scene.repeats.flush();
    assert.deepEqual(scene.taken(), ['attempts fail ×1']);
  });

  it('one that fails for an hour is told now and then with all it stands for, and at once when it fails otherwise', (t) => {
    t.after(() => mock.timers.reset());
    const scene = new Scene();
    for (let i = 0; i < 3_600; i++) {
      scene.observer.failed('app', { ...FAILURE, position: i + 1, attempt: i + 1 });
      scene.pass(1_000);
    }
    const { length } = scene.lines;
    assert.ok(length > 10 && length < 20, `${length} lines`);
    const { count, ...first } = scene.lines[0]!;
    assert.deepEqual([first, count], [{ subscriber: 'app', ...FAILURE, message: 'attempts fail' }, 1]);
    scene.repeats.flush();
    const counted = scene.lines.splice(0).reduce((sum, { count: one }) => sum + (one as number), 0);
    assert.equal(counted, 3_600);
    scene.pass(10_000);
    scene.observer.failed('app', { ...FAILURE, status: 401 });
    assert.deepEqual(scene.taken(), ['attempts fail ×1']);
    scene.pass(10_000);
    scene.observer.recovered('app');
    assert.deepEqual(scene.taken(), ['attempts succeed again ×1']);
  });

  it('a line of dead letters says every status that it stands for', (t) => {
    t.after(() => mock.timers.reset());
    const scene = new Scene();
    for (const status of [400, 400, 404, 400]) {
      const letter = { subscriber: 'app', position: 1, id: '', topic: 't', detail: '', attempts: 1, at: 0 };
      scene.observer.died({ ...letter, reason: 'status', status });
    }
    scene.pass(10_000);
    assert.deepEqual(
      scene.lines.map(({ status, statuses, count }) => [status, statuses, count]),
      [
        [400, undefined, 1],
        [undefined, [400, 404], 3],
      ],
    );
  });

  it('a line of what was given up is of all since the last one', (t) => {
    t.after(() => mock.timers.reset());
    const scene = new Scene();
    const step = (records: number, from: number, through: number): void =>
      scene.discarded({ subscriber: 'app', reason: 'backlog-full', records, from, through });
    step(1, 5, 5);
    step(3, 20, 30);
    step(2, 9, 12);
    step(0, 1, 99);
    scene.pass(10_000);
    step(7, 40, 50);
    scene.pass(10_000);
    const spans = scene.lines.map(({ records, from, through }) => [records, from, through]);
    assert.deepEqual(spans, [
      [1, 5, 5],
      [5, 9, 30],
      [7, 40, 50],
    ]);
  });
});
