import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeOfDapr } from './dapr.js';

const DROPPED = { kind: 'dead', reason: 'dropped', status: 200, detail: 'why' };
const AGAIN = { kind: 'retry', reason: 'answer', status: 200, detail: 'why', opensBreaker: false };
const DELIVERED = { kind: 'delivered' };

describe('the body of a 2xx with answers: dapr', () => {
  const table: [bodies: string[], expected: object][] = [
    [['{"status":"RETRY"}', '{"status":"NO_SUCH"}', '{"status":"success"}', '{"status":" DROP"}'], AGAIN],
    [['{"status":"DROP"}', '{"Status":"DROP"}', ' {"reason":"old", "status" : "DROP"}\n'], DROPPED],
    [['{"status":"SUCCESS"}', '{"status":""}', '{"status":"RETRY","status":"SUCCESS"}'], DELIVERED],
    [['', '{}', '[]', 'null', '"DROP"', '7', '{"status":null}', '{"status":5}', '{"state":"DROP"}'], DELIVERED],
    [['OK', '{"status":"RETRY"', '<html>', '{"status":{"status":"DROP"}}'], DELIVERED],
  ];
  for (const [bodies, expected] of table) {
    it(`${bodies.join(' or ')}: ${JSON.stringify(expected)}`, () => {
      for (const body of bodies) {
        assert.deepEqual(
          outcomeOfDapr(200, Buffer.from(body), false, () => 'why'),
          expected,
          body,
        );
      }
    });
  }

  it('a body that was not read whole may have said anything: it is tried again', () => {
    const outcome = outcomeOfDapr(200, Buffer.from('{"status":"SUCCESS"}'), true, () => 'why');
    assert.deepEqual(outcome, { ...AGAIN, detail: 'the answer is longer than 20 bytes: why' });
  });
});
