/** QoS 0, 1 and 2, both protocol versions, and what of a message reaches the webhook. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { startProxy } from '../support/tcp-proxy.js';

const SUBSCRIPTIONS = [{ filter: 'devices/+/telemetry', qos: 2 }];

describe('qos and protocol', { skip: needs('mosquitto') }, () => {
  for (const protocol of ['5', '3.1.1'] as const) {
    it(`MQTT ${protocol}: QoS 0, 1 and 2 come in, each once without faults`, async (t) => {
      const { gateway, receiver, broker } = await startFlow(t, {
        config: ({ brokerUrl }) => ({ broker: { url: brokerUrl, protocol }, subscriptions: SUBSCRIPTIONS }),
      });
      for (const qos of [0, 1, 2] as const) {
        await publishNumbered({ url: broker.url, topics: TOPICS, from: qos * 100, count: 100, qos }).done;
      }
      await receiver.waitFor(300);
      assert.equal(assertNumbered(receiver, TOPICS, 300), 0);
      for (const qos of ['0', '1', '2']) {
        assert.equal(await gateway.metric('holdfast_messages_received_total', { qos }), 100);
      }
      const seen = receiver.requests.map(({ headers }) => headers['mqtt-qos']);
      assert.deepEqual(
        ['0', '1', '2'].map((qos) => seen.filter((one) => one === qos).length),
        [100, 100, 100],
      );
      const link = (await (await gateway.http('/v1/link')).json()) as { protocol: string };
      assert.equal(link.protocol, protocol);
    });
  }

  it('QoS 2 over a link that is reset again and again: exactly as many ids as messages', async (t) => {
    const proxy = await startProxy(0);
    t.after(() => proxy.stop());
    const { receiver, broker, gateway } = await startFlow(t, {
      config: ({ brokerUrl }) => {
        proxy.aim(Number(new URL(brokerUrl).port));
        return { broker: { url: `mqtt://127.0.0.1:${proxy.port}` }, subscriptions: SUBSCRIPTIONS };
      },
    });
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count: 2_000, qos: 2, perSecond: 1_000 });
    const resetting = setInterval(() => proxy.reset(), 300);
    t.after(() => clearInterval(resetting));
    await publisher.done;
    clearInterval(resetting);
    await receiver.waitFor((one) => allDelivered(one, 2_000));
    assert.equal(assertNumbered(receiver, TOPICS, 2_000), 0);
    assert.ok((await gateway.metric('holdfast_link_drops_total')) >= 3);
  });

  it('the MQTT 5 facts of a message arrive as headers', async (t) => {
    const { receiver, broker } = await startFlow(t);
    const device = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    await device.publishAsync('devices/ü 1/telemetry', 'text', {
      qos: 1,
      properties: {
        contentType: 'text/plain',
        responseTopic: 'answers/1',
        correlationData: Buffer.from([1, 2, 255]),
        userProperties: { tenant: ['a', 'b'], traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
      },
    });
    await receiver.waitFor(1);
    const { headers, body } = receiver.requests[0]!;
    assert.equal(body.toString(), 'text');
    assert.equal(headers['content-type'], 'text/plain');
    assert.equal(headers['ce-specversion'], '1.0');
    assert.equal(headers['ce-type'], 'mqtt.message');
    assert.equal(headers['ce-subject'], 'devices/%C3%BC%201/telemetry');
    assert.equal(headers['ce-id'], headers['webhook-id']);
    assert.match(String(headers['ce-source']), /^urn:uuid:/);
    assert.equal(headers['mqtt-response-topic'], 'answers/1');
    assert.equal(headers['mqtt-correlation-data'], Buffer.from([1, 2, 255]).toString('base64'));
    assert.match(String(headers['mqtt-user-property']), /tenant=a.*tenant=b/);
    assert.equal(headers['traceparent'], '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  });
});
