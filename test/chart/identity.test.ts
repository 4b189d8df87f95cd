/** Who a gateway is: names, labels, client id, image. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { needs } from '../support/needs.js';
import { read } from '../tidy/tree.js';
import { refusal, render, shape } from './helm.js';
import { containersOf, podOf, the, type Manifest, type Service, type StatefulSet, type Texts } from './manifests.js';

const gateways = (manifests: Manifest[]): StatefulSet => the<StatefulSet>(manifests, 'StatefulSet');
const configOf = (manifests: Manifest[]): { session: { clientId: string } } =>
  parse(the(manifests, 'ConfigMap').data!['gateway.yaml']!) as { session: { clientId: string } };

describe('the chart’s versions', () => {
  it('are those of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const chart = parse(read('helm/holdfast/Chart.yaml')) as Texts;
    assert.deepEqual([chart['version'], chart['appVersion']], [version, version]);
  });
});

describe('identity', { skip: needs('helm') }, () => {
  const made = render();
  const { metadata, spec } = gateways(made);

  it('the client id is the pod’s name, which a StatefulSet keeps', () => {
    assert.equal(configOf(made).session.clientId, '${POD_NAME}');
    const { env = [] } = spec.template.spec.containers[0]!;
    assert.deepEqual(env[0], { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } });
    assert.equal(spec.podManagementPolicy, 'Parallel');
    const service = the<Service>(made, 'Service', '-headless');
    assert.equal(spec.serviceName, service.metadata.name);
    assert.equal(service.spec.clusterIP, 'None');
    assert.equal(service.spec.publishNotReadyAddresses, true);
  });

  it('everything has the standard labels, and the selector has those that never change', () => {
    for (const one of render(shape('everything')).filter(
      ({ kind, metadata }) => kind !== 'ConfigMap' || !/-(more|text)$/.test(metadata.name),
    )) {
      const { labels = {} } = one.metadata;
      assert.equal(labels['app.kubernetes.io/name'], 'holdfast', one.kind);
      assert.equal(labels['app.kubernetes.io/instance'], 'gw');
      assert.equal(labels['app.kubernetes.io/version'], '0.1.0');
      assert.equal(labels['app.kubernetes.io/managed-by'], 'Helm');
      assert.equal(labels['helm.sh/chart'], 'holdfast-0.1.0');
      assert.equal(labels['team'], 'messaging');
    }
    const selector = { 'app.kubernetes.io/name': 'holdfast', 'app.kubernetes.io/instance': 'gw' };
    assert.deepEqual(spec.selector.matchLabels, { ...selector, 'app.kubernetes.io/component': 'gateway' });
    for (const [key, value] of Object.entries(spec.selector.matchLabels)) {
      assert.equal(spec.template.metadata.labels[key], value);
    }
  });

  it('the pod of helm test is no gateway to any selector', () => {
    const test = the(made, 'Pod').metadata.labels!;
    assert.equal(test['app.kubernetes.io/component'], 'test');
  });

  it('names can be given, and are short enough for what is put behind them', () => {
    assert.equal(metadata.name, 'gw-holdfast');
    assert.equal(gateways(render({ nameOverride: 'mqtt' })).metadata.name, 'gw-mqtt');
    assert.equal(gateways(render({ nameOverride: 'gw' })).metadata.name, 'gw');
    assert.equal(gateways(render({ fullnameOverride: 'bridge' })).metadata.name, 'bridge');
    const long = render({ ...shape('secrets'), fullnameOverride: 'n'.repeat(52) });
    for (const { kind, metadata } of long) assert.ok(metadata.name.length <= 63, kind);
    assert.match(refusal({ fullnameOverride: 'n'.repeat(53) }), /at '\/fullnameOverride': maxLength: got 53, want 52/);
  });

  it('are refused where a Service cannot have them', () => {
    for (const release of ['7gw', 'a.b']) {
      const said = `- The release is called "${release}", and its Services would be called "${release}-holdfast": a Service's name begins with a letter`;
      assert.ok(refusal({}, { release }).includes(said), release);
      assert.equal(gateways(render({ fullnameOverride: 'gw' }, { release })).metadata.name, 'gw');
      render(shape('sidecar'), { release });
    }
  });

  it('a release’s long name is shortened, so that a pod’s labels hold its name and revision', () => {
    const release = 'r'.repeat(45);
    assert.equal(gateways(render({}, { release })).metadata.name, `${release}-holdfa`);
    assert.equal(gateways(render({}, { release: 'r'.repeat(51) })).metadata.name, 'r'.repeat(51));
  });

  it('the image is the chart’s version, a tag, or a digest', () => {
    const image = (values: object): string =>
      gateways(render({ image: values })).spec.template.spec.containers[0]!.image;
    const digest = `sha256:${'0'.repeat(64)}`;
    assert.equal(image({}), 'holdfast:0.1.0');
    assert.equal(image({ repository: 'r.example/h', tag: 'main' }), 'r.example/h:main');
    assert.equal(image({ digest }), `holdfast:0.1.0@${digest}`);
    const all = render(shape('everything')).flatMap((one) => podOf(one) ?? []);
    assert.ok(
      all.every((pod) => containersOf(pod).some((one) => one.image.startsWith('registry.example/holdfast:0.1.0@'))),
    );
    assert.ok(all.every((pod) => JSON.stringify(pod).includes('"imagePullSecrets":[{"name":"registry"}]')));
  });
});
