import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../domain/subscriber.js';
import { lostBacklog } from './backlog.js';

function one(topics: string[], where?: SubscriberSettings['where']): SubscriberSettings {
  return { ...(SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings), id: 'one', topics, where };
}

describe('what a change would lose, of many at once', () => {
  const where = { kind: 'exact', attribute: '/on', value: 'true' } as const;
  for (const [what, after, slices] of [
    ['by topic', one(['a']), 3],
    ['by content', one(['#'], where), 98],
  ] as const) {
    it(`${what}: one slice of one of them in each turn of the event loop`, async () => {
      let calls = 0;
      let most = 0;
      let all = 0;
      const slice = <T>(answer: T): T => {
        most = Math.max(most, ++calls);
        all++;
        return answer;
      };
      const reader = {
        waiting: () => [],
        recordsAt: () => [],
        admittedAfter: () => slice([]),
        topicCounts: () => slice([{ topic: 'b', count: 7, bytes: 0 }]),
      };
      const at = { cursor: 0, through: 25_000 };
      const found = Promise.all(Array.from({ length: 32 }, () => lostBacklog({ reader }, at, one(['#']), after)));
      let done = false;
      void found.then(() => (done = true));
      while (!done) {
        calls = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual([most, all], [1, 32 * slices]);
      const records = what === 'by topic' ? 21 : 0;
      assert.deepEqual(new Set((await found).map((lost) => lost.records)), new Set([records]));
    });
  }
});
