import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addReplays, failureInWords, query, replayInWords } from './rest.js';

describe('what REST is asked and answers', () => {
  it('a query has what is not empty, encoded', () => {
    assert.equal(query({ topic: 'a/+/#&', reason: '', after: undefined, limit: 0 }), '?topic=a%2F%2B%2F%23%26&limit=0');
    assert.equal(query({}), '');
  });

  it('a failure is its status, or its reason, or both', () => {
    assert.equal(failureInWords({ reason: 'status', status: 503 }), 'status 503');
    assert.equal(failureInWords({ reason: 'timeout', status: 0 }), 'timeout');
    assert.equal(failureInWords({ reason: 'redirect', status: 302 }), 'redirect, status 302');
  });

  it('replays add up, and say what was not given again and why', () => {
    const sum = addReplays(
      { replayed: 5, remaining: 9, skipped: { contract: 1 } },
      { replayed: 2, remaining: 3, skipped: { contract: 1, filter: 4, damaged: 0 } },
    );
    assert.deepEqual(sum, { replayed: 7, remaining: 3, skipped: { contract: 2, filter: 4, damaged: 0 } });
    assert.match(replayInWords(sum), /^7 given again\. 3 remain, .*2 stay \(they fail.*4 stay \(the subscriber/);
    assert.equal(replayInWords({ replayed: 1, skipped: {} }), '1 given again.');
  });
});
