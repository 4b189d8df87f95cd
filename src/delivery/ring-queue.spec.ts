import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DueHeap } from './due-heap.js';
import { RingQueue } from './ring-queue.js';

describe('ring queue and heap: they behave as the plain thing would', () => {
  it('a ring queue is an array with push, unshift and shift', () => {
    const steps = fc.array(fc.oneof(fc.nat(), fc.constantFrom('shift' as const, 'unshift' as const)), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const [queue, model] = [new RingQueue<number>(), [] as number[]];
        for (const [i, step] of all.entries()) {
          if (step === 'shift') {
            assert.equal(queue.shift(), model.shift());
          } else if (step === 'unshift') {
            queue.unshift(i);
            model.unshift(i);
          } else {
            queue.push(step);
            model.push(step);
          }
          assert.deepEqual([queue.length, queue.peek()], [model.length, model[0]]);
        }
      }),
    );
  });

  it('a heap gives the earliest first, ties by position', () => {
    const items = fc.array(fc.record({ due: fc.nat(50), position: fc.nat(50) }, { noNullPrototype: true }));
    fc.assert(
      fc.property(items, (all) => {
        const heap = new DueHeap<{ due: number; position: number }>();
        for (const item of all) heap.push(item);
        const sorted = all.toSorted((a, b) => a.due - b.due || a.position - b.position);
        assert.deepEqual(
          sorted.map(() => heap.pop()),
          sorted,
        );
        assert.equal(heap.pop(), undefined);
      }),
    );
  });
});
