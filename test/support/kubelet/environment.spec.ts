import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { environmentOf, expand, type PodIdentity } from './environment.js';
import { parseManifests, type ContainerSpec } from './manifests.js';

const POD: PodIdentity = {
  ...{ name: 'gw-0', namespace: 'mqtt', uid: 'u-1', ip: '10.0.0.2', annotations: {} },
  labels: { 'app.kubernetes.io/name': 'holdfast' },
};
const SOURCE = {
  keys: (kind: string, name: string) => (name === 'there' ? { KEY: Buffer.from(`of the ${kind}`) } : undefined),
};

function environment(more: Partial<ContainerSpec>): { [name: string]: string } {
  return environmentOf({ name: 'c', image: 'i', ...more }, POD, SOURCE);
}

describe('the environment of a container', () => {
  it('has what env takes from the pod, from ConfigMaps and from Secrets', () => {
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const key = { name: 'there', key: 'KEY' };
    const env = [
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('IP', 'status.podIP'),
      field('LABEL', "metadata.labels['app.kubernetes.io/name']"),
      { name: 'MAP', valueFrom: { configMapKeyRef: key } },
      { name: 'SECRET', valueFrom: { secretKeyRef: key } },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 'absent', key: 'KEY', optional: true } } },
    ];
    assert.deepEqual(environment({ env, envFrom: [{ prefix: 'ALL_', secretRef: { name: 'there' } }] }), {
      ...{ HOSTNAME: 'gw-0', POD_NAME: 'gw-0', POD_NAMESPACE: 'mqtt', IP: '10.0.0.2', LABEL: 'holdfast' },
      ...{ MAP: 'of the ConfigMap', SECRET: 'of the Secret', ALL_KEY: 'of the Secret' },
    });
  });

  it('cannot be made of what is not there', () => {
    assert.throws(() => environment({ envFrom: [{ configMapRef: { name: 'absent' } }] }), /there is no absent/);
    const valueFrom = { secretKeyRef: { name: 'there', key: 'OTHER' } };
    assert.throws(() => environment({ env: [{ name: 'A', valueFrom }] }), /there has no OTHER/);
    assert.throws(() => environment({ env: [{ name: 'A', valueFrom: { fileKeyRef: {} } }] }), /not simulated/);
  });

  it('$(NAME) is what was set before it, $$ is $, and an unknown name stays', () => {
    const env = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A) $$(A) $(C)' },
      { name: 'C', value: 'c' },
    ];
    assert.equal(environment({ env })['B'], 'a $(A) $(C)');
    assert.equal(expand('--id=$(A)', { A: 'x' }), '--id=x');
  });

  it('manifests are YAML 1.1: a mode with a leading 0 is octal', () => {
    assert.deepEqual(parseManifests('mode: 0440\n---\n'), [{ mode: 0o440 }]);
  });
});
