/** A device asks over MQTT 5, a webhook answers, and the answer reaches the device. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { startFlow, type Flow, type FlowOptions } from '../support/flow.js';
import { needs } from '../support/needs.js';
import type { Answer } from '../support/receiver.js';
import { until } from '../support/until.js';

interface Reply {
  topic: string;
  payload: string;
  correlation: string;
  contentType: string | undefined;
  retain: boolean;
}

const PONG: Answer = { status: 200, headers: { 'content-type': 'text/plain' }, body: 'pong' };

describe('reply', { skip: needs('mosquitto') }, () => {
  it('a 200 with a body goes to the response topic; what else is answered, or not allowed, does not', async (t) => {
    const flow = await start(t);
    const { replies, ask } = await device(t, flow);
    flow.receiver.answer = ({ body }) => (body.toString() === 'quiet' ? { status: 204 } : PONG);
    await ask('one', 'replies/7');
    await ask('quiet', 'replies/7');
    await ask('elsewhere', 'other/7');
    await ask('elsewhere', 'other/7');
    await ask('no topic');
    await ask('two', 'replies/8');
    await until(() => replies.length >= 2, { what: 'both replies' });
    await lag(flow, 0);
    const pong = { payload: 'pong', contentType: 'text/plain', retain: false };
    assert.deepEqual(replies, [
      { topic: 'replies/7', correlation: 'one', ...pong },
      { topic: 'replies/8', correlation: 'two', ...pong },
    ]);
    assert.equal(await flow.gateway.metric('holdfast_replies_total', { outcome: 'queued' }), 2);
    assert.equal(await flow.gateway.metric('holdfast_replies_total', { outcome: 'refused' }), 2);
    assert.equal(await flow.gateway.metric('holdfast_attempts_total', { outcome: 'delivered' }), 6);
    const told = flow.gateway.logs.filter(({ msg }) => msg === 'a reply is not published');
    assert.deepEqual(
      told.map(({ subscriber, code }) => [subscriber, code]),
      [['app', 'TOPIC_FORBIDDEN']],
    );
  });

  it('a subscriber that was registered replies, over restarts too', async (t) => {
    const flow = await start(t, {}, { registration: { allow: ['127.0.0.1'] }, subscribers: [] });
    const { replies, ask } = await device(t, flow);
    flow.receiver.answer = () => PONG;
    const body = JSON.stringify({ url: flow.receiver.url, topics: ['devices/#'], reply: true });
    const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body };
    assert.equal((await flow.gateway.http('/v1/subscribers/app', init)).status, 201);
    await ask('one', 'replies/7');
    await until(() => replies.length >= 1, { what: 'a reply' });
    await flow.gateway.kill();
    await flow.restart();
    await ask('two', 'replies/7');
    // The first may come again: it was killed before it could note that the broker had it.
    const answered = (): boolean => replies.some(({ correlation }) => correlation === 'two');
    await until(answered, { what: 'a reply after the restart' });
  });

  it('killed between the reply and the record: the record is sent again, and the device has its reply', async (t) => {
    const flow = await start(t, { gateway: { env: { HOLDFAST_FAILPOINT: 'accepted' } } });
    const { replies, ask } = await device(t, flow);
    flow.receiver.answer = () => PONG;
    await ask('one', 'replies/7');
    assert.equal((await flow.gateway.exit).signal, 'SIGKILL');
    await flow.restart();
    await lag(flow, 0);
    await until(() => replies.length >= 1, { what: 'the reply' });
    assert.deepEqual([...new Set(replies.map(({ correlation }) => correlation))], ['one']);
    assert.equal(flow.receiver.distinctIds().size, 1);
    assert.equal(flow.receiver.requests.length, 2);
  });

  it('the broker is away when the app answers, and the gateway is killed then: the reply still arrives', async (t) => {
    const flow = await start(t);
    const { replies, ask } = await device(t, flow);
    let ready = false;
    flow.receiver.answer = () => (ready ? PONG : { status: 503 });
    await ask('one', 'replies/7');
    await flow.receiver.waitFor(({ requests }) => requests.length > 0);
    await flow.broker.stop();
    ready = true;
    await flow.receiver.waitFor(1);
    await lag(flow, 0);
    await flow.gateway.kill();
    await flow.broker.start();
    const subscribed = until(() => replies.length >= 1, { timeoutMs: 30_000, what: 'the reply' });
    await flow.restart();
    await subscribed;
    assert.equal(replies[0]!.correlation, 'one');
  });
});

function start(t: TestContext, options: FlowOptions = {}, more: object = {}): Promise<Flow> {
  return startFlow(t, {
    broker: { persistence: true },
    ...options,
    config: ({ receiverUrl }) => ({
      subscribers: [
        {
          id: 'app',
          url: receiverUrl,
          topics: ['devices/#'],
          ordering: 'topic',
          reply: true,
          retry: { schedule: Array<string>(30).fill('100ms') },
          breaker: { failures: 1_000, openFor: '100ms' },
        },
      ],
      publish: { allow: ['replies/+'] },
      ...more,
    }),
  });
}

/** It is subscribed to every topic but the gateway's, in a session that outlives the broker. */
async function device(
  t: TestContext,
  { broker }: Flow,
): Promise<{ replies: Reply[]; ask: (question: string, responseTopic?: string) => Promise<unknown> }> {
  const client: MqttClient = await connectAsync(broker.url, {
    protocolVersion: 5,
    clientId: 'device-7',
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
    reconnectPeriod: 100,
  });
  t.after(() => client.endAsync(true));
  const replies: Reply[] = [];
  client.on('message', (topic, payload, { retain, properties }) => {
    const correlation = String(properties?.correlationData);
    replies.push({ topic, payload: payload.toString(), correlation, contentType: properties?.contentType, retain });
  });
  await client.subscribeAsync(['replies/#', 'other/#'], { qos: 1 });
  const ask = (question: string, responseTopic?: string): Promise<unknown> =>
    client.publishAsync('devices/7/telemetry', question, {
      qos: 1,
      properties: {
        correlationData: Buffer.from(question),
        ...(responseTopic === undefined ? {} : { responseTopic }),
      },
    });
  return { replies, ask };
}

function lag({ gateway }: Flow, records: number): Promise<unknown> {
  const reached = async (): Promise<boolean> => (await gateway.metric('holdfast_subscriber_lag_records')) === records;
  return until(reached, { timeoutMs: 30_000, what: `a backlog of ${records}` });
}
