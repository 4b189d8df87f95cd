/** Others are told whether the gateway is there: by its birth message, and by its will however it ends. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { startFlow } from '../support/flow.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { needs } from '../support/needs.js';
import { accept, goodAnswer, startScriptedBroker } from '../support/scripted-broker.js';
import { startProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const TOPIC = 'gateways/7';
const BIRTH = { topic: TOPIC, payload: 'online', retain: true };
const WILL = { topic: TOPIC, payload: 'offline', retain: true };
const PUBLISH = { allow: ['commands/#'] };

/** What a client of its own sees on every topic, as `topic payload`, in order. */
async function witness(t: TestContext, url: string): Promise<string[]> {
  const seen: string[] = [];
  const client = await connectAsync(url, { protocolVersion: 5 });
  t.after(() => client.endAsync(true));
  client.on('message', (topic, payload) => void seen.push(`${topic} ${payload.toString()}`));
  await client.subscribeAsync('#', { qos: 1 });
  return seen;
}

const online = `${TOPIC} online`;
const offline = `${TOPIC} offline`;

function sees(seen: string[], ...wanted: string[]): Promise<unknown> {
  const all = (): boolean => seen.length >= wanted.length;
  return until(all, { what: () => `${wanted.join()}; seen: ${seen.join()}` }).then(() =>
    assert.deepEqual(seen, wanted),
  );
}

describe('will and birth message', { skip: needs('mosquitto') }, () => {
  for (const protocol of ['5', '3.1.1']) {
    it(`MQTT ${protocol}: online at each connect, offline when it is killed, and when it is stopped`, async (t) => {
      const flow = await startFlow(t, {
        gateway: { until: 'startup' },
        config: ({ brokerUrl }) => ({ broker: { url: brokerUrl, protocol }, session: { birth: BIRTH, will: WILL } }),
      });
      const seen = await witness(t, flow.broker.url);
      await sees(seen, online);
      await flow.gateway.kill();
      await sees(seen, online, offline);
      await flow.restart();
      await sees(seen, online, offline, online);
      assert.deepEqual(await flow.gateway.stop(), { code: 0, signal: null });
      await sees(seen, online, offline, online, offline);
    });
  }

  it('a delay: a restart in time is not seen as an absence', async (t) => {
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: ({ brokerUrl }) => ({
        broker: { url: brokerUrl },
        session: { birth: BIRTH, will: { ...WILL, delay: '1h' } },
      }),
    });
    const seen = await witness(t, flow.broker.url);
    await sees(seen, online);
    await flow.gateway.stop();
    await flow.restart();
    await flow.gateway.kill();
    await flow.restart();
    await sees(seen, online, online, online);
  });

  it('the birth message comes before anything from the outbox', async (t) => {
    const proxy = await startProxy(0);
    t.after(() => proxy.stop());
    const flow = await startFlow(t, {
      config: ({ brokerUrl }) => {
        proxy.aim(Number(new URL(brokerUrl).port));
        return { broker: { url: `mqtt://127.0.0.1:${proxy.port}` }, session: { birth: BIRTH }, publish: PUBLISH };
      },
    });
    const seen = await witness(t, flow.broker.url);
    await sees(seen, online);
    proxy.refuse = true;
    proxy.reset();
    await until(async () => (await flow.gateway.metric('holdfast_link_up')) === 0, { what: 'the drop' });
    const answer = await flow.gateway.post('/v1/publish', { topic: 'commands/a', payload: 'x' });
    assert.equal(answer.status, 202);
    proxy.refuse = false;
    await sees(seen, online, online, 'commands/a x');
  });
});

describe('a broker that denies', () => {
  it('the birth message, by hanging up: told, left out, and the outbox flows', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const commands: string[] = [];
    broker.answers.publish = (packet, client) => {
      if (packet.topic === TOPIC) return client.end();
      commands.push(packet.topic);
      goodAnswer(packet, client);
    };
    const gateway = await start(t, broker.url, { birth: BIRTH });
    const answer = await gateway.post(
      '/v1/publish',
      { topic: 'commands/a', payload: 'x' },
      { prefer: 'respond-async' },
    );
    assert.equal(answer.status, 202);
    await until(() => commands.length > 0, { what: () => `the publish\n${gateway.report}` });
    assert.equal(
      broker.clients.filter((client) => client.sent('publish').some(({ topic }) => topic === TOPIC)).length,
      3,
    );
    await steady(gateway);
    const { id } = (await answer.json()) as { id: string };
    const outcome = (await (await gateway.http(`/v1/publishes/${id}`)).json()) as { status: string };
    assert.equal(outcome.status, 'published', 'the publish is not blamed');
    assert.equal(problems(gateway, 'birth').length, 1);
  });

  it('the birth message, in words: told, and the link stays', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    broker.answers.publish = ({ messageId }, client) =>
      client.send({ cmd: 'puback', messageId: messageId!, reasonCode: 0x87 });
    const gateway = await start(t, broker.url, { birth: BIRTH });
    await until(() => problems(gateway, 'birth').length === 1, { what: () => `the warning\n${gateway.report}` });
    assert.match(String(problems(gateway, 'birth')[0]), /0x87/);
    await steady(gateway);
  });

  for (const [name, code] of [
    ['as not authorised', 0x87],
    ['by its code', 0x9a],
  ] as const) {
    it(`the will, ${name}: the link comes up without it`, async (t) => {
      const broker = await startScriptedBroker();
      t.after(() => broker.stop());
      broker.answers.connect = ({ will }, client) => {
        if (!will) return accept(client);
        client.send({ cmd: 'connack', reasonCode: code, sessionPresent: false });
        client.end();
      };
      const gateway = await start(t, broker.url, { will: WILL });
      await gateway.linkUp();
      await steady(gateway);
      assert.equal(problems(gateway, 'will').length, 1);
      assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
    });
  }
});

async function start(t: TestContext, url: string, session: object): Promise<GatewayProcess> {
  const gateway = await startGateway(await gatewayConfig({ broker: { url }, session, publish: PUBLISH }));
  t.after(() => gateway.kill());
  return gateway;
}

async function steady(gateway: GatewayProcess): Promise<void> {
  const connects = await gateway.metric('holdfast_link_connects_total');
  await sleep(1_000);
  assert.equal(await gateway.metric('holdfast_link_connects_total'), connects);
  assert.equal(await gateway.metric('holdfast_link_up'), 1);
}

function problems(gateway: GatewayProcess, message: 'birth' | 'will'): unknown[] {
  return gateway.logs.filter((line) => line['message'] === message).map(({ problem }) => problem);
}
