/** The standalone mode as the chart renders it, executed. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import type { ContainerLife } from '../support/kubelet/container-life.js';
import type { PodTemplate } from '../support/kubelet/manifests.js';
import type { Pod } from '../support/kubelet/pod.js';
import { PortForward } from '../support/kubelet/port-forward.js';
import { needs } from '../support/needs.js';
import { answersTo, statusesOf } from '../support/page-calls.js';
import { notesOf, render, SET } from './chart.js';
import { gatewayValues, ofKind, PodGateway, startScene } from './scene.js';

describe('standalone', { skip: needs('mosquitto', 'helm', 'namespaces', 'ip') }, () => {
  it('starts and is ready while the broker is away, and links up later; REST is on loopback, probes are not', async (t) => {
    const { cluster, broker, receiver } = await startScene(t);
    await broker.stop();
    const manifests = render(gatewayValues(receiver.url));
    cluster.apply(manifests);
    const [pod] = await cluster.statefulSet(SET).start();
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
      device.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`)),
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
    await notes(pod!, gatewayValues(receiver.url));
    const doctor = await gateway.life.exec(['holdfast', 'doctor', '--config', '/etc/holdfast/gateway.yaml'], 60_000);
    assert.equal(doctor.code, 0, doctor.output);
    const { tookMs, exits } = await pod!.terminate();
    assert.deepEqual(exits, { holdfast: 0 });
    assert.ok(tookMs < 5_000);
  });
});

/** Nothing was written but to the volume, and what is there is the gateway's alone. */
async function untouched(life: ContainerLife, volume: string): Promise<void> {
  const written = readdirSync(life.container!.layer, { recursive: true, withFileTypes: true });
  const places = ['etc/hosts']; // Made by the runtime to mount the file there.
  assert.deepEqual(
    written
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(life.container!.layer.length + 1)),
    places,
  );
  const { output } = await life.exec([
    'sh',
    '-c',
    'touch /tmp/x /holdfast/x /etc/holdfast/x; grep -E "^(Uid|Gid|Groups|Cap|NoNew)" /proc/1/status',
  ]);
  assert.equal(output.match(/Read-only file system/g)?.length, 3, output);
  assert.match(output, /^Uid:\t1000\t1000\t1000\t1000$/m);
  assert.match(output, /^NoNewPrivs:\t1$/m);
  assert.deepEqual(new Set(output.match(/(?<=^Cap\w+:\t)\w+/gm)), new Set(['0000000000000000']));
  const files = readdirSync(volume).filter((name) => name !== 'lost+found');
  assert.ok(files.includes('journal.db'));
  for (const name of files) {
    const { uid, gid, mode } = statSync(join(volume, name));
    assert.deepEqual([name, uid, gid, (mode & 0o777).toString(8)], [name, 1000, 1000, '600']);
  }
}

/** What `helm install` tells to try, tried. */
async function notes(pod: Pod, values: object): Promise<void> {
  const text = notesOf(values);
  const forwarded = /pod\/gw-holdfast-0 8080:8080 9090:9090/;
  assert.match(text, forwarded);
  const [rest, ops] = await Promise.all([8080, 9090].map(async (port) => (await PortForward.start(pod, port)).port));
  const calls = text.match(/^  curl .*$/gm)!.join('\n');
  const said = await answersTo(calls, { 'localhost:8080': rest!, 'localhost:9090': ops! });
  assert.deepEqual(statusesOf(said), [200, 200, 200]);
  assert.match(said[0]!.body, /"state":"connected"|"state":"up"/);
}
