/** The standalone mode as the chart renders it, executed. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import type { PodTemplate } from '../support/kubelet/manifests.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { render } from './chart.js';
import { gatewayValues, ofKind, PodGateway, startScene } from './scene.js';

describe('standalone', { skip: needs('mosquitto', 'helm', 'namespaces', 'ip') }, () => {
  it('starts and is ready while the broker is away, and links up later; REST is on loopback, probes are not', async (t) => {
    const { cluster, broker, receiver } = await startScene(t);
    await broker.stop();
    const manifests = render(gatewayValues(receiver.url));
    cluster.apply(manifests);
    const [pod] = await cluster.statefulSet('gw-holdfast').start();
    await pod!.untilReady();
    const gateway = new PodGateway(pod!);
    assert.equal(await gateway.metric('holdfast_link_up'), 0);
    await broker.start();
    await gateway.untilMetric('holdfast_link_up', 1);
    await gateway.subscribed();
    assert.equal((await gateway.link()).clientId, 'gw-holdfast-0');
    await assert.rejects(fetch(`http://${pod!.ip}:8080/v1/link`), 'REST is on the pod’s loopback');
    const device = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    await device.subscribeAsync('commands/#');
    const heard = new Promise<string>((resolve) =>
      device.once('message', (topic, payload) => resolve(`${topic} ${payload}`)),
    );
    await device.publishAsync('devices/1/telemetry', '{"n":1}', { qos: 1 });
    await receiver.waitFor(1);
    assert.equal((await gateway.publish({ topic: 'commands/hello', payload: 'hello' })).status, 200);
    assert.equal(await heard, 'commands/hello hello');
    const test = ofKind<never>(manifests, 'Pod') as { metadata: { name: string } } & PodTemplate;
    const asked = await cluster.startPod(test.metadata.name, test);
    await asked.untilEnded();
    assert.deepEqual(asked.container('test').exits, [{ code: 0, signal: null }], asked.report);
    assert.match(
      asked.container('test').lines.join('\n'),
      /gw-holdfast-0\.gw-holdfast-headless:9090\/readyz\?verbose: 200/,
    );
    await untouched(pod!.container('holdfast'), cluster.claim('data-gw-holdfast-0'));
    const { tookMs, exits } = await pod!.terminate();
    assert.deepEqual(exits, { holdfast: 0 });
    assert.ok(tookMs < 5_000);
  });
});
