/** The gateway as a sidecar in another chart's pods, native and classic, executed. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Pod } from '../support/kubelet/pod.js';
import { TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';
import { APP_IMAGE, appImage, saidBy } from './app.js';
import { renderSidecar } from './chart.js';
import { PodGateway, startScene, type Scene } from './scene.js';

const TOPIC = 'devices/1/telemetry';
const SESSION = { session: { reconnect: { initial: '50ms', max: '500ms' } } };

async function startPod(t: TestContext, scene: Scene, values: object): Promise<{ pod: Pod; gateway: PodGateway }> {
  scene.cluster.apply(renderSidecar(values));
  const [pod] = await scene.cluster.statefulSet('gw').start();
  return { pod: pod!, gateway: new PodGateway(pod!) };
}

/** Commands as the devices hear them. */
async function device(t: TestContext, { broker }: Scene): Promise<{ client: MqttClient; heard: string[] }> {
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  t.after(() => client.endAsync(true));
  const heard: string[] = [];
  client.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
  await client.subscribeAsync('commands/#', { qos: 1 });
  return { client, heard };
}

describe('sidecar', { skip: needs('mosquitto', 'helm', 'namespaces', 'ip') }, () => {
  it('native: with the broker away the app starts, after the gateway; it ends before it, and may publish until then', async (t) => {
    const scene = await startScene(t, { images: { [APP_IMAGE]: appImage() } });
    await scene.broker.stop();
    const { pod, gateway } = await startPod(t, scene, { holdfast: { config: SESSION } });
    await pod.untilReady();
    const app = pod.container('app');
    await until(() => saidBy(app, 'listening').length > 0, { what: () => `the app\n${pod.report}` });
    assert.deepEqual(saidBy(app, 'gatewayAtStart'), [200], 'REST answers before the app starts');
    const inOrder = ['Started container holdfast', 'Container holdfast is started', 'Started container app'];
    assert.deepEqual(
      pod.events.filter((event) => inOrder.includes(event)),
      inOrder,
    );
    assert.equal(await gateway.metric('holdfast_link_up'), 0);

    await scene.broker.start();
    await gateway.subscribed();
    assert.equal((await gateway.link()).clientId, 'gw-0');
    const { client, heard } = await device(t, scene);
    await client.publishAsync(TOPIC, '{"n":1}', { qos: 1 });
    await until(() => heard.includes('commands/echo {"n":1}'), { what: () => `the app’s answer\n${pod.report}` });
    const { exits } = await pod.terminate();
    assert.deepEqual(exits, { holdfast: 0, app: 0 }, pod.report);
    assert.deepEqual(saidBy(app, 'goodBye'), [200], 'the gateway served the app to its end');
    assert.deepEqual(pod.events.slice(-4), [
      'Stopping container app',
      'Container app ended: 0',
      'Stopping container holdfast',
      'Container holdfast ended: 0',
    ]);
    assert.equal(heard.at(-1), 'commands/bye {}');
    assert.equal(gateway.life.restarts, 0);
  });

  it('native: an app that uses up the grace period gets the gateway killed, and nothing is lost by it', async (t) => {
    const scene = await startScene(t, { images: { [APP_IMAGE]: appImage() } });
    const { receiver } = scene;
    const slow = { id: 'slow', url: receiver.url, topics: ['devices/#'], timeout: '30s', ordering: 'topic' };
    const app = { id: 'app', url: 'http://localhost:3000/events', topics: ['devices/#'] };
    const { pod, gateway } = await startPod(t, scene, {
      stopSeconds: 1,
      holdfast: {
        config: { ...SESSION, ops: { drain: '2500ms' }, subscribers: [app, slow] },
        terminationGracePeriodSeconds: 3,
      },
    });
    await pod.untilReady();
    await gateway.subscribed();
    const { client } = await device(t, scene);
    await client.publishAsync(TOPIC, '{"n":-1,"stubborn":true}', { qos: 1 });
    await until(() => saidBy(pod.container('app'), 'received').length > 0, { what: () => pod.report });
    receiver.requests.length = 0;
    receiver.answer = () => ({ hang: true });
    const count = 1_500;
    const publisher = publishNumbered({ url: scene.broker.url, topics: TOPICS, count, perSecond: 300 });
    await receiver.waitFor(({ requests }) => requests.length > 0);
    const set = scene.cluster.statefulSet('gw');
    set.pods.push(pod);
    const { pod: next, tookMs, exits } = await set.replace(0);
    assert.deepEqual(exits, { holdfast: 'SIGKILL', app: 'SIGKILL' });
    assert.ok(tookMs > 5_900 && tookMs < 9_000, `${tookMs} ms: 4 s, and 2 s for the sidecar`);
    receiver.requests.length = 0;
    receiver.answer = () => undefined;
    await publisher.done;
    await receiver.waitFor(count);
    assertNumbered(receiver, TOPICS, count);
    await new PodGateway(next).untilMetric('holdfast_link_session_resumes_total', 1, { result: 'resumed' });
  });

  it('classic: the gateway serves an app that started before it; both are told to end at once', async (t) => {
    const scene = await startScene(t, { images: { [APP_IMAGE]: appImage() } });
    const { pod, gateway } = await startPod(t, scene, { native: false, holdfast: { config: SESSION } });
    await pod.untilReady();
    await gateway.subscribed();
    const { client, heard } = await device(t, scene);
    await client.publishAsync(TOPIC, '{"n":1}', { qos: 1 });
    await until(() => heard.includes('commands/echo {"n":1}'), { what: () => `the app’s answer\n${pod.report}` });
    const { exits } = await pod.terminate();
    assert.deepEqual(exits, { holdfast: 0, app: 0 }, pod.report);
    assert.deepEqual(pod.events.slice(-4, -2).sort(), ['Stopping container app', 'Stopping container holdfast']);
  });
});
