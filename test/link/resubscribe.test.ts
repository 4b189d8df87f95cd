/** Subscriptions that change while the link is up, at a broker that does what the test says: packets, refusals, hang-ups, kills. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Packet } from 'mqtt-packet';
import { stringify } from 'yaml';
import type { SubscriptionSettings } from '../../src/domain/settings.js';
import { gatewayConfig, type GatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { accept, goodAnswer, startScriptedBroker, type ScriptedBroker } from '../support/scripted-broker.js';
import type { ScriptedClient } from '../support/scripted-broker.js';
import { until } from '../support/until.js';
import { startLink, type LinkInProcess } from './link-in-process.js';

function subscriptions(...filters: string[]): SubscriptionSettings[] {
  return filters.map((filter) => ({ name: filter, filter, qos: 1, overlap: 'refuse' }));
}

/** Of one connection, what was asked of the broker: `+filter` and `-filter`. */
function asked({ packets }: ScriptedClient): string[] {
  return packets.flatMap((packet: Packet) => {
    if (packet.cmd === 'subscribe') return packet.subscriptions.map(({ topic }) => `+${topic}`);
    return packet.cmd === 'unsubscribe' ? packet.unsubscriptions.map((topic) => `-${topic}`) : [];
  });
}

async function startBroker(t: TestContext): Promise<ScriptedBroker> {
  const broker = await startScriptedBroker();
  t.after(() => broker.stop());
  broker.answers.connect = (_, client) => accept(client, { sessionPresent: broker.clients.length > 1 });
  return broker;
}

async function start(t: TestContext, protocol: '5' | '3.1.1' = '5', filters = ['a', 'b']) {
  const broker = await startBroker(t);
  const link = startLink(broker.url, protocol, {}, filters);
  t.after(() => link.stop());
  await is(link, filters);
  return { broker, link };
}

/** The link is up, with these subscriptions granted. */
async function is(link: LinkInProcess, filters: string[]): Promise<void> {
  const status = () => link.session.status();
  const reached = (): boolean => status().state === 'up' && status().subscribed.join() === filters.join();
  await until(reached, { everyMs: 2, what: () => `${filters.join()}, not ${JSON.stringify(status())}` });
}

describe('subscriptions that change', () => {
  for (const protocol of ['5', '3.1.1'] as const) {
    it(`MQTT ${protocol}: on the link that is up, the new ones first`, async (t) => {
      const { broker, link } = await start(t, protocol);
      const [before, sent] = [broker.client.packets.length, broker.client];
      link.session.resubscribe([
        ...subscriptions('$share/g/c'),
        { ...subscriptions('a')[0]!, name: 'renamed', qos: 0 },
      ]);
      await until(() => sent.sent('unsubscribe').length === 1, { everyMs: 2, what: 'the UNSUBSCRIBE' });
      await is(link, ['$share/g/c', 'renamed']);
      assert.deepEqual(asked(sent).slice(2), ['+$share/g/c', '+a', '-b']);
      const [shared, changed] = sent.packets.slice(before).filter((packet) => packet.cmd === 'subscribe');
      const options = (packet: typeof shared) =>
        packet!.subscriptions.map(({ qos, rh, rap, nl }) => ({ qos, rh, rap, nl }));
      // Retained messages come with a new subscription, and not again with one that is there [MQTT 5.0, 3.8.3.1].
      const of5 = (qos: number, nl: boolean) => (protocol === '5' ? { qos, rh: 1, rap: true, nl } : undefined);
      if (protocol === '5') assert.deepEqual([options(shared), options(changed)], [[of5(1, false)], [of5(0, true)]]);
      assert.equal(changed!.subscriptions[0]!.qos, 0);
      assert.deepEqual([broker.clients.length, link.session.status().drops], [1, []]);
    });
  }

  it('a refusal is told under its name, and asked for again; removed, it is gone from all that tells of it', async (t) => {
    const { broker, link } = await start(t);
    broker.answers.subscribe = ({ messageId, subscriptions: [one] }, client) => {
      client.send({ cmd: 'suback', messageId: messageId!, granted: [one!.topic === 'bad' ? 0x97 : one!.qos] });
    };
    link.session.resubscribe(subscriptions('a', 'bad', 'c'));
    await is(link, ['a', 'c']);
    assert.deepEqual(link.session.status().denied, { bad: 0x97 });
    const told = link.events.filter((event) => event.kind === 'subscription' && event.name === 'bad');
    assert.deepEqual(told[0], { kind: 'subscription', name: 'bad', code: 0x97 });
    await until(() => asked(broker.client).filter((one) => one === '+bad').length === 2, {
      what: 'once there is room',
    });
    link.session.resubscribe(subscriptions('a', 'c'));
    assert.deepEqual(link.session.status().denied, {});
    assert.deepEqual(asked(broker.client).slice(2), ['+bad', '+c', '-b', '+bad']);
  });

  for (const [name, hangUp] of [
    ['closes', (client: ScriptedClient) => client.end()],
    ['resets', (client: ScriptedClient) => client.reset()],
  ] as const) {
    it(`a broker that ${name} on a new filter: it is set aside, and the link is well without it`, async (t) => {
      const { broker, link } = await start(t);
      broker.answers.subscribe = (packet, client) => {
        if (packet.subscriptions[0]!.topic === 'bad') hangUp(client);
        else goodAnswer(packet, client);
      };
      link.session.resubscribe(subscriptions('a', 'bad', 'c'));
      await until(() => link.session.status().denied['bad'] === null, {
        what: () => `bad to be set aside\n${JSON.stringify(link.session.status())}`,
      });
      await is(link, ['a', 'c']);
      const connections = broker.clients.length;
      assert.ok(connections <= 4, `${connections} connections`);
      // A reset while several are asked for at once tells of none of them.
      const causes = link.session.status().drops.map(({ cause }) => cause);
      assert.deepEqual(causes.slice(0, 2), ['subscribe-denied', 'subscribe-denied']);
      assert.ok(!('b' in link.session.status().denied) && asked(broker.clients[1]!).includes('-b'), 'room first');
      link.session.resubscribe(subscriptions('a', 'c'));
      assert.deepEqual([link.session.status().denied, link.session.status().setAside], [{}, {}]);
      await until(() => asked(broker.client).includes('-bad'), { what: 'what it may have taken to be given up' });
      assert.deepEqual([broker.clients.length, link.session.status().state], [connections, 'up']);
    });
  }

  it('removed while the broker still hangs up on it, it does so no more', async (t) => {
    const { broker, link } = await start(t);
    broker.answers.subscribe = (_, client) => client.end();
    link.session.resubscribe(subscriptions('a', 'b', 'bad'));
    await link.drops(1);
    link.session.resubscribe(subscriptions('a', 'b'));
    const connections = broker.clients.length;
    await is(link, ['a', 'b']);
    await until(() => asked(broker.client).includes('-bad'), { what: 'the UNSUBSCRIBE' });
    assert.ok(broker.clients.length <= connections + 1);
  });

  it('while the link is down: at the next connect, and only the last of several changes', async (t) => {
    const { broker, link } = await start(t);
    const good = broker.answers.connect!;
    broker.answers.connect = (_, client) => client.end();
    broker.client.end();
    await link.drops(2);
    link.session.resubscribe(subscriptions('a', 'never'));
    link.session.resubscribe(subscriptions('a', 'c'));
    broker.answers.connect = good;
    await is(link, ['a', 'c']);
    await until(() => asked(broker.client).includes('-b'), { what: 'the UNSUBSCRIBE' });
    assert.ok(!asked(broker.client).join().includes('never'));
    assert.ok(asked(broker.client).includes('+c'));
  });
});

const SCHEMA = JSON.stringify({ type: 'object', required: ['ok'] });
const ONE = { name: 'one', filter: 'one/+', contract: 'strict' };
const TWO = { name: 'two', filter: 'two/+', contract: 'strict-too' };

/** The gateway as a process, with a webhook for everything, at a scripted broker. */
class Scene {
  #next = 0;

  private constructor(
    readonly broker: ScriptedBroker,
    readonly receiver: Receiver,
    readonly config: GatewayConfig,
    public gateway: GatewayProcess,
  ) {}

  static async start(t: TestContext): Promise<Scene> {
    const broker = await startBroker(t);
    const receiver = await startReceiver();
    t.after(() => receiver.stop());
    const config = await gatewayConfig({
      broker: { url: broker.url },
      subscriptions: [ONE],
      contracts: { strict: { schema: 'strict.json' } },
      subscribers: [{ id: 'app', url: receiver.url, topics: ['#'] }],
    });
    const gateway = await startGateway(config, { until: 'none' });
    writeFileSync(join(gateway.directory, 'strict.json'), SCHEMA);
    writeFileSync(join(gateway.directory, 'strict-too.json'), SCHEMA);
    const scene = new Scene(broker, receiver, config, gateway);
    t.after(() => scene.gateway.kill());
    await gateway.linkUp();
    await gateway.answered(1);
    return scene;
  }

  async reload(...wanted: object[]): Promise<unknown> {
    const { strict } = this.config['contracts'] as GatewayConfig;
    const contracts = wanted.includes(TWO) ? { strict, 'strict-too': { schema: 'strict-too.json' } } : { strict };
    const file = stringify({ ...this.config, contracts, subscriptions: wanted });
    writeFileSync(join(this.gateway.directory, 'gateway.yaml'), file);
    return (await this.gateway.post('/v1/reload', {})).json();
  }

  /** Sends one payload that its contract takes, and one that it does not. */
  send(folder: string, client = this.broker.client): void {
    for (const payload of ['{"ok":1}', '{"no":1}']) {
      const messageId = ++this.#next;
      client.send({
        cmd: 'publish',
        topic: `${folder}/${messageId}`,
        payload,
        qos: 1,
        dup: false,
        retain: false,
        messageId,
      });
    }
  }

  /** @returns how many were delivered, and how many rejected, once all are one of both */
  async judged(): Promise<[delivered: number, rejected: number]> {
    const rejected = async (): Promise<number> => {
      const { items } = (await (await this.gateway.http('/v1/rejections?limit=100')).json()) as { items: unknown[] };
      return items.length;
    };
    const delivered = (): number => this.receiver.requests.length;
    const all = async (): Promise<boolean> => delivered() + (await rejected()) >= this.#next;
    await until(all, { what: () => `all of ${this.#next}\n${this.gateway.report}` });
    assert.ok(this.receiver.requests.every(({ body }) => body.toString() === '{"ok":1}'));
    return [delivered(), await rejected()];
  }
}

describe('subscriptions of a running gateway', () => {
  it('what comes for a new one meets its contract, and so does what still comes for one that is gone', async (t) => {
    const scene = await Scene.start(t);
    const { broker } = scene;
    broker.answers.subscribe = (packet, client) => {
      scene.send('two'); // before SUBACK, as brokers may
      goodAnswer(packet, client);
    };
    const report = (await scene.reload(ONE, TWO)) as { changed: string[]; needsRestart: string[] };
    const keys = ['contracts.strict-too', 'subscriptions.two'];
    assert.deepEqual([report.changed.slice(0, 2), report.needsRestart], [keys, []]);
    await scene.gateway.answered(2);
    assert.deepEqual(await scene.judged(), [1, 1]);
    const series = async (): Promise<string[]> => {
      const { text } = await scene.gateway.ops('/metrics');
      return text.match(/holdfast_link_subscription_(denied|unanswered)\{.*\} \d/g) ?? [];
    };
    assert.equal((await series()).length, 4);
    let held: Parameters<NonNullable<typeof broker.answers.unsubscribe>> | undefined;
    broker.answers.unsubscribe = (...unsubscribe) => void (held = unsubscribe);
    await scene.reload(ONE); // and its contract is gone from the file, too
    await until(() => held, { what: 'the UNSUBSCRIBE' });
    scene.send('two');
    assert.deepEqual(await scene.judged(), [2, 2]);
    goodAnswer(...held!);
    const link = await scene.gateway.link();
    assert.deepEqual([link.subscribed, link.drops, link.counters.connects], [['one'], [], 1]);
    assert.deepEqual(await series(), [
      'holdfast_link_subscription_denied{subscription="one"} 0',
      'holdfast_link_subscription_unanswered{subscription="one"} 0',
    ]);
    for (const path of ['/asyncapi.json', '/v1/config']) {
      const text = await (await scene.gateway.http(path)).text();
      assert.ok(text.includes('one/') && !text.includes('two/') && !text.includes('strict-too'), path);
    }
  });

  it('kill -9 between SUBSCRIBE and SUBACK: a start with the old file gives it up, one with the new file has it', async (t) => {
    const scene = await Scene.start(t);
    const { broker } = scene;
    const contracts = { strict: { schema: 'strict.json' }, 'strict-too': { schema: 'strict-too.json' } };
    for (const [wanted, expected] of [
      [[ONE], '-two/+'],
      [[ONE, TWO], '+two/+'],
    ] as const) {
      broker.answers.subscribe = () => undefined;
      await scene.reload(ONE, TWO);
      await until(() => asked(broker.client).includes('+two/+'), { what: 'the SUBSCRIBE' });
      await scene.gateway.kill();
      delete broker.answers.subscribe;
      const { directory } = scene.gateway;
      const config = { ...scene.config, contracts, subscriptions: wanted };
      scene.gateway = await startGateway(config, { directory, until: 'link' });
      await scene.gateway.answered(wanted.length);
      await until(() => asked(broker.client).includes(expected), { what: expected });
      assert.deepEqual(asked(broker.client).sort(), ['+one/+', expected].sort());
    }
  });
});
