/** What else a pod is given: resources, places, neighbours, and whatever the chart does not know. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { render, shape, type Values } from './helm.js';
import { the, type StatefulSet } from './manifests.js';

const templateOf = (values: Values): StatefulSet['spec']['template'] =>
  the<StatefulSet>(render(values), 'StatefulSet').spec.template;

describe('the pod', { skip: needs('helm') }, () => {
  const given = shape('everything');
  const { metadata, spec } = templateOf(given);
  const rest = spec as unknown as { [key: string]: unknown };

  const copied = [
    'nodeSelector',
    'tolerations',
    'affinity',
    'topologySpreadConstraints',
    'priorityClassName',
    'runtimeClassName',
  ];
  for (const key of copied) {
    it(`has the ${key} that it is given, and none otherwise`, () => {
      assert.deepEqual(rest[key], given[key]);
      assert.equal((templateOf({}).spec as unknown as { [key: string]: unknown })[key], undefined);
    });
  }

  it('has the labels and annotations that it is given, which the selector does not need', () => {
    assert.equal(metadata.labels['network'], 'mqtt');
    assert.equal(metadata.labels['team'], 'messaging');
    assert.equal(metadata.annotations!['example.com/scrape'], 'false');
    assert.equal(metadata.annotations!['kubectl.kubernetes.io/default-container'], 'holdfast');
    assert.deepEqual(the(render(given), 'StatefulSet').metadata.annotations, { 'example.com/owner': 'messaging' });
  });

  it('is rolled as is said, one at a time by default, with revisions to go back to', () => {
    const strategyOf = (values: Values): unknown[] => {
      const { updateStrategy, revisionHistoryLimit } = the<StatefulSet>(render(values), 'StatefulSet').spec;
      return [updateStrategy, revisionHistoryLimit];
    };
    assert.deepEqual(strategyOf({}), [{ type: 'RollingUpdate' }, 10]);
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 1 } };
    assert.deepEqual(strategyOf({ updateStrategy, revisionHistoryLimit: 3 }), [updateStrategy, 3]);
  });

  it('is not rolled by a new version of the chart alone', () => {
    assert.equal(templateOf({}).metadata.labels['helm.sh/chart'], undefined);
  });

  it('has the containers, volumes and mounts that it is given beside its own', () => {
    assert.deepEqual(spec.initContainers, given['extraInitContainers']);
    assert.deepEqual(spec.containers.slice(1), given['extraContainers']);
    assert.deepEqual(spec.volumes!.at(-1), { name: 'more', emptyDir: {} });
    assert.deepEqual(spec.containers[0]!.volumeMounts!.at(-1), { name: 'more', mountPath: '/more', readOnly: true });
  });

  it('has more memory than the gateway was seen to take, and no limit on its CPU', () => {
    const { requests, limits } = templateOf({}).spec.containers[0]!.resources!;
    assert.deepEqual([requests, limits], [{ cpu: '250m', memory: '512Mi' }, { memory: '512Mi' }]);
    assert.deepEqual(spec.containers[0]!.resources, given['resources']);
  });

  it('several of them are spread over the nodes', () => {
    const { spec: pod, metadata: own } = templateOf({ ...shape('scale-out'), replicas: 2 });
    const [spread] = pod.topologySpreadConstraints!;
    assert.equal(spread!.topologyKey, 'kubernetes.io/hostname');
    assert.deepEqual([spread!.maxSkew, spread!.whenUnsatisfiable], [1, 'ScheduleAnyway']);
    for (const [key, value] of Object.entries(spread!.labelSelector.matchLabels)) assert.equal(own.labels[key], value);
  });

  it('has an account of its own without a token, and no variables of other Services', () => {
    const made = render();
    const account = the(made, 'ServiceAccount') as unknown as { automountServiceAccountToken: boolean };
    assert.equal(account.automountServiceAccountToken, false);
    assert.deepEqual(the(render(given), 'ServiceAccount').metadata.annotations, { 'example.com/role': 'gateway' });
    assert.equal(the(made, 'ServiceAccount').metadata.annotations, undefined);
    const pod = templateOf({}).spec as unknown as { [key: string]: unknown };
    assert.deepEqual([pod['serviceAccountName'], pod['enableServiceLinks']], ['gw-holdfast', false]);
    assert.equal(templateOf({ serviceAccount: { create: false } }).spec.serviceAccountName, 'default');
  });

  it('comes with objects that the chart does not know, as maps and as templates', () => {
    const made = render(given);
    assert.deepEqual(the(made, 'ConfigMap', 'gw-holdfast-more').data, { key: 'value' });
    assert.deepEqual(the(made, 'ConfigMap', 'gw-text').data, { key: 'value' });
  });
});
