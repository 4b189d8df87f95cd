/** Whatever the chart makes is what the API servers take, old and new. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { CHART, helm, parentChart, shape, shapes, template, type Values } from './helm.js';
import { kubeconform, VERSIONS } from './kubeconform.js';

describe('what the chart makes', { skip: needs('helm', 'kubeconform') }, () => {
  const parent = (values: Values) => (kubernetes: string) => template(values, { kubernetes, chart: parentChart() });
  const charts: [string, (kubernetes: string) => { output: string; problem: string }][] = [
    ...shapes().map((name): (typeof charts)[number] => [name, (kubernetes) => template(shape(name), { kubernetes })]),
    ['no values at all', (kubernetes) => template({}, { kubernetes })],
    ['native sidecar', parent({ native: true })],
    ['classic sidecar', parent({ native: false })],
    ['sidecar without a volume', parent({ holdfast: { persistence: { enabled: false } } })],
  ];
  for (const [name, made] of charts) {
    it(`fits ${VERSIONS.join(', ')}: ${name}`, () => {
      for (const version of VERSIONS) {
        const { output, problem } = made(version);
        const { valid, said } = kubeconform(output, version);
        assert.ok(valid, `${version}: ${said}${problem}`);
        assert.match(said, /Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/);
      }
    });
  }

  const { output } = template(shape('everything'));
  const planted: [string, string, string][] = [
    ['enableServiceLinks: false', 'enableServiceLink: false', "additional properties 'enableServiceLink' not allowed"],
    ['podManagementPolicy: Parallel', 'podManagementPolicy: 1', "at '/spec/podManagementPolicy': got number"],
    ['unhealthyPodEvictionPolicy', 'unhealthyPodPolicy', "additional properties 'unhealthyPodPolicy' not allowed"],
    ['publishNotReadyAddresses: true', 'publishNotReadyAddresses: soon', 'got string'],
    ['policyTypes:', 'policyType:', "additional properties 'policyType' not allowed"],
    ['scrapeTimeout: 10s', 'scrapeTime: 10s', "additional properties 'scrapeTime' not allowed"],
    ['alert: HoldfastAbsent', 'alarm: HoldfastAbsent', "additional properties 'alarm' not allowed"],
  ];
  for (const [right, wrong, said] of planted) {
    it(`is not taken with ${wrong}`, () => {
      assert.ok(output.includes(right), right);
      for (const version of VERSIONS) {
        const answer = kubeconform(output.replace(right, wrong), version);
        assert.equal(answer.valid, false);
        assert.ok(answer.said.includes(said), answer.said);
      }
    });
  }
});

describe('helm lint --strict', { skip: needs('helm') }, () => {
  it('finds nothing in the chart, as it comes and in every shape', () => {
    const runs = [[], ...shapes().map((name) => ['--values', join(CHART, `ci/${name}-values.yaml`)])];
    for (const run of runs) {
      const { code, output, problem } = helm(['lint', '--strict', CHART, ...run]);
      assert.equal(code, 0, output + problem);
    }
  });

  it('finds nothing in the chart with the sidecar, in either style', () => {
    for (const native of [true, false]) {
      const args = ['lint', '--strict', '--kube-version', '1.33.0', '--set', `native=${native}`, parentChart()];
      const { code, output, problem } = helm(args);
      assert.equal(code, 0, output + problem);
    }
  });
});
