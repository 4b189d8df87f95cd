import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startReceiver, type Receiver } from './receiver.js';

function post(receiver: Receiver, id: string, body: string, topic = 't', position = 1): Promise<Response> {
  const headers = { 'webhook-id': id, 'mqtt-topic': topic, 'ce-sequence': String(position).padStart(20, '0') };
  return fetch(receiver.url, { method: 'POST', body, headers: { ...headers, 'holdfast-attempt': '1' } });
}

describe('receiver', () => {
  it('tells an id that carried two bodies', async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.stop());
    for (const [id, body] of [
      ['a', '1'],
      ['b', '1'],
      ['a', '1'],
      ['b', '2'],
    ] as const)
      await post(receiver, id, body);
    assert.deepEqual(receiver.conflictingIds(), ['b']);
  });

  it('counts as delivered only what it answered 2xx', async (t) => {
    const receiver = await startReceiver({
      answer: ({ id }) => ({ failed: { status: 503 }, cut: { cut: true } })[id],
    });
    t.after(() => receiver.stop());
    assert.equal((await post(receiver, 'failed', '')).status, 503);
    await assert.rejects(post(receiver, 'cut', ''));
    assert.equal((await post(receiver, 'taken', '')).status, 204);
    assert.deepEqual([...receiver.deliveredIds()], ['taken']);
    assert.equal(receiver.distinctIds().size, 3);
    await assert.rejects(receiver.waitFor(2, 50), /2 deliveries: 3 requests, 3 ids, 1 delivered/);
    await receiver.waitFor(1, 50);
    const firsts = receiver.byTopicFirstOccurrences({ answeredOnly: true }).get('t')!;
    assert.deepEqual(
      firsts.map(({ id }) => id),
      ['taken'],
    );
  });

  it('a hanging answer stays open, and stopping ends it', async () => {
    const receiver = await startReceiver({ answer: () => ({ hang: true }) });
    const answer = assert.rejects(post(receiver, 'a', ''));
    await receiver.waitFor(({ requests }) => requests.length === 1);
    await receiver.stop();
    await answer;
  });

  it('keeps only hashes when asked, and still tells bodies apart', async (t) => {
    const receiver = await startReceiver({ keep: 'hashes' });
    t.after(() => receiver.stop());
    await post(receiver, 'a', 'one', 'x', 7);
    await post(receiver, 'a', 'two', 'x', 7);
    assert.equal(receiver.requests[0]!.body.length, 0);
    assert.equal(receiver.requests[0]!.sequence, 7);
    assert.deepEqual(receiver.conflictingIds(), ['a']);
  });
});
