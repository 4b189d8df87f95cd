import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TopicCache } from './topic-cache.js';

describe('TopicCache', () => {
  it('computes a topic once, also when the answer is undefined; a long one each time another was asked for', () => {
    const computed: string[] = [];
    const cache = new TopicCache((topic) => {
      computed.push(topic.slice(0, 3));
      return topic === 'b' ? undefined : topic.length;
    });
    const long = 'x'.repeat(513);
    const answers = ['a', 'a', 'b', 'a', 'b', 'b', long, long, 'a', long].map((topic) => cache.get(topic));
    assert.deepEqual(answers, [1, 1, undefined, 1, undefined, undefined, 513, 513, 1, 513]);
    assert.deepEqual(computed, ['a', 'b', 'xxx', 'xxx']);
  });

  it('holds a bounded number of topics', () => {
    let computed = 0;
    const cache = new TopicCache((topic) => (computed++, topic));
    for (let round = 0; round < 2; round++) for (let i = 0; i < 20_001; i++) assert.equal(cache.get(`${i}`), `${i}`);
    assert.ok(computed > 20_001);
  });
});
