import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { filters, topics } from '../../test/support/topics.js';
import { topicMatches } from './topic.js';
import { TopicTrie } from './topic-trie.js';

function trie(...entries: [filter: string, value: string][]): TopicTrie<string> {
  const made = new TopicTrie<string>();
  for (const [filter, value] of entries) made.add(filter, value);
  return made;
}

describe('topic trie', () => {
  it('finds nothing when nothing matches', () => {
    assert.deepEqual(trie().match('a'), []);
    assert.deepEqual(trie(['#', 'all'], ['+/x', 'plus']).match('$SYS/x'), []);
    assert.deepEqual(trie(['a/b/c', 'deep']).match('a/b'), []);
  });

  it('gives a value once, however many of its filters match', () => {
    assert.deepEqual(trie(['a/+', 'one'], ['a/#', 'one'], ['a/b', 'one'], ['a/b', 'two']).match('a/b').toSorted(), [
      'one',
      'two',
    ]);
  });

  it('a filter added later counts for topics that were asked for before', () => {
    const made = trie(['a', 'one']);
    assert.deepEqual(made.match('a'), ['one']);
    made.add('+', 'two');
    assert.deepEqual(made.match('a').toSorted(), ['one', 'two']);
  });

  it('what is taken back matches no more, and everything else does', () => {
    const property = fc.property(
      fc.array(filters, { maxLength: 12 }),
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      topics,
      (all, stays, topic) => {
        const made = new TopicTrie<number>();
        all.forEach((filter, i) => made.add(filter, i));
        made.match(topic);
        all.forEach((filter, i) => stays[i] || made.remove(filter, i));
        made.remove('never/added', 0);
        const wanted = [...all.keys()].filter((i) => stays[i] && topicMatches(all[i]!, topic));
        assert.deepEqual(
          made.match(topic).toSorted((a, b) => a - b),
          wanted,
        );
      },
    );
    fc.assert(property, { seed, numRuns: 2_000 });
  });

  it('a filter that one value has twice is taken back once', () => {
    const made = trie(['a', 'one'], ['a', 'one'], ['a', 'two']);
    made.remove('a', 'one');
    assert.deepEqual(made.match('a').toSorted(), ['one', 'two']);
    made.remove('a', 'one');
    assert.deepEqual(made.match('a'), ['two']);
  });

  it('answers rightly past the bound of its cache', () => {
    const made = trie(['a/+', 'one']);
    for (let i = 0; i <= TopicTrie.CACHED_TOPICS_MAX; i++) made.match(`a/${i}`);
    assert.deepEqual(made.match('a/0'), ['one']);
    assert.deepEqual(made.match('b/0'), []);
  });

  it('agrees with matching each filter by itself', () => {
    const property = fc.property(fc.array(filters, { maxLength: 12 }), topics, (all, topic) => {
      const made = new TopicTrie<number>();
      all.forEach((filter, i) => made.add(filter, i));
      const wanted = [...all.keys()].filter((i) => topicMatches(all[i]!, topic));
      for (const answer of [made.match(topic), made.match(topic)]) {
        assert.deepEqual(
          answer.toSorted((a, b) => a - b),
          wanted,
        );
      }
    });
    fc.assert(property, { seed, numRuns: 2_000 });
  });
});
