import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import { parseBatch } from './batch.js';
import { brief } from './brief.js';

function errorsOf(answer: unknown): { pointer: string; message: string }[] {
  assert.ok(answer instanceof HoldfastError);
  return answer.details['errors'] as { pointer: string; message: string }[];
}

/** A batch of so many publishes, each with so many unknown keys. */
function batch(publishes: number, keys: number): object[] {
  const unknown = Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, 0]));
  return Array.from({ length: publishes }, () => ({ topic: 'a', payload: 1, ...unknown }));
}

describe('what the publishes of a batch are refused with', () => {
  it('is some problems of the first, and one of each further', () => {
    const body = batch(50, 90);
    const refused = brief(parseBatch(body, () => JSON.stringify(body), 100));
    const counts = refused.map((one) => errorsOf(one).length);
    assert.deepEqual(counts, [...Array<number>(11).fill(90), 10, ...Array<number>(38).fill(1)]);
    const properties = { topic: 'a', payload: 1, properties: batch(1, 90)[0] };
    const theirs = parseBatch([...body, properties], () => '', 100);
    assert.deepEqual(errorsOf(theirs[50]), [{ pointer: '/properties/topic', message: 'is not a known property' }]);
  });

  it('is no longer than the batch by much, whatever it is refused for', () => {
    const body = [{ ['k'.repeat(100_000)]: 1 }, 5, { topic: `${'\u{1f600}'.repeat(10_000)}#`, payload: 1 }];
    const answers = brief(parseBatch(body, () => JSON.stringify(body), 100));
    const problems = Array.from({ length: 900 }, () => ({ pointer: '/a', rule: 'type', message: 'x'.repeat(1_000) }));
    const failed = new HoldfastError('CONTRACT_FAILED', 'y'.repeat(10_000), { details: { contract: 'c', problems } });
    const [one, two] = brief([failed, failed]) as [HoldfastError, HoldfastError];
    assert.deepEqual(
      [one, two].map(({ details }) => (details['problems'] as object[]).length),
      [900, 100],
    );
    assert.deepEqual([one.code, one.details['contract'], one.message.length], ['CONTRACT_FAILED', 'c', 301]);
    for (const answer of answers) {
      assert.ok(answer instanceof HoldfastError);
      const text = JSON.stringify([answer.message, answer.details]);
      assert.ok(text.length < 1_500, text);
      assert.ok(text.isWellFormed());
    }
  });

  it('is all of it, where it is alone; what is not refused is as it was', () => {
    const body = batch(1, 90);
    const alone = brief(parseBatch([{ ...body[0], ['k'.repeat(1_000)]: 1 }], () => '', 100));
    assert.equal(errorsOf(alone[0]).length, 91);
    assert.ok(errorsOf(alone[0])[90]!.pointer.length > 1_000);
    const fine = { id: 'a', status: 'queued' };
    assert.equal(brief([fine, ...alone])[0], fine);
  });
});
