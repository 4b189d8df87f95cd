/** ConfigMap and Secret change under a running pod: the kubelet swaps the files, the gateway follows, the link stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { render, SET } from './chart.js';
import { gatewayValues, ofKind, PodGateway, startScene, type Scene } from './scene.js';

const NEEDS = needs('mosquitto', 'helm', 'namespaces', 'ip');
const SECRETS = '/run/secrets/holdfast';

/** No schema. */
const BAD = '{ "type": "objct" }';

/** A schema that wants this key. */
function wants(key: string): string {
  return JSON.stringify({ type: 'object', properties: { [key]: {} }, required: [key] });
}

function tokens(...names: string[]): object {
  const all = names.map((name) => ({ name, token: `\${file:${SECRETS}/${name}}`, scopes: ['read', 'publish'] }));
  return { auth: { tokens: all } };
}

describe('configuration in a pod', { skip: NEEDS }, () => {
  it('a swapped ConfigMap is in force without a restart; a bad one is refused whole, said, and can be mended', async (t) => {
    const scene = await startScene(t);
    const { cluster, receiver } = scene;
    const contract = { contracts: { telemetry: { schema: 'telemetry.json' } } };
    const first = { id: 'app', url: receiver.url, topics: ['devices/#'] };
    const telemetry = { name: 'telemetry', filter: 'devices/+/telemetry', contract: 'telemetry' };
    const values = (schema: string, subscribers: object[] = [first], subscriptions = [telemetry]): object => ({
      config: {
        ...gatewayValues(receiver.url).config,
        subscriptions,
        subscribers,
        ...contract,
      },
      files: { 'telemetry.json': schema },
    });
    cluster.apply(render(values(wants('one'))));
    const [pod] = await cluster.statefulSet(SET).start();
    const gateway = new PodGateway(pod!);
    await pod!.untilReady();
    await gateway.subscribed();
    const send = await sender(t, scene);
    await send({ one: 1 });
    await receiver.waitFor(1);
    await send({ two: 2 });
    await gateway.untilMetric('holdfast_rejections_total', 1, { contract: 'telemetry' });

    const second = { ...first, id: 'second', url: `${receiver.url}/second` };
    const alarms = { ...telemetry, name: 'alarms', filter: 'devices/+/alarms' };
    cluster.apply(render(values(wants('two'), [first, second], [telemetry, alarms])));
    await gateway.untilMetric('holdfast_config_reloads_total', 1, { result: 'applied' });
    await send({ two: 2 });
    await receiver.waitFor(({ requests }) => requests.length === 3);
    assert.deepEqual(
      receiver.requests
        .slice(1)
        .map(({ path }) => path)
        .sort(),
      ['/events', '/events/second'],
    );

    await gateway.subscribed(2);

    const bad = render(values(BAD, []));
    cluster.apply(bad);
    await gateway.untilMetric('holdfast_config_last_reload_successful', 0);
    await send({ two: 2 });
    await receiver.waitFor(({ requests }) => requests.length === 5);
    const refused = gateway.logs.find(({ msg }) => msg === 'the new configuration cannot be used')!;
    assert.deepEqual([refused['path'], typeof refused['mend']], ['contracts.telemetry.schema', 'string']);

    cluster.apply(render(values(wants('three'))));
    await gateway.untilMetric('holdfast_config_last_reload_successful', 1);
    await send({ three: 3 });
    await receiver.waitFor(({ requests }) => requests.length === 6);
    await stood(gateway);
  });

  it('a pod that starts with a bad ConfigMap ends with 2 and says why; once it is mended, it comes up by itself', async (t) => {
    const { cluster, receiver } = await startScene(t);
    const values = (schema: string): object => ({
      config: { ...gatewayValues(receiver.url).config, contracts: { telemetry: { schema: 'telemetry.json' } } },
      files: { 'telemetry.json': schema },
    });
    cluster.apply(render(values(BAD)));
    const [pod] = await cluster.statefulSet(SET).start();
    const { life } = new PodGateway(pod!);
    await until(() => life.exits.length > 0, { what: () => pod!.report });
    assert.deepEqual(life.exits[0], { code: 2, signal: null });
    assert.match(pod!.report, /contract \\"telemetry\\": telemetry\.json/);
    cluster.apply(render(values(wants('one'))));
    await pod!.untilReady();
  });

  it('a ConfigMap that names a file of a Secret that comes later is in force once it is there', async (t) => {
    const scene = await startScene(t);
    const { cluster, receiver } = scene;
    const { config } = gatewayValues(receiver.url);
    const app = { id: 'app', url: receiver.url, topics: ['devices/#'] };
    const authorized = { ...app, auth: { bearer: `\${file:${SECRETS}/app}` } };
    const values = (subscriber: object, secrets: object): object => ({
      config: { ...config, subscribers: [subscriber] },
      secrets: { values: { other: 'value', ...secrets } },
    });
    cluster.apply(render(values(app, {})));
    const [pod] = await cluster.statefulSet(SET).start();
    const gateway = new PodGateway(pod!);
    await pod!.untilReady();
    await gateway.subscribed();
    const after = render(values(authorized, { app: 'of-the-app' }));
    cluster.apply([ofKind(after, 'ConfigMap')]);
    await gateway.untilMetric('holdfast_config_last_reload_successful', 0);
    cluster.apply([ofKind(after, 'Secret')]);
    await gateway.untilMetric('holdfast_config_last_reload_successful', 1);
    const send = await sender(t, scene);
    await send({});
    await receiver.waitFor(1);
    assert.equal(receiver.requests[0]!.headers.authorization, 'Bearer of-the-app');
    await stood(gateway);
  });

  it('a swapped Secret: the next login has the new password, REST wants the new token, the link stays', async (t) => {
    const scene = await startScene(t, { broker: { passwords: { gateway: 'first', device: 'device' } } });
    const { cluster, broker, receiver } = scene;
    const { config } = gatewayValues(receiver.url, 'devices/+/telemetry', { http: tokens('app') });
    const login = { username: 'gateway', password: `\${file:${SECRETS}/password}` };
    const values = (password: string, token: string): object => ({
      config: { ...config, broker: login },
      secrets: { values: { password, app: token } },
    });
    cluster.apply(render(values('first', 'token-of-the-first-day')));
    const [pod] = await cluster.statefulSet(SET).start();
    const gateway = new PodGateway(pod!);
    await pod!.untilReady();
    await gateway.untilMetric('holdfast_link_up', 1);
    const asked = async (token: string): Promise<number> =>
      (await gateway.http('/v1/link', { headers: { authorization: `Bearer ${token}` } })).status;
    assert.equal(await asked('token-of-the-first-day'), 200);

    cluster.apply(render(values('second', 'token-of-the-second-day')));
    await until(async () => (await asked('token-of-the-second-day')) === 200, { what: 'the new token' });
    assert.equal(await asked('token-of-the-first-day'), 401);
    await stood(gateway);
    broker.setPasswords({ gateway: 'second', device: 'device' });
    await gateway.untilMetric('holdfast_link_connects_total', 2);
    await gateway.untilMetric('holdfast_link_up', 1);
    assert.equal(await gateway.metric('holdfast_link_refused_total'), 0, 'the old password was not tried');
    assert.equal(pod!.container('holdfast').restarts, 0);
    const { output } = await gateway.life.exec(['sh', '-c', `stat -Lc '%a %u %g' ${SECRETS}/*`]);
    assert.deepEqual(new Set(output.trim().split('\n')), new Set(['440 0 1000']));
  });
});

async function sender(
  t: { after(fn: () => unknown): void },
  { broker }: Scene,
): Promise<(payload: object) => Promise<unknown>> {
  const device: MqttClient = await connectAsync(broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  return (payload) => device.publishAsync('devices/1/telemetry', JSON.stringify(payload), { qos: 1 });
}

async function stood(gateway: PodGateway): Promise<void> {
  assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
  assert.equal(await gateway.metric('holdfast_link_drops_total'), 0);
  assert.deepEqual([gateway.life.restarts, gateway.pod.ready], [0, true]);
}
