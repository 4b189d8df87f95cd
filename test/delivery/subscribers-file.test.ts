/** Subscribers of the configuration file that come, change and go while the gateway runs: nothing is lost by it. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { stringify } from 'yaml';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';
import { Volume } from '../support/volume.js';

const OLD = 'Bearer old-and-secret';
const NEW = 'Bearer new-and-secret';
const KEYS = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);

interface Answer {
  status: number;
  result?: string;
  code?: string;
  changed?: string[];
  needsRestart?: string[];
  problems?: { path: string; line: number; mend: string }[];
}

interface Shown {
  id: string;
  source: string;
  state: string;
  reason: string;
  lagRecords: number;
  topics: string[];
}

interface Subscriber {
  id: string;
  url: string;
  topics: string[];
  [key: string]: unknown;
}

/** A gateway whose configuration and secrets lie where the kubelet mounts them. */
class Scene {
  readonly #volume = new Volume();
  /** Of the file. */
  subscribers: Subscriber[] = [];
  files: { [name: string]: string } = { token: OLD, key: KEYS[0]! };
  flow!: Flow;

  static async start(t: TestContext, subscribers: (receiverUrl: string) => Subscriber[]): Promise<Scene> {
    const scene = new Scene();
    scene.#volume.put({ 'gateway.yaml': '', ...scene.files });
    scene.flow = await startFlow(t, {
      gateway: { directory: scene.#volume.directory },
      config: ({ receiverUrl }) => ({ subscribers: (scene.subscribers = subscribers(receiverUrl)) }),
    });
    return scene;
  }

  /** Swaps all files at once. @param more sections that are others now */
  swap(more: GatewayConfig = {}): void {
    const { config } = this.flow;
    config['subscribers'] = this.subscribers;
    this.#volume.put({ 'gateway.yaml': stringify({ ...config, ...more }), ...this.files });
  }

  async reload(): Promise<Answer> {
    const answer = await this.flow.gateway.http('/v1/reload', { method: 'POST' });
    return { ...((await answer.json()) as Answer), status: answer.status };
  }

  async shown(id: string): Promise<Shown | undefined> {
    const { items } = (await (await this.flow.gateway.http('/v1/subscribers')).json()) as { items: Shown[] };
    return items.find((one) => one.id === id);
  }

  /** So many reloads have put something in force. */
  async applied(count: number): Promise<void> {
    const { gateway } = this.flow;
    const seen = async (): Promise<boolean> =>
      (await gateway.metric('holdfast_config_reloads_total', { result: 'applied' })) >= count;
    await until(seen, { what: () => `${count} reloads\n${gateway.report}`, timeoutMs: 30_000 });
  }

  publish(count: number, perSecond?: number, from = 0): Promise<unknown> {
    return publishNumbered({ url: this.flow.broker.url, topics: TOPICS, count, from, perSecond }).done;
  }
}

async function receiver(t: TestContext): Promise<Receiver> {
  const started = await startReceiver();
  t.after(() => started.stop());
  return started;
}

describe('subscribers of the file', { skip: needs('mosquitto') }, () => {
  it('change, come, go and return under load, by a swapped link, SIGHUP and POST: nothing is lost, the order is kept', async (t) => {
    const [other, late] = [await receiver(t), await receiver(t)];
    const scene = await Scene.start(t, (url) => [
      { id: 'app', url, topics: ['devices/#'], ordering: 'topic', headers: { authorization: '${file:token}' } },
      { id: 'other', url: other.url, topics: ['devices/#'], ordering: 'topic' },
    ]);
    const { gateway, receiver: app } = scene.flow;
    const [first] = scene.subscribers;
    const newcomer = { id: 'late', url: late.url, topics: ['devices/#'], startFrom: 'earliest', ordering: 'topic' };
    const count = 4_000;
    let all = false;
    const published = scene.publish(count, 250).then(() => (all = true));

    first!['signing'] = { secrets: ['${file:key}'] };
    scene.subscribers.push(newcomer);
    scene.swap();
    await scene.applied(1);
    assert.equal((await scene.shown('late'))!.source, 'file');
    const series = await gateway.metrics();
    for (const name of ['attempts_total', 'dead_letters', 'subscriber_state', 'attempt_seconds_count']) {
      const found = [...series.keys()].filter((key) => key.startsWith(`holdfast_${name}`));
      const of = (id: string): number => found.filter((key) => key.includes(`subscriber="${id}"`)).length;
      assert.deepEqual([of('late') > 0, of('late')], [true, of('other')], name);
    }
    const refused = await gateway.http('/v1/subscribers/late', { method: 'DELETE' });
    assert.equal(refused.status, 409, 'it is read-only');
    await refused.body?.cancel();

    const signed = (): unknown => app.requests.at(-1)!.headers['webhook-signature'];
    await until(() => signed() !== undefined, { what: 'a signature' });
    scene.files = { token: NEW, key: KEYS[1]! };
    scene.swap();
    await scene.applied(2);
    await until(() => app.requests.at(-1)!.headers['authorization'] === NEW, { what: 'the new token' });

    Object.assign(first!, { url: app.url.replace('/events', '/moved'), concurrency: 3 });
    scene.subscribers = scene.subscribers.filter(({ id }) => id !== 'late');
    scene.swap();
    gateway.signal('SIGHUP');
    await scene.applied(3);
    await until(() => app.requests.at(-1)!.path === '/moved', { what: 'the other address' });
    assert.notEqual((await scene.shown('late'))?.source, 'file');

    scene.subscribers.push(newcomer);
    scene.swap();
    const { status, result, changed, needsRestart } = await scene.reload();
    assert.deepEqual([status, result, changed, needsRestart], [200, 'applied', ['subscribers.late'], []]);
    const config = await (await gateway.http('/v1/config')).json();
    assert.match(JSON.stringify(config), /"late"/);
    assert.equal(all, false, 'all of this was under load');

    await published;
    for (const one of [app, other]) {
      await one.waitFor((seen) => allDelivered(seen, count));
      assertNumbered(one, TOPICS, count);
    }
    await late.waitFor((seen) => allDelivered(seen, count));
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
    assert.equal(await gateway.metric('holdfast_link_drops_total'), 0);
    assert.doesNotMatch(JSON.stringify([gateway.logs, gateway.tail, config]), /and-secret|whsec_/);
  });

  it('one that is gone from the file with a backlog is held as after a restart, and goes on when it is back', async (t) => {
    const scene = await Scene.start(t, (url) => [{ id: 'app', url, topics: ['devices/#'], ordering: 'topic' }]);
    const { gateway, receiver: app, broker } = scene.flow;
    app.answer = () => ({ status: 503 });
    await scene.publish(100);
    await until(async () => (await scene.shown('app'))!.lagRecords === 100, { what: 'a backlog' });
    const mine = scene.subscribers;
    scene.subscribers = [];
    scene.swap();
    assert.deepEqual((await scene.reload()).changed, ['subscribers.app']);
    const standing = async (): Promise<object> => {
      const { source, state, reason, lagRecords, topics } = (await scene.shown('app'))!;
      return { source, state, reason, lagRecords, topics };
    };
    const live = await standing();
    assert.deepEqual(
      { ...live, reason: '' },
      { source: 'absent', state: 'paused', reason: '', lagRecords: 100, topics: ['devices/#'] },
    );
    assert.equal(await gateway.metric('holdfast_subscriber_lag_records', { subscriber: 'app' }), 100);
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 20, from: 100 }).done;
    await until(async () => (await scene.shown('app'))!.lagRecords === 120, { what: 'what comes meanwhile' });
    await gateway.kill();
    const after = await scene.flow.restart();
    await until(async () => (await scene.shown('app'))!.lagRecords === 120, { what: 'the count' });
    assert.deepEqual(await standing(), { ...live, lagRecords: 120 });
    app.answer = () => undefined;
    scene.subscribers = mine;
    scene.swap();
    await scene.reload();
    await app.waitFor((seen) => allDelivered(seen, 120));
    assert.equal((await scene.shown('app'))!.source, 'file');
    await until(async () => (await scene.shown('app'))!.lagRecords === 0, { what: 'no lag' });
    scene.subscribers = [];
    scene.swap();
    await scene.reload();
    assert.equal(await scene.shown('app'), undefined);
    assert.doesNotMatch((await after.ops('/metrics')).text, /subscriber="app"/);
  });

  it('refused whole, with every problem: nothing has changed, neither subscribers nor contracts', async (t) => {
    const scene = await Scene.start(t, (url) => [{ id: 'app', url, topics: ['devices/#'] }]);
    const { gateway, receiver: app } = scene.flow;
    scene.subscribers = [
      { id: 'app', url: 'ftp://nowhere', topics: ['devices/#'] },
      { id: 'new', url: app.url, topics: ['#'], timeout: 'soon' },
    ];
    scene.swap({ contracts: { telemetry: { format: 'json' } } });
    const { status, code, problems } = await scene.reload();
    assert.deepEqual([status, code], [422, 'RELOAD_REFUSED']);
    assert.deepEqual(
      problems!.map(({ path, line, mend }) => [path, line > 1, mend !== '']),
      ['subscribers[0].url', 'subscribers[1].timeout'].map((path) => [path, true, true]),
    );
    const { settings } = (await (await gateway.http('/v1/config')).json()) as { settings: GatewayConfig };
    assert.deepEqual(settings['contracts'], {});
    assert.equal(await scene.shown('new'), undefined);
    await scene.publish(5);
    await app.waitFor(5);
  });

  it('kill -9 within a reload, and a start with the new file: everything is delivered', async (t) => {
    const others = await receiver(t);
    const scene = await Scene.start(t, (url) => [{ id: 'app', url, topics: ['devices/#'], ordering: 'topic' }]);
    const { receiver: app } = scene.flow;
    const [mine] = scene.subscribers;
    const count = 1_500;
    const published = scene.publish(count, 400);
    for (let round = 0; round < 2; round++) {
      await app.waitFor(app.deliveredIds().size + 100);
      const many = Array.from({ length: 40 }, (_, i) => ({
        ...{ id: `r${round}-${i}`, url: others.url, topics: [`devices/${i}/telemetry`] },
      }));
      scene.subscribers = [{ ...mine!, concurrency: 4 + round, headers: { round: String(round) } }, ...many];
      scene.swap();
      const asked = scene.reload().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 15 * round));
      await scene.flow.gateway.kill();
      await asked;
      await scene.flow.restart();
      assert.equal((await scene.shown(`r${round}-39`))!.source, 'file');
    }
    await published;
    await app.waitFor((seen) => allDelivered(seen, count), 60_000);
    assertNumbered(app, TOPICS, count);
    assert.equal(app.requests.at(-1)!.headers['round'], '1');
  });
});
