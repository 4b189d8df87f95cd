/** Values that contradict themselves are refused: what, why, and what to do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { refusal, render, shape, type Values } from './helm.js';

const own = 'app.kubernetes.io/component';
const shared = { subscriptions: [{ filter: '$share/g/a/#' }] };
const token = { name: 'a', token: '${file:/run/secrets/holdfast/app-token}', scopes: ['read'] };

/** Each with values that say nearly the same and are fine. */
const CASES: { what: string; bad: Values; said: string; good: Values }[] = [
  {
    what: 'a fixed client id for several replicas',
    bad: { replicas: 3, config: { ...shared, session: { clientId: 'gw' } } },
    said: `config.session.clientId is "gw" in all 3 replicas: gateways with one client id end each other's connection. Put \${POD_NAME} into it.`,
    good: { replicas: 3, config: { ...shared, session: { clientId: 'gw-${POD_NAME}' } } },
  },
  {
    what: 'a fixed client id for every pod of a parent',
    bad: { mode: 'sidecar', config: { session: { clientId: 'gw' } } },
    said: 'config.session.clientId is "gw" in every pod of the parent: gateways with one client id end each other\'s connection. Put ${POD_NAME} into it, or set sidecar.singlePod: true if the parent never has more than one pod.',
    good: { mode: 'sidecar', config: { session: { clientId: 'gw-${HOSTNAME:-x}' } } },
  },
  {
    what: 'a fixed client id where nobody has said that there is one pod',
    bad: { mode: 'sidecar', config: { session: { clientId: 'gw', will: { topic: 'w' } } } },
    said: 'config.session.will.topic is "w" in every pod of the parent: it must be a gateway\'s own. Put ${POD_NAME} into it, or set sidecar.singlePod: true',
    good: {
      mode: 'sidecar',
      sidecar: { singlePod: true },
      config: { session: { clientId: 'gw', will: { topic: 'w' } } },
    },
  },
  {
    what: 'a client id made of a variable that nobody has vouched for',
    bad: { replicas: 2, uniqueEnv: ['UNIT'], config: { session: { clientId: 'gw-${UNIT_KIND}' } } },
    said: 'config.session.clientId is "gw-${UNIT_KIND}" in all 2 replicas',
    good: {
      replicas: 2,
      uniqueEnv: ['NODE', 'UNIT'],
      config: { session: { clientId: 'gw-${UNIT}', canary: { topic: 'c/${NODE:-x}' } } },
    },
  },
  {
    what: 'a ConfigMap that the chart cannot see, for every pod of a parent',
    bad: { mode: 'sidecar', existingConfigMap: 'mine' },
    said: 'See that session.clientId holds ${POD_NAME} there, then set existingConfigMapChecked: true.',
    good: { mode: 'sidecar', existingConfigMap: 'mine', sidecar: { singlePod: true } },
  },
  {
    what: 'a generated client id that is forgotten with the pod',
    bad: { persistence: { enabled: false }, config: { session: { clientId: '' } } },
    said: 'config.session.clientId is empty and persistence.enabled is false: the generated id would be forgotten with each pod',
    good: { replicas: 2, config: { session: { clientId: '' } } },
  },
  {
    what: 'a subscription that several replicas do not share',
    bad: { replicas: 2, config: { subscriptions: [{ filter: '$share/g/a' }, { filter: 'b/+' }] } },
    said: 'config.subscriptions has the filter "b/+", and replicas is 2: each replica would get, and deliver, every message. Write $share/GROUP/b/+, or set replicas: 1.',
    good: { replicas: 1, config: { subscriptions: [{ filter: 'b/+' }] } },
  },
  {
    what: 'a topic of its own that several replicas would use',
    bad: { replicas: 2, config: { publish: { request: { responseTopic: 'r' } } } },
    said: 'config.publish.request.responseTopic is "r" in all 2 replicas: it must be a gateway\'s own. Put ${POD_NAME} into it.',
    good: {
      replicas: 2,
      config: {
        session: { canary: { topic: 'c/${POD_NAME}' } },
        publish: { request: { responseTopic: 'r/${POD_NAME}' } },
      },
    },
  },
  {
    what: 'a ConfigMap that the chart cannot see, for several replicas',
    bad: { replicas: 2, existingConfigMap: 'mine' },
    said: 'existingConfigMap is used by several gateways, and the chart cannot look into it. See that session.clientId holds ${POD_NAME} there and every filter begins with $share/, then set existingConfigMapChecked: true.',
    good: { replicas: 2, existingConfigMap: 'mine', existingConfigMapChecked: true },
  },
  {
    what: 'one port for REST and metrics',
    bad: { config: { ops: { port: 8080 } } },
    said: 'config.ops.port and config.http.port are both 8080. Give each a port of its own.',
    good: { config: { ops: { port: 8081 } } },
  },
  {
    what: 'a port that only the gateway would know',
    bad: { config: { ops: { port: 0 }, http: { port: '${PORT}' } } },
    said: 'config.http.port is "${PORT}": probes and Services need to know it. Write the number here.',
    good: { config: { ops: { port: 9000 } } },
  },
  {
    what: 'probes that cannot reach the gateway',
    bad: { config: { ops: { host: '127.0.0.1' } } },
    said: `config.ops.host is "127.0.0.1": the kubelet probes the pod's address`,
    good: { config: { ops: { host: '::' } } },
  },
  {
    what: 'REST for everybody without a word',
    bad: { config: { http: { host: '0.0.0.0' } } },
    said: 'config.http.host is "0.0.0.0" and config.http.auth is missing',
    good: { config: { http: { host: '0.0.0.0', auth: 'none' } } },
  },
  {
    what: 'a session that the broker forgets while the pods are rolled',
    bad: { config: { session: { expiry: '1m' } } },
    said: 'config.session.expiry is 1m: a roll-out takes up to 90 s, and the broker would forget the session',
    good: { config: { session: { expiry: '90s' } } },
  },
  {
    what: 'a secret that is nowhere',
    bad: { config: { http: { auth: { tokens: [token] } } } },
    said: 'config refers to /run/secrets/holdfast/app-token, and no Secret has app-token. Name one with this key in secrets.existingSecret, or add secrets.values.app-token.',
    good: { config: { http: { auth: { tokens: [token] } } }, secrets: { values: { 'app-token': 'x' } } },
  },
  {
    what: 'a certificate that is nowhere',
    bad: { config: { broker: { url: 'mqtts://b', tls: { caFile: 'ca.pem' } } } },
    said: 'config.broker.tls.caFile names the file ca.pem, and files has no ca.pem. Add it to files, or give the path of a volume.',
    good: {
      config: { broker: { url: 'mqtts://b', tls: { caFile: './ca.pem' } } },
      files: { 'ca.pem': 'a certificate' },
    },
  },
  {
    what: 'a schema, class or Protocol Buffers file that is nowhere',
    bad: {
      config: {
        contracts: {
          a: { schema: 'contracts/a.json' },
          b: { class: 'b.js#B' },
          c: { format: 'protobuf', protobuf: { file: 'c.proto', message: 'C' } },
        },
      },
    },
    said: 'config.contracts.c.protobuf.file names the file c.proto, and files has no c.proto.',
    good: {
      config: { contracts: { a: { schema: '/schemas/a.json' }, b: { class: 'b.js#B' } } },
      files: { 'b.js': '' },
    },
  },
  {
    what: 'a file in a folder, which a ConfigMap has not',
    bad: { config: { contracts: { t: { schema: './contracts/t.json' } } }, files: { 't.json': '{}' } },
    said: 'config.contracts.t.schema names the file ./contracts/t.json, and a ConfigMap has no folders: names in files are flat. Write t.json here and add files.t.json, or give the path of a volume.',
    good: { config: { contracts: { t: { schema: './t.json' } } }, files: { 't.json': '{}' } },
  },
  {
    what: 'two Secrets in one place',
    bad: { secrets: { existingSecret: 'mine', values: { a: 'b' } } },
    said: 'secrets.existingSecret and secrets.values are both given: one Secret is mounted. Put the values into mine',
    good: { secrets: { existingSecret: 'mine' } },
  },
  {
    what: 'files beside a ConfigMap of somebody else’s',
    bad: { existingConfigMap: 'mine', files: { 'a.json': '{}' } },
    said: 'existingConfigMap and files are both given: files would be nowhere. Put them into mine.',
    good: { files: { 'a.json': '{}' } },
  },
  {
    what: 'a second configuration file',
    bad: { files: { 'gateway.yaml': '' } },
    said: 'files has gateway.yaml, which is made of config.',
    good: { files: { 'gateways.yaml': '' } },
  },
  {
    what: 'more than a ConfigMap takes',
    bad: { files: { 'a.json': 'x'.repeat(600_000), 'b.json': 'x'.repeat(600_000) } },
    said: 'bytes together, and a ConfigMap takes 1 MiB. Put large files on a volume',
    good: { files: { 'a.json': 'x'.repeat(600_000) } },
  },
  {
    what: 'a NetworkPolicy that keeps the gateway from its broker',
    bad: { networkPolicy: { enabled: true, egress: { enabled: true } } },
    said: 'networkPolicy.egress.enabled is true without rules: the gateway could reach nobody, the broker included.',
    good: { networkPolicy: { enabled: true, egress: { enabled: true, rules: [{ ports: [{ port: 1883 }] }] } } },
  },
  {
    what: 'two monitors of the same pods',
    bad: { metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    said: 'metrics.podMonitor and metrics.serviceMonitor are both enabled: every gateway would be counted twice. Enable one.',
    good: { metrics: { podMonitor: { enabled: true } } },
  },
  {
    what: 'labels and annotations that are the chart’s',
    bad: {
      podLabels: { [own]: 'x' },
      commonLabels: { 'helm.sh/chart': 'x' },
      podAnnotations: { 'checksum/config': 'x' },
      metrics: { dashboard: { labels: { 'app.kubernetes.io/version': 'x' } } },
    },
    said: `- commonLabels has helm.sh/chart, which the chart sets itself. Leave it out.
- metrics.dashboard.labels has app.kubernetes.io/version, which the chart sets itself. Leave it out.
- podAnnotations has checksum/config, which the chart sets itself. Leave it out.
- podLabels has ${own}, which the chart sets itself. Leave it out.
`,
    good: { podLabels: { component: 'x' }, podAnnotations: { checksum: 'x' } },
  },
  {
    what: 'a ServiceMonitor without a Service',
    bad: { mode: 'sidecar', metrics: { serviceMonitor: { enabled: true } } },
    said: 'metrics.serviceMonitor is enabled with mode: sidecar, where there is no Service. Enable metrics.podMonitor instead.',
    good: { mode: 'sidecar', metrics: { podMonitor: { enabled: true } } },
  },
];

describe('contradictions', { skip: needs('helm') }, () => {
  for (const { what, bad, said, good } of CASES) {
    it(`refused: ${what}`, () => {
      const problem = refusal(bad);
      assert.ok(problem.includes(said), problem);
      render(good);
    });
  }

  it('are said all at once', () => {
    const problem = refusal({
      replicas: 3,
      config: { session: { clientId: 'gw' }, subscriptions: [{ filter: 'a' }], ops: { port: 8080 } },
      persistence: { size: '1Gi' },
    });
    assert.match(problem, /The values of holdfast contradict themselves:\n(- .*\n){4}/);
  });

  it('take nothing for a shared filter that only looks like one', () => {
    for (const filter of ['$shared/g/a', 'a/$share/g', '$SHARE/g/a']) {
      assert.ok(
        refusal({ replicas: 2, config: { subscriptions: [{ filter }] } }).includes(`the filter "${filter}"`),
        filter,
      );
    }
  });

  it('name each topic that must be a gateway’s own', () => {
    const session = { canary: { topic: 't' }, will: { topic: 't' }, birth: { topic: 't' } };
    const config = { session, publish: { request: { responseTopic: 't' } } };
    const keys = ['session.canary.topic', 'session.will.topic', 'session.birth.topic', 'publish.request.responseTopic'];
    const inAll = refusal({ replicas: 2, config });
    const inEvery = refusal({ mode: 'sidecar', config });
    for (const key of keys) {
      assert.ok(inAll.includes(`- config.${key} is "t" in all 2 replicas`), key);
      assert.ok(inEvery.includes(`- config.${key} is "t" in every pod of the parent`), key);
    }
  });

  it('of a ConfigMap that the chart cannot see are left to the gateway', () => {
    const config = { session: { clientId: 'gw' }, journal: { directory: './data' }, http: { host: '0.0.0.0' } };
    render({ ...shape('existing'), config });
  });
});
