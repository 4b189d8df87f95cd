/** An app asks over REST, a device answers over MQTT 5. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt';
import { dynamicSecurity } from '../support/dynamic-security.js';
import { startFlow, type Flow, type FlowOptions } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { accept, startScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';

const BODY = { topic: 'commands/pump', payload: 'how' };

interface Asked {
  http: number;
  body: Buffer;
  headers: Headers;
  problem: { code?: string; id?: string; detail?: string; [member: string]: unknown };
}

describe('POST /v1/request', { skip: needs('mosquitto') }, () => {
  it('is answered with the payload of the answer, and what MQTT says of it in headers; one of many is not another’s', async (t) => {
    const flow = await start(t, { subscriptions: [{ filter: '#', qos: 2 }] });
    await device(t, flow, (client, { topic, payload, properties }) => {
      const { responseTopic, correlationData } = properties!;
      const userProperties = { unit: 'bar', ä: ['1', '2'] };
      const answer = Buffer.concat([payload as Buffer, Buffer.from([0, 0xff])]);
      const sent = { correlationData, contentType: 'application/x-bar', userProperties };
      client.publish(responseTopic!, answer, { qos: topic.endsWith('2') ? 2 : 1, properties: sent });
    });
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        ask(flow, { topic: `commands/${n}`, payload: `${n}`, correlationData: 'aGk=' }),
      ),
    );
    for (const [n, { http, body, headers }] of all.entries()) {
      assert.equal(http, 200);
      assert.deepEqual(body, Buffer.concat([Buffer.from(`${n}`), Buffer.from([0, 0xff])]));
      assert.equal(headers.get('content-type'), 'application/x-bar');
      assert.equal(headers.get('mqtt-correlation-data'), 'aGk=');
      assert.equal(headers.get('mqtt-user-property'), 'unit=bar, %C3%A4=1, %C3%A4=2');
      assert.match(headers.get('mqtt-topic')!, /^holdfast\/responses\/gateway\/[0-9a-f]{32}$/);
      assert.equal(headers.get('mqtt-qos'), '1');
      const { status } = (await (
        await flow.gateway.http(`/v1/publishes/${headers.get('holdfast-publish-id')}`)
      ).json()) as {
        status: string;
      };
      assert.equal(status, 'published');
    }
    // The answers came over the link, and a subscription of everything: nothing of them is in the journal.
    assert.equal(await flow.gateway.metric('holdfast_journal_records'), 0);
    assert.equal(await flow.gateway.metric('holdfast_link_pending_acks'), 0);
  });

  it('that nobody answers in time is a 504; an answer that comes later is acknowledged and goes nowhere', async (t) => {
    const flow = await start(t);
    const late: (() => void)[] = [];
    await device(t, flow, (client, { properties }) => {
      late.push(() => client.publish(properties!.responseTopic!, 'late', { qos: 1 }));
    });
    const { http, problem } = await ask(flow, { ...BODY, timeoutSeconds: 0.3 });
    assert.deepEqual([http, problem.code], [504, 'RESPONSE_TIMEOUT']);
    assert.match(problem.id!, /^[0-9a-f-]{36}$/);
    for (const answer of late) answer();
    assert.equal(await flow.gateway.metric('holdfast_journal_records'), 0);
    assert.equal((await flow.gateway.link()).state, 'up');
    const { problem: bad } = await ask(flow, { ...BODY, timeoutSeconds: 61 });
    assert.equal(bad.code, 'REQUEST_INVALID');
  });

  it('of callers that hang up, and of one token alone, leave room for the others', async (t) => {
    const tokens = ['one', 'two'].map((name) => ({ name, token: `${name}-token-of-sixteen`, scopes: ['publish'] }));
    const flow = await start(
      t,
      {
        publish: { allow: ['commands/#'], request: { maxWaiting: 12, maxPerToken: 8 } },
        http: { auth: { tokens } },
      },
      { gateway: { until: 'startup' } },
    );
    await flow.gateway.linkUp();
    const heard: string[] = [];
    await device(t, flow, (_client, { topic }) => heard.push(topic));
    const askAs = (name: string): Promise<Asked> =>
      ask(flow, { ...BODY, timeoutSeconds: 0.1 }, { authorization: `Bearer ${name}-token-of-sixteen` });
    for (const topic of ['commands/1', 'commands/2', 'commands/3']) {
      const body = JSON.stringify({ topic, payload: 'how', timeoutSeconds: 60 });
      const head = [
        'POST /v1/request HTTP/1.1',
        'host: 127.0.0.1',
        'authorization: Bearer one-token-of-sixteen',
        'content-type: application/json',
        `content-length: ${body.length}`,
      ];
      const socket = connect(flow.gateway.ports.httpPort, '127.0.0.1').on('error', () => undefined);
      t.after(() => socket.destroy());
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`.repeat(8));
      await until(() => heard.filter((one) => one === topic).length === 8, { what: `8 requests to ${topic}` });
      const full = await askAs('one');
      assert.deepEqual([full.http, full.problem.code], [429, 'IN_FLIGHT_FULL']);
      assert.match(full.problem.detail!, /the token "one"/);
      assert.equal((await askAs('two')).http, 504);
      socket.destroy();
      await until(async () => (await askAs('one')).http === 504, { what: 'the places to be given back' });
    }
  });

  it('while the link is down it is a 503; one that waits in the outbox is never carried out after its time', async (t) => {
    const flow = await start(t);
    const heard: string[] = [];
    await device(t, flow, (_client, { payload }) => heard.push(payload.toString()));
    const first = ask(flow, { ...BODY, payload: 'first', timeoutSeconds: 2 });
    await until(() => heard.length === 1, { what: 'the first one' });
    process.kill(flow.broker.pid, 'SIGSTOP');
    // The link is still up, and the broker takes nothing.
    const { http } = await ask(flow, { ...BODY, payload: 'second', timeoutSeconds: 1 });
    assert.equal(http, 504);
    assert.equal((await first).http, 504);
    await flow.broker.stop('SIGKILL');
    await until(async () => (await flow.gateway.metric('holdfast_link_up')) === 0, { what: 'the link to be down' });
    const down = await ask(flow, BODY);
    assert.deepEqual([down.http, down.problem.code], [503, 'LINK_DOWN']);
    await flow.broker.start();
    await flow.gateway.linkUp();
    const after = await flow.gateway.post('/v1/publish', { ...BODY, payload: 'after' });
    assert.equal(after.status, 200);
    assert.ok(!heard.includes('second'), heard.join());
  });

  it('that is answered 504 is not published any more when the broker is back at once, and its id says so', async (t) => {
    // It takes one publish at a time, and the first has no answer: what comes next waits in the outbox.
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    broker.answers.connect = (_packet, client) => accept(client, { properties: { receiveMaximum: 1 } });
    broker.answers.publish = () => undefined;
    const flow = await start(t, { broker: { url: broker.url } });
    assert.equal((await flow.gateway.post('/v1/publish', BODY, { prefer: 'respond-async' })).status, 202);
    const { http, problem } = await ask(flow, { ...BODY, payload: 'late', timeoutSeconds: 0.2 });
    assert.deepEqual([http, problem.code], [504, 'RESPONSE_TIMEOUT']);
    delete broker.answers.publish;
    broker.client.end();
    await broker.connection(2);
    await flow.gateway.linkUp();
    assert.equal((await flow.gateway.post('/v1/publish', { ...BODY, payload: 'after' })).status, 200);
    const published = broker.clients.flatMap((client) => client.sent('publish')).map(({ payload }) => String(payload));
    assert.deepEqual([...new Set(published)], ['how', 'after']);
    const status = async (): Promise<string> =>
      ((await (await flow.gateway.http(`/v1/publishes/${problem.id}`)).json()) as { status: string }).status;
    await until(async () => (await status()) === 'expired', { what: 'its end to be on disk' });
  });

  it('after a restart, and after the broker has forgotten the session, it works again by itself', async (t) => {
    const flow = await start(t);
    const answer = (client: MqttClient, { properties }: IPublishPacket): unknown =>
      client.publish(properties!.responseTopic!, 'yes', { qos: 1 });
    await device(t, flow, answer);
    assert.equal((await ask(flow, BODY)).http, 200);
    await flow.gateway.kill();
    await flow.restart();
    assert.equal((await ask(flow, BODY)).http, 200);
    await flow.broker.stop();
    await flow.broker.start(); // without persistence: every session is gone
    await flow.gateway.linkUp();
    await device(t, flow, answer);
    assert.equal((await ask(flow, BODY)).http, 200);
  });

  it('over MQTT 3.1.1 it is refused, and says why', async (t) => {
    const flow = await start(t, { broker: { protocol: '3.1.1' } });
    const { http, problem } = await ask(flow, BODY);
    assert.deepEqual([http, problem.code], [501, 'REQUEST_UNSUPPORTED']);
  });

  it('where the broker denies the answers it is a 502, and the link holds', async (t) => {
    const gateway = { password: 'secret', read: ['devices/#'], write: ['commands/#'] };
    const lines = dynamicSecurity({ gateway });
    const flow = await start(t, { broker: { username: 'gateway', password: 'secret' } }, { broker: { lines } });
    for (let i = 0; i < 2; i++) {
      const { http, problem } = await ask(flow, BODY);
      assert.deepEqual([http, problem.code, problem['cause']], [502, 'RESPONSES_DENIED', 'subscribe-denied']);
    }
    assert.equal((await flow.gateway.post('/v1/publish', BODY)).status, 200);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
  });
});

function start(t: TestContext, more: GatewayConfig = {}, options: FlowOptions = {}): Promise<Flow> {
  const { broker = {}, ...rest } = more as { broker?: object };
  return startFlow(t, {
    ...options,
    config: ({ brokerUrl }) => ({
      publish: { allow: ['commands/#'] },
      subscriptions: [],
      ...rest,
      broker: { url: brokerUrl, ...broker },
    }),
  });
}

async function ask({ gateway }: Flow, body: object, headers: { [name: string]: string } = {}): Promise<Asked> {
  const response = await gateway.post('/v1/request', body, headers);
  const bytes = Buffer.from(await response.arrayBuffer());
  const problem = response.ok ? {} : (JSON.parse(bytes.toString()) as Asked['problem']);
  return { http: response.status, body: bytes, headers: response.headers, problem };
}

/** One that hears the commands. */
async function device(
  t: TestContext,
  { broker }: Flow,
  heard: (client: MqttClient, packet: IPublishPacket) => unknown,
): Promise<void> {
  const client = await connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 100 });
  t.after(() => client.endAsync(true));
  client.on('message', (_topic, _payload, packet) => heard(client, packet));
  await client.subscribeAsync('commands/+', { qos: 1 });
}
