/** How the configuration reaches the gateway. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/index.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { render, shape, shapes } from './helm.js';
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
      session: { adopt: true, will: { topic: 't', payload: '{{ .Values.a }}\n  - #\t"' } },
      publish: { outbox: { maxRecords: 10_000_000, maxResults: 1_000_000_000 } },
    };
    const file = parse(fileOf(render({ config }))) as typeof config;
    assert.deepEqual(file.broker, { ...config.broker, url: 'mqtt://broker:1883' });
    assert.deepEqual(file.session, { ...config.session, clientId: '${POD_NAME}' });
    assert.deepEqual(file.publish, config.publish);
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
