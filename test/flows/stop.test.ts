/** SIGTERM under load: drained, or in the journal and at the broker; a second signal ends it at once. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

describe('stop', { skip: needs('mosquitto') }, () => {
  it('under load: exit code 0, nothing is lost, nothing comes twice', async (t) => {
    const flow = await startFlow(t);
    const { broker, receiver } = flow;
    receiver.answer = () => ({ delayMs: 20 });
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count: 4_000, perSecond: 2_000 });
    await receiver.waitFor(300);
    assert.deepEqual(await flow.gateway.stop(), { code: 0, signal: null });
    receiver.answer = () => undefined;
    await flow.restart();
    await publisher.done;
    await receiver.waitFor((one) => allDelivered(one, 4_000));
    assert.equal(assertNumbered(receiver, TOPICS, 4_000), 0);
    assert.equal(receiver.requests.length, 4_000, 'attempts in flight were finished, not repeated');
  });

  it('an attempt that does not end in time is made again, under the same webhook-id', async (t) => {
    const flow = await startFlow(t, { config: () => ({ ops: { drain: '1s' } }) });
    const { broker, receiver } = flow;
    receiver.answer = () => ({ hang: true });
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 1 }).done;
    await receiver.waitFor(({ requests }) => requests.length === 1);
    const { gateway } = flow;
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
    const [waiting, ended] = gateway.logs.filter(({ msg }) => /attempts in flight/.test(String(msg)));
    assert.deepEqual([waiting?.['attempts'], ended?.['finished'], ended?.['unfinished']], [1, 0, 1]);
    assert.ok((waiting!['atMostMs'] as number) <= 1_000);
    receiver.answer = () => undefined;
    await flow.restart();
    await receiver.waitFor(1);
    const [first, second] = receiver.requests;
    assert.equal(second!.id, first!.id);
    assert.equal(second!.hash, first!.hash);
  });

  it('a second signal ends it at once, and nothing is lost', async (t) => {
    const flow = await startFlow(t);
    const { broker, receiver } = flow;
    receiver.answer = () => ({ hang: true });
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 100 }).done;
    await receiver.waitFor(({ requests }) => requests.length > 0);
    const signalledAt = performance.now();
    flow.gateway.signal('SIGTERM');
    setTimeout(() => flow.gateway.signal('SIGTERM'), 300);
    assert.deepEqual(await flow.gateway.exit, { code: 1, signal: null });
    assert.ok(performance.now() - signalledAt < 5_000);
    receiver.answer = () => undefined;
    await flow.restart();
    await receiver.waitFor((one) => allDelivered(one, 100));
    assertNumbered(receiver, TOPICS, 100);
  });

  it('a request that never ends does not keep it', async (t) => {
    const flow = await startFlow(t, { config: () => ({ ops: { drain: '2s' } }) });
    const socket = connect(flow.gateway.ports.httpPort, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    const head = 'POST /v1/publish HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n';
    socket.write(`${head}{`);
    await until(async () => (await flow.gateway.metric('holdfast_link_up')) === 1, { what: 'a turn of the gateway' });
    const signalledAt = performance.now();
    assert.deepEqual(await flow.gateway.stop(), { code: 0, signal: null });
    assert.ok(performance.now() - signalledAt < 10_000);
  });
});
