/** The grace period follows the gateway's own drain. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { parentChart, refusal, render, type Values } from './helm.js';
import { the, type StatefulSet } from './manifests.js';

const graceOf = (values: Values, chart?: string): number =>
  the<StatefulSet>(render(values, { ...(chart && { chart }) }), 'StatefulSet').spec.template.spec
    .terminationGracePeriodSeconds!;

describe('the grace period', { skip: needs('helm') }, () => {
  const drains: [string, number][] = [
    ['20s', 30],
    ['500ms', 11],
    ['1500ms', 12],
    ['5m', 310],
    ['1h', 3610],
  ];
  for (const [drain, seconds] of drains) {
    it(`is ${seconds} s for ops.drain: ${drain}`, () => assert.equal(graceOf({ config: { ops: { drain } } }), seconds));
  }

  it('is that of the gateway’s default when nothing says it', () => {
    assert.equal(graceOf({}), 30);
    assert.equal(graceOf({ config: { ops: { drain: null } } }), 30);
  });

  it('can be longer, and not shorter than the drain', () => {
    assert.equal(graceOf({ terminationGracePeriodSeconds: 21 }), 21);
    const values = { terminationGracePeriodSeconds: 60, config: { ops: { drain: '1m' } } };
    const said =
      /terminationGracePeriodSeconds is 60 and config\.ops\.drain is 1m: the gateway would be killed while it drains\./;
    assert.match(refusal(values), said);
  });

  it('has the app’s own time in it for a sidecar', () => {
    const values = { stopSeconds: 7, holdfast: { config: { ops: { drain: '45s' } } } };
    assert.equal(graceOf(values, parentChart()), 62);
  });

  it('cannot be made of a reference', () => {
    const said = /config\.ops\.drain is "\$\{DRAIN\}": the pod's grace period is made of it\. Write the time here\./;
    assert.match(refusal({ config: { ops: { drain: '${DRAIN}' } } }), said);
  });
});
