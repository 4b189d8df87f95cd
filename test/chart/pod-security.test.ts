import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { parentChart, render, shape, shapes } from './helm.js';
import {
  containersOf,
  podOf,
  the,
  type Container,
  type Manifest,
  type PodSpec,
  type StatefulSet,
} from './manifests.js';
import { restrictedProblems } from './pod-security.js';

const seccompProfile = { type: 'RuntimeDefault' };

function pod(change: Partial<PodSpec> = {}, container: Partial<Container> = {}): PodSpec {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile },
    containers: [{ name: 'c', image: 'i', securityContext, ...container }],
    ...change,
  };
}

function contained(securityContext: Container['securityContext']): PodSpec {
  const sound = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return pod({}, { securityContext: { ...sound, ...securityContext } });
}

describe('the restricted Pod Security Standard', () => {
  it('lets a sound pod pass', () => {
    assert.deepEqual(restrictedProblems(pod()), []);
    assert.deepEqual(restrictedProblems(contained({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })), []);
  });

  const bad: [string, PodSpec][] = [
    ['pod: hostNetwork', pod({ hostNetwork: true })],
    ['pod: hostPID', pod({ hostPID: true })],
    ['pod: hostIPC', pod({ hostIPC: true })],
    ['pod: volume host is a hostPath', pod({ volumes: [{ name: 'host', hostPath: { path: '/' } }] })],
    ['pod: volume n is a nfs', pod({ volumes: [{ name: 'n', nfs: {} }] })],
    ['pod: runs as root', pod({ securityContext: { runAsNonRoot: true, runAsUser: 0, seccompProfile } })],
    ['c: runAsNonRoot is not true', pod({ securityContext: { seccompProfile } })],
    ['c: no seccompProfile', pod({ securityContext: { runAsNonRoot: true } })],
    [
      'pod: seccomp Unconfined',
      pod({ securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Unconfined' } } }),
    ],
    [
      'pod: sysctl kernel.msgmax',
      pod({ securityContext: { ...pod().securityContext, sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    ],
    ['c: privileged', contained({ privileged: true })],
    ['c: allowPrivilegeEscalation is not false', contained({ allowPrivilegeEscalation: undefined })],
    ['c: does not drop ALL capabilities', contained({ capabilities: { drop: ['NET_RAW'] } })],
    ['c: adds SYS_TIME', contained({ capabilities: { drop: ['ALL'], add: ['SYS_TIME'] } })],
    ['c: runs as root', contained({ runAsUser: 0 })],
    ['c: runAsNonRoot is not true', contained({ runAsNonRoot: false })],
    ['c: procMount Unmasked', contained({ procMount: 'Unmasked' })],
    ['c: SELinux type', contained({ seLinuxOptions: { type: 'spc_t' } })],
    ['c: AppArmor Unconfined', contained({ appArmorProfile: { type: 'Unconfined' } })],
    ['c: hostPort 80', pod({}, { ports: [{ name: 'p', containerPort: 80, hostPort: 80 }] })],
    ['c: a probe names a host', pod({}, { livenessProbe: { httpGet: { path: '/', port: 80, host: 'x' } } })],
    ['i: does not drop ALL capabilities', pod({ initContainers: [{ name: 'i', image: 'i' }] })],
  ];
  for (const [problem, one] of bad) {
    it(`refuses ${problem}`, () =>
      assert.ok(restrictedProblems(one).includes(problem), restrictedProblems(one).join()));
  }
});

describe('every pod of the chart', { skip: needs('helm') }, () => {
  const charts: [string, () => Manifest[]][] = [
    ...shapes().map((name): [string, () => Manifest[]] => [name, () => render(shape(name))]),
    ['native sidecar', () => render({}, { chart: parentChart() })],
    ['classic sidecar', () => render({ native: false }, { chart: parentChart() })],
  ];
  for (const [name, made] of charts) {
    it(`is restricted, and has a read-only root: ${name}`, () => {
      const pods = made().flatMap((manifest) => podOf(manifest) ?? []);
      assert.equal(pods.length > 0, name !== 'sidecar');
      assert.deepEqual(pods.flatMap(restrictedProblems), []);
      for (const { name: container, image, securityContext } of pods.flatMap(containersOf)) {
        if (/holdfast/.test(image)) assert.equal(securityContext?.readOnlyRootFilesystem, true, container);
      }
      for (const one of pods) assert.equal(one.automountServiceAccountToken, false);
    });
  }

  it('the gateway’s container is restricted by itself, whatever the parent’s pod says', () => {
    const { spec } = the<StatefulSet>(render({}, { chart: parentChart() }), 'StatefulSet').spec.template;
    const gateway = spec.initContainers!.filter(({ name }) => name === 'holdfast');
    assert.equal(gateway.length, 1);
    assert.deepEqual(restrictedProblems({ containers: gateway }), []);
  });
});
