/** Every way a broker ends or refuses a link, played by a scripted broker, and what the gateway says of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CAUSE_OF_CODE } from '../../src/link/causes.js';
import type { LinkDrop } from '../../src/domain/link.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { accept, goodAnswer, startScriptedBroker, type ScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';
import { startLink } from './link-in-process.js';

/** CONNACK reason codes [MQTT 5.0, 3.2.2.2] and return codes [MQTT 3.1.1, 3.2.2.3]. */
const CONNACK_5 = [
  0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
  0x9d, 0x9f,
];
const CONNACK_4 = [1, 2, 3, 4, 5];
/** DISCONNECT reason codes a server may send [MQTT 5.0, 3.14.2.1]. */
const DISCONNECT_5 = [
  0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
  0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];

describe('causes', () => {
  for (const [protocol, codes] of [
    ['5', CONNACK_5],
    ['3.1.1', CONNACK_4],
  ] as const) {
    it(`CONNACK of MQTT ${protocol}: every one of ${codes.length} codes is named`, async (t) => {
      const broker = await startScriptedBroker();
      t.after(() => broker.stop());
      for (const code of codes) {
        broker.answers.connect = (_, client) => {
          client.send({ cmd: 'connack', sessionPresent: false, reasonCode: code, returnCode: code });
          client.end();
        };
        const link = startLink(broker.url, protocol);
        const drop = (await link.drops(1)).at(-1)!;
        await link.stop();
        assert.equal(drop.cause, CAUSE_OF_CODE[code], `0x${code.toString(16)}`);
        assert.equal(drop.wasUp, false);
        assert.match(drop.evidence.join(), new RegExp(`0x${code.toString(16)}`));
      }
    });
  }

  it(`DISCONNECT: every one of ${DISCONNECT_5.length} codes is named, and the link comes back`, async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const left = [...DISCONNECT_5];
    broker.answers.subscribe = (packet, client) => {
      goodAnswer(packet, client);
      const reasonCode = left.shift();
      // Not in one segment with SUBACK: the SUBSCRIBE would be the suspect.
      if (reasonCode !== undefined) setTimeout(() => client.send({ cmd: 'disconnect', reasonCode }), 5);
    };
    const link = startLink(broker.url);
    t.after(() => link.stop());
    const seen = (await link.drops(DISCONNECT_5.length)).map(({ cause }) => cause).reverse();
    assert.deepEqual(
      seen,
      DISCONNECT_5.map((code) => CAUSE_OF_CODE[code]),
    );
    await link.up();
    const reconnects = link.events.filter((event) => event.kind === 'up' && event.reconnect);
    assert.deepEqual(
      reconnects.map((event) => event.kind === 'up' && event.after),
      seen,
    );
  });

  it('closed without a word: network at first, another user of the client id after the third time', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    broker.answers.connect = (_, client) => accept(client, { sessionPresent: true });
    const gateway = await start(broker, '3.1.1');
    t.after(() => gateway.kill());
    for (let life = 1; life <= 3; life++) {
      const client = await broker.connection(life);
      await gateway.linkUp();
      setTimeout(() => client.end(), 30 * life);
      await until(() => client.socket.closed, { what: 'the end of it' });
    }
    const found = await drops(gateway, 3);
    assert.deepEqual(
      found.map(({ cause }) => cause),
      ['client-id-conflict', 'network', 'network'],
    );
    assert.equal((await gateway.ops('/readyz')).status, 200, 'REST and deliveries go on');
    const { state, since, retryAt } = await link(gateway);
    assert.equal(state, 'waiting', 'and it holds off');
    const waitMs = Date.parse(retryAt!) - Date.parse(since);
    assert.ok(waitMs >= 40_000 && waitMs <= 60_000, `until then: ${waitMs} ms`);
    assert.equal(broker.clients.filter(({ connect }) => connect).length, 3);
  });

  it('TLS where there is none, and none where there is, are named', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const named = async (url: string): Promise<string> => {
      const link = startLink(url);
      const [drop] = await link.drops(1);
      await link.stop();
      return `${drop!.cause}, ${drop!.confidence}`;
    };
    assert.equal(await named(broker.url.replace('mqtt:', 'mqtts:')), 'tls, likely', 'it hangs up in the handshake');
    broker.answers.connect = (_, client) => {
      client.bytes(Buffer.from([0x15, 3, 3, 0, 2, 2, 80])); // the alert internal_error
      client.end();
    };
    assert.equal(await named(broker.url), 'tls, certain');
  });

  it('a filter on which the broker hangs up is set aside: the others are subscribed', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    let sessionPresent = false;
    broker.answers.connect = (_, client) => accept(client, { sessionPresent });
    broker.answers.subscribe = (packet, client) => {
      if (packet.subscriptions[0]!.topic === 'secret') return client.end();
      goodAnswer(packet, client);
      sessionPresent = true;
    };
    const filters = ['a', 'secret', 'b'].map((filter) => ({ name: filter, filter }));
    const gateway = await start(broker, '3.1.1', filters);
    t.after(() => gateway.kill());
    await gateway.answered(3);
    const { subscribed, denied, setAside, state } = await link(gateway);
    assert.deepEqual([subscribed, denied, state], [['a', 'b'], { secret: null }, 'up']);
    const told = gateway.logs.find(({ msg }) => msg.startsWith('subscription set aside'));
    assert.equal(told?.['subscription'], 'secret');
    for (const until of [setAside['secret']!, told['until'] as string]) assert.ok(Date.parse(until) > Date.now());
    const [drop] = await drops(gateway, 2);
    assert.equal(drop!.cause, 'subscribe-denied');
    assert.match(drop!.evidence.join(), /SUBSCRIBE secret/);
    assert.equal(await gateway.metric('holdfast_link_subscription_denied', { subscription: 'secret' }), 1);
  });

  it('what CONNACK says of filters is obeyed before asking', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const properties = { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false };
    broker.answers.connect = (_, client) => accept(client, { properties });
    const filters = ['a/+', '$share/g/b', 'c'].map((filter) => ({ name: filter, filter }));
    const gateway = await start(broker, '5', filters);
    t.after(() => gateway.kill());
    await gateway.answered(3);
    assert.deepEqual(
      broker.client.sent('subscribe').map(({ subscriptions }) => subscriptions[0]!.topic),
      ['c'],
    );
    const { denied } = await link(gateway);
    assert.deepEqual(denied, { 'a/+': 0xa2, '$share/g/b': 0x9e });
  });

  it('the last drops outlive a restart', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    let once = true;
    broker.answers.subscribe = (packet, client) => {
      goodAnswer(packet, client);
      if (once) client.send({ cmd: 'disconnect', reasonCode: 0x98 });
      once = false;
    };
    const first = await start(broker, '5');
    await drops(first, 1);
    await first.linkUp();
    await first.kill();
    const second = await startGateway(await config(broker, '5'), { directory: first.directory, until: 'link' });
    t.after(() => second.kill());
    const { drops: kept } = (await (await second.http('/v1/link')).json()) as { drops: LinkDrop[] };
    assert.deepEqual(
      kept.map(({ cause }) => cause),
      ['admin-kick'],
    );
  });
});

interface Link {
  state: string;
  since: string;
  retryAt?: string;
  subscribed: string[];
  denied: { [name: string]: number | null };
  setAside: { [name: string]: string };
  drops: LinkDrop[];
}

async function link(gateway: GatewayProcess): Promise<Link> {
  return (await (await gateway.http('/v1/link')).json()) as Link;
}

/** The last ones, newest first, as soon as there are so many. */
async function drops(gateway: GatewayProcess, count: number): Promise<LinkDrop[]> {
  const all = async (): Promise<LinkDrop[] | undefined> => {
    const found = (await link(gateway)).drops;
    return found.length >= count ? found : undefined;
  };
  return until(all, { timeoutMs: 30_000, what: () => `${count} drops\n${gateway.report}` });
}

async function config(broker: ScriptedBroker, protocol: string, subscriptions: object[] = [{ filter: 'a' }]) {
  return gatewayConfig({
    broker: { url: broker.url, protocol },
    session: { reconnect: { initial: '10ms', max: '50ms', refused: '1s' } },
    subscriptions,
  });
}

async function start(broker: ScriptedBroker, protocol: string, subscriptions?: object[]): Promise<GatewayProcess> {
  return startGateway(await config(broker, protocol, subscriptions));
}
