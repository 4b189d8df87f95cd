/** Every way a broker says no to a SUBSCRIBE or a PUBLISH: the rest works, and no answer is asked for in a loop. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Cause } from '../../src/domain/cause.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { accept, goodAnswer, startScriptedBroker, type ScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';

/** SUBACK [MQTT 5.0, 3.9.3]. */
const SUBACK_5: { [code: number]: Cause } = {
  0x80: 'subscribe-denied',
  0x83: 'subscribe-denied',
  0x87: 'subscribe-denied',
  0x8f: 'subscribe-denied',
  0x91: 'protocol-error',
  0x97: 'quota-exceeded',
  0x9e: 'unsupported',
  0xa1: 'unsupported',
  0xa2: 'unsupported',
};
const SUBACK_4: { [code: number]: Cause } = { 0x80: 'subscribe-denied' };
/** PUBACK and PUBREC [MQTT 5.0, 3.4.2.1, 3.5.2.1]. */
const PUBACK_5: { [code: number]: Cause } = {
  0x80: 'publish-denied',
  0x83: 'publish-denied',
  0x87: 'publish-denied',
  0x90: 'publish-denied',
  0x91: 'protocol-error',
  0x97: 'quota-exceeded',
  0x99: 'malformed-packet',
};
/** In neither table. */
const UNKNOWN_CODE = 0xc3;

describe('refused operations', () => {
  for (const [protocol, codes] of [
    ['5', SUBACK_5],
    ['3.1.1', SUBACK_4],
  ] as const) {
    it(`SUBACK of MQTT ${protocol}: each failure is named, asked once, and the others are subscribed`, async (t) => {
      const denied = Object.keys(codes);
      const { broker, gateway } = await start(t, protocol, ['first', ...denied, 'last']);
      await gateway.answered(denied.length + 2);
      const link = (await (await gateway.http('/v1/link')).json()) as { subscribed: string[]; denied: object };
      assert.deepEqual(link.subscribed, ['first', 'last']);
      assert.deepEqual(link.denied, Object.fromEntries(denied.map((name) => [name, Number(name)])));
      for (const [code, cause] of Object.entries(codes)) {
        const entry = gateway.logs.find(
          ({ msg, code: said }) => msg === 'subscription denied' && said === Number(code),
        );
        assert.equal(entry?.['cause'], cause, code);
        assert.match(entry['mend'] as string, /\S/);
      }
      for (const name of ['first', ...denied, 'last']) {
        const value = await gateway.metric('holdfast_link_subscription_denied', { subscription: name });
        assert.equal(value, denied.includes(name) ? 1 : 0, name);
      }
      assert.equal(broker.client.sent('subscribe').length, denied.length + 2, 'one SUBSCRIBE for each');
      await takes(broker, gateway, 1);
    });
  }

  it('a SUBACK code that no specification has: that filter is set aside, the others are subscribed', async (t) => {
    const { broker, gateway } = await start(t, '5', ['first', String(UNKNOWN_CODE), 'last']);
    await gateway.answered(3);
    const connections = broker.clients.length;
    assert.ok(connections <= 4, `${connections} connections`);
    await takes(broker, gateway, connections);
  });

  for (const command of ['puback', 'pubrec'] as const) {
    it(`${command.toUpperCase()}: each failure is a 502 with its cause, and final; the next publish goes out`, async (t) => {
      const { broker, gateway } = await start(t, '5', ['first']);
      broker.answers.publish = (packet, client) => {
        const reasonCode = Number(packet.topic.split('/')[1]);
        if (reasonCode === 0) goodAnswer(packet, client);
        else client.send({ cmd: command, messageId: packet.messageId!, reasonCode });
      };
      for (const [code, cause] of Object.entries(PUBACK_5)) {
        const answer = await publish(gateway, code);
        assert.deepEqual(
          [answer.http, answer.code, answer.cause, answer.reasonCode],
          [502, 'PUBLISH_REFUSED', cause, Number(code)],
        );
        assert.equal((await standing(gateway, answer.id)).status, 'refused');
        assert.equal((await publish(gateway, '0')).http, 200, `after ${code}`);
      }
      const count = Object.keys(PUBACK_5).length;
      assert.equal(await gateway.metric('holdfast_publishes_total', { outcome: 'refused' }), count);
      const emptied = async (): Promise<boolean> => (await gateway.metric('holdfast_outbox_records')) === 0;
      await until(emptied, { what: 'the outbox to be empty: the disk hears of an answer a little later' });
      broker.client.reset();
      await until(async () => (await gateway.metric('holdfast_link_connects_total')) === 2, { what: 'the link' });
      assert.equal((await publish(gateway, '0')).http, 200);
      const sent = broker.clients.map((client) => client.sent('publish').length);
      assert.deepEqual(sent, [2 * count, 1], 'what was refused is not sent again');
      await takes(broker, gateway, 2);
    });
  }

  it('a PUBACK code that no specification has: refused after some tries, and the next publish goes out', async (t) => {
    const { broker, gateway } = await start(t, '5', ['first']);
    broker.answers.publish = (packet, client) => {
      const reasonCode = Number(packet.topic.split('/')[1]);
      client.send({ cmd: 'puback', messageId: packet.messageId!, reasonCode });
    };
    const { http, id } = await publish(gateway, String(UNKNOWN_CODE));
    assert.equal(http, 202, 'the link dropped under it');
    await until(async () => (await standing(gateway, id)).status === 'refused', { what: () => gateway.report });
    assert.equal((await standing(gateway, id)).cause, 'publish-denied');
    await gateway.linkUp();
    assert.equal((await publish(gateway, '0')).http, 200);
    const sent = broker.clients.flatMap((client) => client.sent('publish'));
    assert.equal(sent.length, 4, 'three tries and the next one');
  });

  it('a publish of MQTT 3.1.1 that is answered with a reset: refused after three tries, and both reasons are named', async (t) => {
    const { broker, gateway } = await start(t, '3.1.1', ['first']);
    broker.answers.publish = (packet, client) => {
      if (packet.payload.length > 2_000) client.reset();
      else goodAnswer(packet, client);
    };
    const publishes = (payload: string) => gateway.post('/v1/publish', { topic: 'commands/1', payload });
    const { id } = (await (await publishes('x'.repeat(3_000))).json()) as Standing;
    await until(async () => (await standing(gateway, id)).status === 'refused', { what: () => gateway.report });
    assert.equal((await publishes('x')).status, 200, gateway.report);
    const sent = broker.clients.flatMap((client) => client.sent('publish'));
    assert.equal(sent.length, 4, 'three tries and the next one');
    const { drops } = await gateway.link();
    const named = drops.find(({ cause }) => cause === 'publish-denied')!;
    assert.match(named.evidence.join(), /PUBLISH commands\/1 \(30\d\d bytes\).*not be allowed, or be larger/);
    assert.match(named.mend, /publish\.allow.*publish\.maxPayload/);
  });
});

interface Standing {
  id: string;
  status: string;
  cause?: string;
}
interface Answer extends Standing {
  http: number;
  code?: string;
  reasonCode?: number;
}

async function publish(gateway: GatewayProcess, code: string): Promise<Answer> {
  const response = await gateway.post('/v1/publish', { topic: `commands/${code}`, payload: 'x' });
  return { http: response.status, ...((await response.json()) as Omit<Answer, 'http'>) };
}

async function standing(gateway: GatewayProcess, id: string): Promise<Standing> {
  return (await (await gateway.http(`/v1/publishes/${id}`)).json()) as Standing;
}

/** A message comes in and is acknowledged, on the only connections there ever were. */
async function takes(broker: ScriptedBroker, gateway: GatewayProcess, connections: number): Promise<void> {
  const { client } = broker;
  client.send({ cmd: 'publish', topic: 'first', payload: 'x', qos: 1, dup: false, retain: false, messageId: 1 });
  await until(() => client.sent('puback').length === 1, { what: () => `the message to be taken\n${gateway.report}` });
  assert.equal(await gateway.metric('holdfast_link_connects_total'), connections);
}

/** A broker that answers a filter that is a number with that code, and a gateway that asks for `filters`. */
async function start(
  t: TestContext,
  protocol: '5' | '3.1.1',
  filters: string[],
): Promise<{ broker: ScriptedBroker; gateway: GatewayProcess }> {
  const broker = await startScriptedBroker();
  t.after(() => broker.stop());
  broker.answers.connect = (_, client) => accept(client, { sessionPresent: broker.clients.length > 1 });
  broker.answers.subscribe = (packet, client) => {
    const { topic } = packet.subscriptions[0]!;
    if (Number.isNaN(Number(topic))) return goodAnswer(packet, client);
    // By hand, because the packet writer refuses codes that no specification has.
    const [high, low] = [packet.messageId! >> 8, packet.messageId! & 0xff];
    const code = Number(topic);
    client.bytes(Buffer.from(client.version === 5 ? [0x90, 4, high, low, 0, code] : [0x90, 3, high, low, code]));
  };
  const config = await gatewayConfig({
    broker: { url: broker.url, protocol },
    session: { reconnect: { initial: '10ms', max: '50ms' } },
    subscriptions: filters.map((filter) => ({ name: filter, filter })),
    publish: { allow: ['commands/#'] },
  });
  const gateway = await startGateway(config, { until: 'link' });
  t.after(() => gateway.kill());
  return { broker, gateway };
}
