/** How the configuration reaches the gateway, what follows a change of it, and what rolls the pods. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/index.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { render, shape, shapes, type Values } from './helm.js';
import { the, type Manifest, type PodSpec, type StatefulSet } from './manifests.js';

const podOfGateway = (made: Manifest[]): PodSpec => the<StatefulSet>(made, 'StatefulSet').spec.template.spec;
const fileOf = (made: Manifest[]): string => the(made, 'ConfigMap', 'holdfast').data!['gateway.yaml']!;

describe('configuration', { skip: needs('helm') }, () => {
  it('is one folder of one ConfigMap, and secrets another, whole, so that the kubelet can exchange it', () => {
    const pod = podOfGateway(render(shape('secrets')));
    const { args, volumeMounts = [] } = pod.containers[0]!;
    assert.deepEqual(args, ['start', '--config', '/etc/holdfast/gateway.yaml']);
    const mounted = volumeMounts.map(({ name, mountPath, readOnly }) => [name, mountPath, readOnly]);
    assert.deepEqual(mounted, [
      ['config', '/etc/holdfast', true],
      ['secrets', '/run/secrets/holdfast', true],
      ['data', '/data', undefined],
    ]);
    assert.ok(volumeMounts.every((mount) => mount.subPath === undefined));
    assert.deepEqual(pod.volumes, [
      { name: 'config', configMap: { name: 'gw-holdfast' } },
      { name: 'secrets', secret: { secretName: 'gw-holdfast', defaultMode: 0o440 } },
    ]);
    assert.equal(pod.securityContext!.fsGroup, 1000);
  });

  it('what the chart makes of it, files and secrets beside it, is what the gateway takes', () => {
    for (const name of shapes().filter((one) => one !== 'existing')) {
      const made = render(shape(name));
      const folder = scratchDirectory('config');
      const { data = {} } = made.find(({ data: some }) => some?.['gateway.yaml'])!;
      for (const [file, text] of Object.entries(data)) writeFileSync(join(folder, file), text);
      // A certificate must be one, and is not the chart's business.
      const text = data['gateway.yaml']!.replaceAll(/^ *(tls|caFile|certFile|keyFile):.*\n/gm, '');
      for (const secret of new Set(text.match(/(?<=\/run\/secrets\/holdfast\/)[\w-]+/g))) {
        writeFileSync(join(folder, secret), 'a-secret-of-some-length');
      }
      writeFileSync(join(folder, 'gateway.yaml'), text.replaceAll('/run/secrets/holdfast', folder));
      const loaded = loadSettings(join(folder, 'gateway.yaml'), { POD_NAME: 'gw-holdfast-0', MQTT_USERNAME: 'me' });
      assert.deepEqual('problems' in loaded ? loaded.problems : [], [], name);
    }
  });

  it('numbers, flags and texts are what they were', () => {
    const config = {
      broker: { protocol: 5, username: 'on', password: '0017' },
      session: { adopt: true },
      publish: { outbox: { maxRecords: 10_000_000, maxResults: 1_000_000_000 } },
    };
    const file = parse(fileOf(render({ config }))) as typeof config;
    assert.deepEqual(file.broker, { ...config.broker, url: 'mqtt://broker:1883' });
    assert.deepEqual([file.session.adopt, file.publish], [true, config.publish]);
  });

  it('several addresses take the place of the default one', () => {
    const urls = ['mqtt://a:1883', 'mqtt://b:1883'];
    const { broker } = parse(fileOf(render({ config: { broker: { urls } } }))) as { broker: object };
    assert.deepEqual(broker, { urls });
  });

  it('a Secret is made of the values, whatever is in them', () => {
    const { data = {} } = the(render({ secrets: { values: { one: 'a\n"b"', 'two.pem': '' } } }), 'Secret');
    const texts = Object.entries(data).map(([name, text]) => [name, Buffer.from(text, 'base64').toString()]);
    assert.deepEqual(texts, [
      ['one', 'a\n"b"'],
      ['two.pem', ''],
    ]);
  });

  it('a ConfigMap and a Secret of somebody else’s take their place', () => {
    const made = render(shape('existing'));
    assert.ok(!made.some(({ kind }) => kind === 'ConfigMap' || kind === 'Secret' || kind === 'ServiceAccount'));
    const pod = podOfGateway(made);
    assert.equal(pod.serviceAccountName, 'gateways');
    assert.deepEqual(pod.volumes, [
      { name: 'config', configMap: { name: 'gateway-configuration' } },
      { name: 'secrets', secret: { secretName: 'gateway-secrets', defaultMode: 0o440 } },
    ]);
  });

  it('environment variables of the pod are there for it', () => {
    const { env = [], envFrom } = podOfGateway(render(shape('everything'))).containers[0]!;
    assert.deepEqual(
      env.map(({ name }) => name),
      ['POD_NAME', 'POD_NAMESPACE', 'MQTT_USERNAME'],
    );
    assert.deepEqual(envFrom, [{ configMapRef: { name: 'proxies', optional: true } }]);
  });
});

describe('the checksum', { skip: needs('helm') }, () => {
  const http = { host: '0.0.0.0', auth: { tokens: [{ name: 'a', token: 'x'.repeat(32), scopes: ['read'] }] } };
  const of = (values: Values): string | undefined =>
    the<StatefulSet>(render(values), 'StatefulSet').spec.template.metadata.annotations!['checksum/config'];
  const before = of({});

  const reloaded: [string, Values][] = [
    ['contracts', { contracts: { t: { format: 'text' } } }],
    ['subscribers', { subscribers: [{ id: 'a', url: 'http://a.svc', topics: ['#'] }] }],
    ['subscriptions', { subscriptions: [{ filter: 'a/#' }] }],
    ['publish.contracts', { contracts: { t: {} }, publish: { contracts: [{ filter: 'a', contract: 't' }] } }],
  ];
  for (const [name, config] of reloaded) {
    it(`stays when ${name} changes: the gateway reloads it`, () => {
      assert.equal(of({ config }), before);
    });
  }

  it('stays when a file or a Secret changes', () => {
    assert.equal(of({ files: { 'a.json': '{}' } }), before);
    assert.equal(of({ secrets: { values: { a: 'b' } } }), before);
  });

  it('stays when there are other tokens, and changes when there are none any more', () => {
    const tokens = of({ config: { http } });
    const more = [...http.auth.tokens, { name: 'b', token: 'y'.repeat(32), scopes: ['publish'] }];
    assert.equal(of({ config: { http: { ...http, auth: { tokens: more } } } }), tokens);
    assert.notEqual(of({ config: { http: { ...http, auth: 'none' } } }), tokens);
    const loopback = { ...http, host: '127.0.0.1' };
    assert.notEqual(of({ config: { http: loopback } }), before);
  });

  const restarts: Values[] = [
    { broker: { url: 'mqtt://other:1883' } },
    { broker: { username: 'other' } },
    { session: { expiry: '48h' } },
    { journal: { retention: '1h' } },
    { publish: { allow: ['a'] } },
    { registration: { allow: ['a'] } },
    { http: { port: 8081 } },
    { ops: { drain: '21s' } },
    { log: { level: 'debug' } },
    { tracing: { sample: 0.5 } },
  ];
  for (const config of restarts) {
    it(`changes with ${JSON.stringify(config)}, which takes a restart`, () => assert.notEqual(of({ config }), before));
  }

  it('is not there for a ConfigMap that the chart does not see', () => {
    assert.equal(of({ existingConfigMap: 'mine' }), undefined);
  });
});
