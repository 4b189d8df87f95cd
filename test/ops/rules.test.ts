/** The alert rules: fit for Prometheus, each fires and stays silent, and none waits for a metric that does not exist. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { needs } from '../support/needs.js';
import { read, ROOT } from '../tidy/tree.js';
import { absentFrom } from './expressions.js';
import { promtool } from './promtool.js';
import { scrape } from './scrape.js';

const RULES = 'helm/holdfast/rules/holdfast.rules.yaml';
const TESTS = 'test/ops/alerts.yaml';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

interface RuleTest {
  name: string;
  promql_expr_test?: { exp_samples: unknown[] }[];
}

const rules = (parse(read(RULES)) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

describe('promtool and the rules', { skip: needs('promtool') }, () => {
  it('check rules finds nothing', () => {
    const { code, said } = promtool(['check', 'rules', join(ROOT, RULES)]);
    assert.equal(code, 0, said);
  });

  it('test rules: each alert fires for the gateway that is sick, and for no other', () => {
    const { code, said } = promtool(['test', 'rules', join(ROOT, TESTS)]);
    assert.equal(code, 0, said);
  });
});

describe('the alert rules', () => {
  it('have a test that sees them fire, and one that sees them silent', () => {
    const { tests } = parse(read(TESTS)) as { tests: RuleTest[] };
    const seen = tests.filter(({ promql_expr_test: all = [] }) =>
      [true, false].every((fires) => all.some(({ exp_samples }) => exp_samples.length > 0 === fires)),
    );
    assert.deepEqual(seen.map(({ name }) => name).sort(), rules.map(({ alert }) => alert).sort());
    assert.ok(rules.length > 30);
  });

  it('say how bad it is and what it is, in words', () => {
    for (const { alert, labels, annotations } of rules) {
      assert.match(alert, /^Holdfast[A-Z][A-Za-z]+$/);
      assert.match(labels.severity, /^(critical|warning|info)$/, alert);
      for (const text of [annotations.summary, annotations.description]) assert.match(text, /^\S.{20,}\.$/, alert);
    }
  });

  it('name nothing that a gateway does not have from its start', async (t) => {
    const text = await scrape(t);
    const typing = 'rate(holdfast_lnk_up[1m]) + holdfast_link_drops_total{cause=~"dns|nds",job=~"$job"}';
    assert.deepEqual(absentFrom(text, [typing]), ['holdfast_lnk_up', 'holdfast_link_drops_total{cause="nds"}']);
    const expressions = rules.map(({ expr }) => expr);
    assert.deepEqual(absentFrom(text, expressions), []);
  });
});
