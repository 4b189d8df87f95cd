/** From a real client over a real broker to a webhook, without faults and with a broker that restarts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

const COUNT = 10_000;

describe('deliver', { skip: needs('mosquitto') }, () => {
  it('10 000 messages: each comes out once, byte for byte, in order per topic', async (t) => {
    const { broker, receiver, gateway } = await startFlow(t);
    await publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT }).done;
    await receiver.waitFor(COUNT, 60_000);
    assert.equal(assertNumbered(receiver, TOPICS, COUNT), 0, 'without faults there are exactly as many ids');
    assert.equal(receiver.requests.length, COUNT);
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
    assert.equal(await gateway.metric('holdfast_subscriber_lag_records'), 0);
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  });

  it('the broker is restarted in the middle: nothing is missing, the session is resumed', async (t) => {
    const { broker, receiver, gateway } = await startFlow(t, { broker: { persistence: true } });
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT, perSecond: 3_000 });
    const { acknowledged } = publisher.report;
    await until(() => acknowledged.length > COUNT / 4, { what: 'a quarter of the messages' });
    await broker.restart();
    const report = await publisher.done;
    await receiver.waitFor((one) => allDelivered(one, COUNT), 60_000);
    const extra = assertNumbered(receiver, TOPICS, COUNT);
    assert.ok(report.reconnects >= 1, 'the restart must have been felt');
    assert.ok(extra <= report.maybeTwice.size, `${extra} more ids than numbers, ${report.maybeTwice.size} in doubt`);
    assert.equal(await gateway.metric('holdfast_link_session_resumes_total', { result: 'resumed' }), 1);
    assert.equal(await gateway.metric('holdfast_link_session_resumes_total', { result: 'lost' }), 0);
  });

  it('what waits at the broker when the gateway starts is taken, not lost', async (t) => {
    const flow = await startFlow(t);
    await flow.gateway.stop();
    await publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 500 }).done;
    await flow.restart();
    await flow.receiver.waitFor(500);
    assert.equal(assertNumbered(flow.receiver, TOPICS, 500), 0);
  });
});
