/** From REST to a real broker, also when it is away for a while. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { accept, startScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';

interface Answer {
  id: string;
  status: string;
  code?: string;
}
interface Arrived {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  contentType?: string;
}

describe('publish', { skip: needs('mosquitto') }, () => {
  it('200 once the broker has it, and the message is what was asked for', async (t) => {
    const flow = await startPublishing(t);
    const arrived = await listen(t, flow);
    const answer = await publish(flow, {
      topic: 'commands/pump',
      payload: { on: true },
      contentType: 'application/json',
      retain: true,
    });
    assert.equal(answer.http, 200);
    assert.equal(answer.body.status, 'published');
    await publish(flow, { topic: 'commands/pump', payloadBase64: 'AP8=', qos: 0 });
    await until(() => arrived.length === 2, { what: 'both messages' });
    assert.deepEqual(arrived[0], {
      topic: 'commands/pump',
      payload: Buffer.from('{"on":true}').toString('hex'),
      qos: 1,
      retain: false, // to a subscriber that was there already [MQTT-3.3.1-9]
      contentType: 'application/json',
    });
    assert.equal(arrived[1]!.payload, '00ff');
    const status = await flow.gateway.http(`/v1/publishes/${answer.body.id}`);
    assert.equal(((await status.json()) as Answer).status, 'published');
    const retained = await listen(t, flow);
    await until(() => retained.length === 1 && retained[0]!.retain, { what: 'the retained message' });
  });

  it('the broker is away: 202, kept over a restart, sent in order when it is back; QoS 0 is a 503', async (t) => {
    const flow = await startPublishing(t);
    const arrived = await listen(t, flow);
    await flow.broker.stop();
    await until(async () => (await flow.gateway.metric('holdfast_link_up')) === 0, { what: 'the link to be down' });
    const ids: string[] = [];
    for (let n = 0; n < 50; n++) {
      const answer = await publish(flow, { topic: 'commands/pump', payload: String(n) });
      assert.equal(answer.http, 202);
      assert.equal(answer.body.status, 'queued');
      ids.push(answer.body.id);
    }
    const lost = await publish(flow, { topic: 'commands/pump', payload: 'x', qos: 0 });
    assert.equal(lost.http, 503);
    assert.equal(lost.body.code, 'LINK_DOWN');
    assert.equal(await flow.gateway.metric('holdfast_outbox_records'), 50);
    await flow.gateway.kill();
    await flow.restart({ until: 'startup' });
    await flow.broker.start();
    await until(() => arrived.length >= 50, { what: () => `fifty messages, not ${arrived.length}` });
    assert.deepEqual(
      arrived.map(({ payload }) => Number(Buffer.from(payload, 'hex').toString())),
      ids.map((_, n) => n),
    );
    await until(async () => (await flow.gateway.metric('holdfast_outbox_records')) === 0, { what: 'an empty outbox' });
    const last = (await (await flow.gateway.http(`/v1/publishes/${ids[49]}`)).json()) as Answer;
    assert.equal(last.status, 'published');
  });

  it('a broker that stops to answer: what waits for it ends with its time, what is on its way as the broker says', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    broker.answers.connect = (_packet, client) => accept(client, { properties: { receiveMaximum: 1 } });
    broker.answers.publish = () => undefined;
    const flow = await startFlow(t, {
      config: () => ({ broker: { url: broker.url }, publish: { allow: ['commands/#'], wait: '30s' } }),
    });
    const body = { topic: 'commands/pump', expirySeconds: 1 };
    const first = flow.gateway.post('/v1/publish', { ...body, payload: 'first' });
    await until(() => broker.client.sent('publish').length === 1, { what: 'the first one' });
    const second = await publish(flow, { ...body, payload: 'second' });
    assert.deepEqual([second.http, second.body.code], [504, 'PUBLISH_EXPIRED']);
    const [sent] = broker.client.sent('publish');
    broker.client.send({ cmd: 'puback', messageId: sent!.messageId!, reasonCode: 0 });
    assert.equal(((await (await first).json()) as Answer).status, 'published');
    delete broker.answers.publish;
    assert.equal((await publish(flow, { ...body, payload: 'third' })).http, 200);
    const payloads = broker.client.sent('publish').map(({ payload }) => String(payload));
    assert.deepEqual(payloads, ['first', 'third']);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
  });

  it('a bad or forbidden publish is a 4xx and never a disconnect', async (t) => {
    const flow = await startPublishing(t);
    const refused: [object, number, string][] = [
      [{ topic: 'commands/+', payload: 'x' }, 400, 'REQUEST_INVALID'],
      [{ topic: '', payload: 'x' }, 400, 'REQUEST_INVALID'],
      [{ topic: 'commands/\u0000', payload: 'x' }, 400, 'REQUEST_INVALID'],
      [{ topic: 'commands/pump', payload: 'x', qos: 2 }, 400, 'QOS_UNSUPPORTED'],
      [{ topic: 'other/pump', payload: 'x' }, 403, 'TOPIC_FORBIDDEN'],
      [{ topic: 'commands/pump', payload: 'x'.repeat(300_000) }, 413, 'PAYLOAD_TOO_LARGE'],
    ];
    for (const [body, status, code] of refused) {
      const answer = await publish(flow, body);
      assert.deepEqual([answer.http, answer.body.code], [status, code], JSON.stringify(body).slice(0, 80));
    }
    assert.equal((await publish(flow, { topic: 'commands/pump', payload: 'x' })).http, 200);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
  });

  it('a topic with too many levels is a 400 in every call and never a disconnect; one with as many as are allowed is taken', async (t) => {
    const flow = await startPublishing(t);
    const levels = (count: number): string => `commands${'/x'.repeat(count - 1)}`;
    // Mosquitto hangs up on the 202nd.
    for (const count of [201, 202]) {
      const body = { topic: levels(count), payload: 'x' };
      const raw = `/v1/publish/raw?topic=${encodeURIComponent(body.topic)}`;
      for (const [path, sent] of [
        ['/v1/publish', body],
        ['/v1/request', body],
        [raw, 'x'],
      ] as const) {
        const response = await flow.gateway.post(path, sent);
        const { code, errors } = (await response.json()) as Answer & { errors: { pointer: string }[] };
        assert.deepEqual([response.status, code, errors[0]?.pointer], [400, 'REQUEST_INVALID', '/topic'], path);
      }
      const batch = await flow.gateway.post('/v1/publish/batch', [body, { topic: levels(200), payload: 'x' }]);
      const statuses = ((await batch.json()) as Answer[]).map(({ status }) => status);
      assert.deepEqual([batch.status, statuses], [207, ['failed', 'published']]);
    }
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
  });

  it('what the broker said it will not take is refused with the cause, and the next one goes out', async (t) => {
    const flow = await startPublishing(t, ['max_packet_size 2000', 'retain_available false']);
    const large = await publish(flow, { topic: 'commands/pump', payload: 'x'.repeat(3_000) });
    assert.deepEqual([large.http, large.body.code], [502, 'PUBLISH_REFUSED']);
    assert.equal((large.body as unknown as { cause: string }).cause, 'packet-too-large');
    const retained = await publish(flow, { topic: 'commands/pump', payload: 'x', retain: true });
    assert.equal((retained.body as unknown as { cause: string }).cause, 'unsupported');
    assert.equal((await publish(flow, { topic: 'commands/pump', payload: 'x' })).http, 200);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
  });
});

function startPublishing(t: TestContext, lines: string[] = []): Promise<Flow> {
  return startFlow(t, { broker: { persistence: true, lines }, config: () => ({ publish: { allow: ['commands/#'] } }) });
}

async function publish({ gateway }: Flow, body: object): Promise<{ http: number; body: Answer }> {
  const response = await gateway.post('/v1/publish', body);
  return { http: response.status, body: (await response.json()) as Answer };
}

/** Everything that comes to `commands/#` from now on, also over a restart of the broker. */
async function listen(t: TestContext, { broker }: Flow): Promise<Arrived[]> {
  const client = await connectAsync(broker.url, {
    protocolVersion: 5,
    clientId: randomUUID(),
    clean: false,
    reconnectPeriod: 100,
    properties: { sessionExpiryInterval: 3_600 },
  });
  t.after(() => client.endAsync(true));
  const arrived: Arrived[] = [];
  client.on('message', (topic, payload, { qos, retain, properties }) => {
    arrived.push({ topic, payload: payload.toString('hex'), qos, retain, contentType: properties?.contentType });
  });
  await client.subscribeAsync('commands/#', { qos: 1 });
  return arrived;
}
