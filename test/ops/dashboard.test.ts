/** The dashboard: what it asks Prometheus for exists and can be read, and its panels lie beside one another. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { read } from '../tidy/tree.js';
import { absentFrom } from './expressions.js';
import { promtool } from './promtool.js';
import { scrape } from './scrape.js';

const COLUMNS = 24;
/** What Grafana puts in. */
const GIVEN = new Set(['__rate_interval', '__all']);

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; datasource: { uid: string }; exemplar?: boolean }[];
}

interface Dashboard {
  uid: string;
  schemaVersion: number;
  annotations: { list: { expr: string }[] };
  templating: { list: { name: string; definition?: string }[] };
  panels: Panel[];
}

const text = read('helm/holdfast/dashboards/holdfast.json');
const dashboard = JSON.parse(text) as Dashboard;
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);
const expressions = [...targets, ...dashboard.annotations.list].map(({ expr }) => expr);
const variables = dashboard.templating.list;

describe('the dashboard', () => {
  it('asks for nothing that a gateway does not have from its start', async (t) => {
    assert.ok(expressions.length > 40);
    const definitions = variables.flatMap(({ definition }) => definition ?? []);
    assert.deepEqual(absentFrom(await scrape(t), [...expressions, ...definitions]), []);
  });

  it('asks in what Prometheus understands', { skip: needs('promtool') }, () => {
    const file = join(scratchDirectory('dashboard'), 'rules.yaml');
    const rules = expressions.map((expr, i) => {
      return { record: `panel:${i}`, expr: expr.replaceAll('$__rate_interval', '5m') };
    });
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { code, said } = promtool(['check', 'rules', file]);
    assert.equal(code, 0, said);
  });

  it('is for the gateways, and the Prometheus, that are chosen in it', () => {
    assert.deepEqual([dashboard.uid, dashboard.schemaVersion], ['holdfast', 39]);
    const used = new Set([...text.matchAll(/\$\{?(\w+)\}?/g)].map((match) => match[1]!));
    assert.deepEqual([...used].filter((name) => !GIVEN.has(name)).sort(), variables.map(({ name }) => name).sort());
    for (const { expr, datasource } of targets) {
      assert.equal(datasource.uid, '${datasource}');
      for (const [, matchers] of expr.matchAll(/\b(?:holdfast|process)_\w+(\{[^}]*\})?/g)) {
        assert.match(matchers ?? '', /^\{job=~"\$job",instance=~"\$instance"/, expr);
      }
    }
  });

  it('shows the exemplars of what has some', () => {
    const quantiles = targets.filter(({ expr }) =>
      /^histogram_quantile.*holdfast_(attempt|delivery|publish)_/.test(expr),
    );
    assert.equal(quantiles.length, 6);
    assert.ok(quantiles.every(({ exemplar }) => exemplar === true));
  });

  it('has panels that say what they show, none upon another', () => {
    const { panels } = dashboard;
    assert.deepEqual(
      panels.map(({ id }) => id),
      panels.map((_, i) => i + 1),
    );
    const taken = new Map<string, string>();
    for (const { type, title, description, gridPos, targets: asked = [] } of panels) {
      assert.ok(type === 'row' || (description !== undefined && asked.length > 0), title);
      assert.equal(new Set(asked.map(({ refId }) => refId)).size, asked.length, title);
      assert.ok(gridPos.x + gridPos.w <= COLUMNS, title);
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          assert.equal(taken.get(`${x},${y}`), undefined, title);
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });
});
