/** Who reaches the gateway: ports, Services, NetworkPolicy; and what keeps drains from taking all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { parentChart, render, shape, type Values } from './helm.js';
import { the, type Manifest, type Service, type StatefulSet, type Texts } from './manifests.js';

interface Policy extends Manifest {
  spec: {
    podSelector: { matchLabels?: Texts };
    policyTypes: string[];
    ingress: { ports: { port: number }[]; from?: object[] }[];
    egress?: object[];
  };
}

const portsOf = (values: Values): [string, number][] =>
  the<StatefulSet>(render(values), 'StatefulSet').spec.template.spec.containers[0]!.ports!.map(
    ({ name, containerPort }) => [name, containerPort],
  );

describe('network', { skip: needs('helm') }, () => {
  it('REST stays in the pod unless the configuration says otherwise; probes and metrics do not', () => {
    const made = render();
    assert.deepEqual(portsOf({}), [['ops', 9090]]);
    const [service, ...more] = made.filter(({ kind }) => kind === 'Service') as Service[];
    assert.equal(more.length, 0);
    assert.deepEqual(service!.spec.ports, [{ name: 'ops', port: 9090, targetPort: 'ops' }]);
  });

  it('every way to write loopback is loopback', () => {
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]']) {
      assert.deepEqual(portsOf({ config: { http: { host } } }), [['ops', 9090]], host);
    }
    assert.equal(portsOf({ config: { http: { host: '::', auth: 'none' } } }).length, 2);
  });

  it('beyond loopback there is a Service for REST, and each replica keeps a name of its own', () => {
    const made = render(shape('secrets'));
    assert.deepEqual(portsOf(shape('secrets')), [
      ['ops', 9090],
      ['http', 8443],
    ]);
    const rest = the<Service>(made, 'Service', 'gw-holdfast');
    assert.equal(rest.spec.type, 'LoadBalancer');
    assert.deepEqual(rest.spec.ports, [{ name: 'https', port: 443, targetPort: 'http' }]);
    assert.deepEqual(rest.metadata.annotations, { 'example.com/internal': 'true' });
    const headless = the<Service>(made, 'Service', '-headless');
    assert.deepEqual(
      headless.spec.ports.map(({ port }) => port),
      [9090, 8443],
    );
    const { selector, template } = the<StatefulSet>(made, 'StatefulSet').spec;
    assert.deepEqual(
      [rest, headless].map(({ spec }) => spec.publishNotReadyAddresses),
      [undefined, true],
    );
    for (const { spec } of [rest, headless]) assert.deepEqual(spec.selector, selector.matchLabels);
    assert.equal(template.spec.containers[0]!.ports!.length, 2);
    const without = render({ ...shape('secrets'), service: { enabled: false } });
    assert.equal(without.filter(({ kind }) => kind === 'Service').length, 1);
  });

  it('ports follow the configuration', () => {
    const config = { ops: { port: 9191 }, http: { port: 8181, host: '0.0.0.0', auth: 'none' } };
    assert.deepEqual(portsOf({ config }), [
      ['ops', 9191],
      ['http', 8181],
    ]);
    const test = JSON.stringify(the(render({ config }), 'Pod'));
    assert.ok(test.includes('http://gw-holdfast-0.gw-holdfast-headless:9191/readyz?verbose'));
  });

  it('a NetworkPolicy lets in who is named, helm test, and nobody else', () => {
    const made = render(shape('everything'));
    const { spec } = the<Policy>(made, 'NetworkPolicy');
    const { spec: workload } = the<StatefulSet>(made, 'StatefulSet');
    assert.deepEqual(spec.podSelector, { matchLabels: workload.selector.matchLabels });
    assert.deepEqual(spec.policyTypes, ['Ingress', 'Egress']);
    const [ops, http, ...more] = spec.ingress;
    assert.equal(more.length, 0);
    assert.equal(ops!.ports[0]!.port, 9090);
    const test = the(made, 'Pod').metadata.labels!;
    const [monitoring, tester] = ops!.from as [object, { podSelector: { matchLabels: typeof test } }];
    assert.deepEqual(monitoring, {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } },
    });
    for (const [key, value] of Object.entries(tester.podSelector.matchLabels)) assert.equal(test[key], value);
    assert.deepEqual(http, {
      ports: [{ port: 8080, protocol: 'TCP' }],
      from: [{ podSelector: { matchLabels: { app: 'caller' } } }],
    });
    const [names, broker] = spec.egress!;
    assert.deepEqual(names, { ports: ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })) });
    const { rules } = (shape('everything')['networkPolicy'] as { egress: { rules: object[] } }).egress;
    assert.deepEqual(spec.egress, [names, ...rules]);
    assert.ok(broker);
  });

  it('with no names the NetworkPolicy lets anybody scrape, nobody call REST, and everything out', () => {
    const config = { http: { host: '0.0.0.0', auth: 'none' } };
    const { spec } = the<Policy>(render({ config, networkPolicy: { enabled: true } }), 'NetworkPolicy');
    assert.deepEqual(spec.ingress, [{ ports: [{ port: 9090, protocol: 'TCP' }] }]);
    assert.deepEqual([spec.policyTypes, spec.egress], [['Ingress'], undefined]);
    assert.ok(!render().some(({ kind }) => kind === 'NetworkPolicy'));
  });

  it('a NetworkPolicy opens no port for REST on loopback', () => {
    const from = [{ podSelector: {} }];
    const { spec } = the<Policy>(render({ networkPolicy: { enabled: true, http: { from } } }), 'NetworkPolicy');
    assert.deepEqual(spec.ingress, [{ ports: [{ port: 9090, protocol: 'TCP' }] }]);
  });

  it('a NetworkPolicy of a sidecar is for the parent’s pods', () => {
    const selected = (holdfast: Values): object => {
      const made = render({ holdfast: { networkPolicy: { enabled: true }, ...holdfast } }, { chart: parentChart() });
      return the<Policy>(made, 'NetworkPolicy').spec.podSelector;
    };
    const made = render({}, { chart: parentChart() });
    const { labels } = the<StatefulSet>(made, 'StatefulSet').spec.template.metadata;
    assert.deepEqual(selected({}), { matchLabels: { 'holdfast-gateway': labels['holdfast-gateway'] } });
    const podSelector = { app: 'mine' };
    assert.deepEqual(selected({ sidecar: { podSelector } }), { matchLabels: podSelector });
  });

  it('a disruption budget takes one at a time, and never blocks the drain of the only one', () => {
    const { spec } = the<Manifest & { spec: object }>(render(), 'PodDisruptionBudget');
    const { selector } = the<StatefulSet>(render(), 'StatefulSet').spec;
    assert.deepEqual(spec, { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector });
    const half = the<Manifest & { spec: { maxUnavailable: string } }>(
      render(shape('everything')),
      'PodDisruptionBudget',
    );
    assert.equal(half.spec.maxUnavailable, '50%');
    assert.ok(!render(shape('single')).some(({ kind }) => kind === 'PodDisruptionBudget'));
  });
});
