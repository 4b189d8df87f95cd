/** Probes, metrics, alerts and the dashboard. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { needs } from '../support/needs.js';
import { read } from '../tidy/tree.js';
import { parentChart, render, shape } from './helm.js';
import { the, type Manifest, type Service, type StatefulSet } from './manifests.js';

type Spec = Manifest & { spec: { [key: string]: unknown } };

const RULES = read('helm/holdfast/rules/holdfast.rules.yaml');

describe('monitoring', { skip: needs('helm') }, () => {
  it('each probe asks for what it is for, at the ops port', () => {
    const { containers } = the<StatefulSet>(render(), 'StatefulSet').spec.template.spec;
    const { startupProbe, livenessProbe, readinessProbe, ports } = containers[0]!;
    assert.deepEqual(startupProbe!.httpGet, { path: '/startupz', port: 'ops' });
    assert.deepEqual(livenessProbe!.httpGet, { path: '/livez', port: 'ops' });
    assert.deepEqual(readinessProbe!.httpGet, { path: '/readyz', port: 'ops' });
    assert.equal(ports![0]!.name, 'ops');
    const patience = startupProbe!.periodSeconds! * startupProbe!.failureThreshold!;
    assert.equal(patience, 300, 'seconds that the check of a large journal may take after a crash');
  });

  it('a probe can be given more time', () => {
    const ending = { terminationGracePeriodSeconds: 5 };
    const made = render({ probes: { startup: { ...ending, failureThreshold: 900 }, liveness: ending } });
    const { startupProbe, livenessProbe } = the<StatefulSet>(made, 'StatefulSet').spec.template.spec.containers[0]!;
    assert.deepEqual([startupProbe!.failureThreshold, startupProbe!.periodSeconds], [900, 1]);
    for (const probe of [startupProbe, livenessProbe]) assert.equal(probe!.terminationGracePeriodSeconds, 5);
  });

  it('a ServiceMonitor finds the headless Service alone', () => {
    const made = render(shape('everything'));
    const { spec, metadata } = the<Spec>(made, 'ServiceMonitor');
    const { matchLabels } = spec['selector'] as { matchLabels: { [key: string]: string } };
    const found = (made.filter(({ kind }) => kind === 'Service') as Service[]).filter(({ metadata: { labels = {} } }) =>
      Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
    );
    assert.deepEqual(
      found.map((one) => one.metadata.name),
      ['gw-holdfast-headless'],
    );
    assert.equal(metadata.labels!['release'], 'prometheus');
    const [endpoint] = spec['endpoints'] as { [key: string]: unknown }[];
    assert.deepEqual(endpoint, {
      port: 'ops',
      path: '/metrics',
      interval: '30s',
      scrapeTimeout: '10s',
      relabelings: [{ targetLabel: 'cluster', replacement: 'main' }],
      metricRelabelings: [{ sourceLabels: ['__name__'], regex: 'nodejs_.*', action: 'drop' }],
    });
  });

  it('a PodMonitor finds the pods, in either mode, by a port that they have', () => {
    const metrics = { podMonitor: { enabled: true } };
    const alone = render({ metrics });
    const sidecar = render({ holdfast: { metrics } }, { chart: parentChart() });
    for (const [made, port] of [
      [alone, 'ops'],
      [sidecar, 'holdfast-ops'],
    ] as const) {
      const { spec } = the<Spec>(made, 'PodMonitor');
      const { metadata, spec: pod } = the<StatefulSet>(made, 'StatefulSet').spec.template;
      const { matchLabels } = spec['selector'] as { matchLabels: { [key: string]: string } };
      for (const [key, value] of Object.entries(matchLabels)) assert.equal(metadata.labels[key], value);
      assert.deepEqual(spec['podMetricsEndpoints'], [{ port, path: '/metrics', interval: '30s' }]);
      const containers = [...(pod.initContainers ?? []), ...pod.containers];
      assert.equal(containers.flatMap(({ ports = [] }) => ports).filter(({ name }) => name === port).length, 1);
    }
  });

  it('the PrometheusRule is the file of rules', () => {
    const { spec } = the<Spec>(render({ metrics: { prometheusRule: { enabled: true } } }), 'PrometheusRule');
    assert.deepEqual(spec, parse(RULES));
  });

  it('its runbooks lead to a copy of the documents, when there is one', () => {
    const { spec } = the<Spec>(render(shape('everything')), 'PrometheusRule');
    assert.deepEqual(
      spec,
      parse(RULES.replaceAll('runbook_url: docs/', 'runbook_url: https://wiki.example/holdfast/')),
    );
  });

  it('the dashboard is the file, where Grafana’s sidecar looks for it', () => {
    const { metadata, data = {} } = the(render(shape('everything')), 'ConfigMap', '-dashboard');
    assert.deepEqual(JSON.parse(data['gw-holdfast.json']!), JSON.parse(read('helm/holdfast/dashboards/holdfast.json')));
    assert.equal(metadata.labels!['grafana_dashboard'], '1');
    assert.deepEqual([metadata.namespace, metadata.annotations], ['monitoring', { grafana_folder: 'MQTT' }]);
  });

  it('a label of one object goes before the same one of all', () => {
    const labels = { team: 'metrics' };
    const enabled = { enabled: true, labels };
    const metrics = { podMonitor: enabled, prometheusRule: enabled, dashboard: enabled };
    const made = render({ commonLabels: { team: 'all' }, metrics });
    for (const kind of ['PodMonitor', 'PrometheusRule'])
      assert.equal(the(made, kind).metadata.labels!['team'], 'metrics');
    assert.equal(the(made, 'ConfigMap', '-dashboard').metadata.labels!['team'], 'metrics');
    assert.equal(the(made, 'StatefulSet').metadata.labels!['team'], 'all');
  });

  it('none of it is made unasked', () => {
    const kinds = new Set(render().map(({ kind }) => kind));
    for (const kind of ['PodMonitor', 'ServiceMonitor', 'PrometheusRule']) assert.ok(!kinds.has(kind), kind);
  });
});
