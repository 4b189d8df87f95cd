/** What must be true of numbered messages once they have come out at a receiver. */
import assert from 'node:assert/strict';
import { numberOf, numberedPayload } from './publisher.js';
import type { Received, Receiver } from './receiver.js';

/**
 * Every number from 0 came out at least once, with the bytes that went in, on its own topic, the first occurrences
 * in order per topic, and no webhook-id carried two bodies.
 * @returns how many ids there were more than numbers
 */
export function assertNumbered(receiver: Receiver, topics: string[], count: number, padBytes = 64): number {
  assert.deepEqual(receiver.conflictingIds(), [], 'a webhook-id carried two bodies');
  const first = new Map<number, Received>();
  const last = new Map<string, number>();
  for (const request of receiver.requests) {
    const n = numberOf(request.body);
    if (first.has(n)) continue;
    first.set(n, request);
    assert.equal(request.body.toString(), numberedPayload(n, padBytes), `the bytes of number ${n}`);
    assert.equal(request.topic, topics[n % topics.length], `the topic of number ${n}`);
    assert.ok(n > (last.get(request.topic) ?? -1), `${n} came after ${last.get(request.topic)} on ${request.topic}`);
    last.set(request.topic, n);
  }
  const missing = Array.from({ length: count }, (_, n) => n).filter((n) => !first.has(n));
  assert.deepEqual(missing.slice(0, 20), [], `${missing.length} numbers never came out`);
  return receiver.distinctIds().size - count;
}

/** Whether every number below `count` was answered 2xx at least once; cheap enough to be asked often. */
export function allDelivered(receiver: Receiver, count: number): boolean {
  if (receiver.deliveredIds().size < count) return false;
  const numbers = new Set(receiver.requests.filter(({ answered }) => answered >= 200 && answered < 300).map(numberIn));
  return numbers.size >= count;
}

function numberIn({ body }: Received): number {
  return numberOf(body);
}
