/** The gateway in another chart's pod. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { parentChart, refusal, render, shape, template, type Values } from './helm.js';
import { the, type Container, type StatefulSet } from './manifests.js';

const parent = (values: Values = {}): StatefulSet =>
  the<StatefulSet>(render(values, { chart: parentChart() }), 'StatefulSet');

describe('the sidecar', { skip: needs('helm') }, () => {
  const native = parent();
  const classic = parent({ native: false });
  const standalone = the<StatefulSet>(render(), 'StatefulSet').spec.template.spec.containers[0]!;

  it('native, is an init container that stays; classic, a container beside the app', () => {
    const { initContainers = [], containers } = native.spec.template.spec;
    assert.deepEqual(
      initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
      [['holdfast', 'Always']],
    );
    assert.deepEqual(
      containers.map(({ name }) => name),
      ['app'],
    );
    const { spec } = classic.spec.template;
    assert.equal(spec.initContainers, undefined);
    assert.deepEqual(
      spec.containers.map(({ name }) => name),
      ['app', 'holdfast'],
    );
    assert.deepEqual({ ...spec.containers[1], restartPolicy: 'Always' }, initContainers[0]);
  });

  it('is the container of standalone, with names that nobody else in the pod has', () => {
    const renamed = JSON.stringify(standalone).replaceAll(/"(ops|config|data)"/g, '"holdfast-$1"');
    assert.deepEqual(classic.spec.template.spec.containers[1], JSON.parse(renamed));
  });

  it('has its volumes and its claim in the parent, and its group in the pod’s context', () => {
    const { template, volumeClaimTemplates: claims = [] } = native.spec;
    const there = new Set(
      [...template.spec.volumes!, ...claims.map(({ metadata }) => metadata)].map(({ name }) => name),
    );
    for (const { name } of template.spec.initContainers![0]!.volumeMounts!) assert.ok(there.has(name), name);
    assert.equal(template.spec.securityContext!.fsGroup, 1000);
    const without = parent({ holdfast: { persistence: { enabled: false } } });
    assert.equal(without.spec.volumeClaimTemplates, undefined);
    assert.ok(without.spec.template.spec.volumes!.some(({ name, emptyDir }) => name === 'holdfast-data' && emptyDir));
  });

  it('rolls the parent’s pods with its checksum', () => {
    const of = (values: Values): string =>
      parent(values).spec.template.metadata.annotations!['checksum/holdfast-config']!;
    const config = (one: Values): Values => ({ holdfast: { config: one } });
    assert.equal(of(config({ subscribers: [] })), of({}));
    assert.notEqual(of(config({ broker: { url: 'mqtt://other' } })), of({}));
    assert.equal(
      parent({ holdfast: { existingConfigMap: 'mine', existingConfigMapChecked: true } }).spec.template.metadata
        .annotations,
      undefined,
    );
  });

  it('counts for the pod’s readiness, or not', () => {
    const gateway = (values: Values): Container => parent(values).spec.template.spec.initContainers![0]!;
    assert.ok(gateway({}).readinessProbe);
    const silent = gateway({ holdfast: { sidecar: { readiness: false } } });
    assert.equal(silent.readinessProbe, undefined);
    assert.ok(silent.startupProbe && silent.livenessProbe);
  });

  it('comes with no workload, account, budget, Service or test of its own', () => {
    const kinds = render(shape('sidecar'))
      .map(({ kind }) => kind)
      .sort();
    assert.deepEqual(kinds, ['ConfigMap', 'ConfigMap', 'NetworkPolicy', 'PodMonitor', 'PrometheusRule', 'Secret']);
  });

  it('native, is refused where Kubernetes has none', () => {
    const chart = parentChart();
    const said =
      /native sidecars need Kubernetes 1\.29, and this is v1\.28\.9\. Include "holdfast\.sidecar\.container" under containers/;
    assert.match(refusal({}, { chart, kubernetes: '1.28.9' }), said);
    for (const kubernetes of ['1.29.0', '1.29.0-gke.1', '1.37.0']) {
      assert.equal(template({}, { chart, kubernetes }).code, 0, kubernetes);
    }
    assert.equal(template({ native: false }, { chart, kubernetes: '1.28.9' }).code, 0);
  });

  it('included while the chart makes a workload too is refused', () => {
    const said = /holdfast\.mode is standalone, which would run it a second time\. Set holdfast\.mode: sidecar\./;
    assert.match(refusal({ holdfast: { mode: 'standalone' } }, { chart: parentChart() }), said);
  });

  it('refuses what would be ignored', () => {
    const ignored = {
      extraInitContainers: [{ name: 'c' }],
      extraContainers: [{ name: 'c' }],
      nodeSelector: { a: 'b' },
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [{ maxSkew: 1 }],
      priorityClassName: 'p',
      runtimeClassName: 'r',
      podLabels: { a: 'b' },
      podAnnotations: { a: 'b' },
      annotations: { a: 'b' },
    };
    const said = refusal({ mode: 'sidecar', replicas: 3, ...ignored, image: { pullSecrets: [{ name: 'r' }] } });
    assert.match(
      said,
      /- nodeSelector has no effect with mode: sidecar: the pod is the parent's\. Say it in the parent's chart\./,
    );
    for (const key of [...Object.keys(ignored), 'image.pullSecrets'])
      assert.ok(said.includes(`- ${key} has no effect`), key);
    assert.match(said, /- replicas has no effect with mode: sidecar: there is a gateway in each pod of the parent\./);
  });

  it('is left out of the parent when it is disabled', () => {
    for (const native of [true, false]) {
      const made = render({ native, holdfast: { enabled: false } }, { chart: parentChart() });
      assert.deepEqual(
        made.map(({ kind }) => kind),
        ['Service', 'StatefulSet'],
      );
      assert.doesNotMatch(JSON.stringify(made), /holdfast/);
    }
  });

  it('takes its parent’s global values and condition', () => {
    parent({ global: { registry: 'r.example' }, holdfast: { enabled: true, global: { more: 1 } } });
  });
});
