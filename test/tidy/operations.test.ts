/** Whoever is woken up finds what woke them: docs/OPERATIONS.md has an entry for each alert, cause and code, and for nothing else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { CAUSES, MEND } from '../../src/domain/cause.js';
import { ERRORS } from '../../src/domain/errors.js';
import { anchorsOf, entriesOf } from './markdown.js';
import { read } from './tree.js';

const RULES = 'helm/holdfast/rules/holdfast.rules.yaml';
const METRIC = /\bholdfast_[a-z0-9_]+/g;

interface Rule {
  alert: string;
  annotations: { runbook_url: string };
}

const page = read('docs/OPERATIONS.md');
const rules = (parse(read(RULES)) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

describe('docs/OPERATIONS.md', () => {
  it('has every alert, once, with what to look at and what to do', () => {
    const headings = [...page.matchAll(/^#### (\S+)$/gm)].map((match) => match[1]!);
    assert.deepEqual(headings.toSorted(), rules.map(({ alert }) => alert).sort());
    for (const section of page.split(/^#### /m).slice(1)) {
      assert.match(section, /^\S+\n\S.*\n- \*\*Look at:\*\* \S.*\n- \*\*Do:\*\* \S/);
    }
  });

  it('is where the runbook of every alert leads', () => {
    const anchors = anchorsOf(page);
    for (const { alert, annotations } of rules) {
      const [file, anchor] = annotations.runbook_url.split('#');
      assert.deepEqual([file, anchor], ['docs/OPERATIONS.md', alert.toLowerCase()]);
      assert.ok(anchors.has(anchor!), alert);
    }
  });

  it('has every cause, with the mend that the gateway gives', () => {
    assert.deepEqual(entriesOf(page, /^[a-z]+(-[a-z]+)*$/).toSorted(), [...CAUSES].sort());
    for (const cause of CAUSES) assert.ok(page.includes(`- **Do:** ${MEND[cause]}\n`), cause);
  });

  it('has every error code', () => {
    assert.deepEqual(entriesOf(page, /^[A-Z][A-Z0-9_]+$/).toSorted(), Object.keys(ERRORS).sort());
  });

  it('names no metric that there is not', () => {
    const known = new Set(read('docs/metrics.md').match(METRIC));
    assert.deepEqual(
      (page.match(METRIC) ?? []).filter((name) => !known.has(name)),
      [],
    );
  });
});
