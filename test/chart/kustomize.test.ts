/** The Kustomize component puts the very sidecar into a pod that the chart does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { findProgram, needs } from '../support/needs.js';
import { ROOT } from '../tidy/tree.js';
import { parentChart, render } from './helm.js';
import { kubeconform, VERSIONS } from './kubeconform.js';
import { podOf, the, type Manifest, type PodSpec, type StatefulSet } from './manifests.js';
import { restrictedProblems } from './pod-security.js';

const APP = join(ROOT, 'helm/examples/kustomize/app');

function build(): string {
  const { status, stdout, stderr } = spawnSync(findProgram('kustomize')!, ['build', APP], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

describe('the kustomize component', { skip: needs('helm', 'kubeconform', 'kustomize') }, () => {
  const pieces = (): { set: StatefulSet; pod: PodSpec; manifests: Manifest[] } => {
    const manifests = parseAllDocuments(build()).map((document) => document.toJS() as Manifest);
    const set = the<StatefulSet>(manifests, 'StatefulSet');
    return { set, pod: podOf(set)!, manifests };
  };
  const secrets = { existingSecret: 'holdfast-secrets' };
  const charted = (): StatefulSet => {
    const values = { native: true, holdfast: { image: { tag: '0.1.0' }, secrets } };
    return the<StatefulSet>(render(values, { chart: parentChart() }), 'StatefulSet');
  };

  it('makes what every API server takes', () => {
    const made = build();
    for (const version of VERSIONS) {
      const { valid, said } = kubeconform(made, version);
      assert.ok(valid, said);
    }
  });

  it('keeps the pod within the restricted Pod Security Standard', () => {
    assert.deepEqual(restrictedProblems(pieces().pod), []);
  });

  it('adds the container and the claim that the chart makes of its default values', () => {
    const { set, pod } = pieces();
    const chart = charted();
    assert.deepEqual(pod.initContainers, podOf(chart)!.initContainers);
    assert.deepEqual(pod.securityContext, podOf(chart)!.securityContext);
    const [claim] = set.spec.volumeClaimTemplates!;
    assert.equal(claim!.metadata.name, chart.spec.volumeClaimTemplates![0]!.metadata.name);
    assert.deepEqual(claim!.spec, chart.spec.volumeClaimTemplates![0]!.spec);
    assert.deepEqual(
      pod.volumes!.map(({ name }) => name),
      podOf(chart)!.volumes!.map(({ name }) => name),
    );
  });

  it('mounts a ConfigMap that keeps its name, so that a change is reloaded and rolls no pod', () => {
    const { manifests, pod } = pieces();
    const { metadata, data } = the(manifests, 'ConfigMap');
    assert.equal(metadata.name, 'holdfast-config');
    assert.ok(pod.volumes!.some(({ configMap }) => (configMap as { name: string }).name === metadata.name));
    assert.equal((parse(data!['gateway.yaml']!) as { journal: { directory: string } }).journal.directory, '/data');
  });
});
