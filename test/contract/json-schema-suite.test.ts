/**
 * The required cases of the official JSON Schema Test Suite for the three drafts, through the loader of contracts.
 *
 * Twice: `as-shipped`, where a schema that strict mode refuses is no failure (strict mode refuses schemas that the
 * standard allows, on purpose: what it would ignore is mostly a mistake), and `lenient`, which differs in two options:
 * `strict: false`, so that those schemas can be tried, and `formats: false`, because the suite demands that `format` is
 * a remark and rejects nothing; the gateway lets it reject. What the suite fetches lies in the schema's folder, each
 * file with its address as `$id`, because nothing is fetched.
 *
 * known.json pins what is refused and what fails. A case that comes or goes breaks the test; to write it anew:
 * `HOLDFAST_PIN=1 npm test -- json-schema-suite`, and look at the difference.
 */
import assert from 'node:assert/strict';
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Rules } from '../../src/contract/rules/rules.js';
import { loadSchema, type SchemaOptions } from '../../src/contract/rules/schema.js';
import { scratchDirectory } from '../support/scratch.js';

const SUITE = fileURLToPath(new URL('../../../../test/contract/json-schema-suite/', import.meta.url));
const KNOWN = join(SUITE, 'known.json');
const SERVED_AT = 'http://localhost:1234/';
const DRAFTS: { readonly [draft: string]: string } = {
  draft7: 'http://json-schema.org/draft-07/schema#',
  'draft2019-09': 'https://json-schema.org/draft/2019-09/schema',
  'draft2020-12': 'https://json-schema.org/draft/2020-12/schema',
};
const WAYS: { readonly [way: string]: SchemaOptions } = {
  'as-shipped': {},
  lenient: { strict: false, formats: false },
};
/** A case that takes longer hangs, as far as a gateway is concerned. */
const CASE_MS_MAX = 10_000;

interface Group {
  description: string;
  schema: object | boolean;
  tests: { description: string; data: unknown; valid: boolean }[];
}

/** What a way of loading makes of a draft's cases. */
interface Outcome {
  cases: number;
  passed: number;
  /** Groups whose schema does not load, as `file: group`, and why. */
  refused: { [group: string]: string };
  /** Cases with the wrong verdict, as `file: group: case: verdict`. */
  failed: string[];
}

const folder = scratchDirectory('suite');

describe('the JSON Schema Test Suite', () => {
  before(() => serveFromFiles());
  const known = JSON.parse(readFileSync(KNOWN, 'utf8')) as { [draft: string]: { [way: string]: Outcome } };

  for (const [draft, dialect] of Object.entries(DRAFTS)) {
    for (const [way, options] of Object.entries(WAYS)) {
      it(`${draft}, ${way}: the cases that pass are those that are known to`, async () => {
        const outcome = await run(draft, dialect, options);
        assert.ok(outcome.cases > 900, `only ${outcome.cases} cases were found`);
        if (process.env['HOLDFAST_PIN'] === '1') {
          (known[draft] ??= {})[way] = outcome;
          writeFileSync(KNOWN, `${JSON.stringify(known, null, 2)}\n`);
        }
        assert.deepEqual(outcome, known[draft]?.[way]);
      });
    }

    it(`${draft}, as shipped: nothing that is invalid passes`, async () => {
      const { failed } = await run(draft, dialect, {});
      const passing = failed.filter((one) => one.endsWith(': valid'));
      assert.deepEqual(passing, []);
    });

    it(`${draft}, as shipped, with the types that strict mode asks for: nothing that is invalid passes`, async () => {
      const { failed, refused, cases } = await run(draft, dialect, {}, typed);
      assert.ok(Object.keys(refused).length < cases / 8, `${Object.keys(refused).length} groups are refused`);
      assert.deepEqual(
        failed.filter((one) => one.endsWith(': valid')),
        [],
      );
    });
  }
});

/** Copies what the suite has at an address of its own, so that it is found by that address. */
function serveFromFiles(): void {
  const remotes = join(SUITE, 'remotes');
  cpSync(remotes, folder, { recursive: true });
  for (const path of globSync('**/*.json', { cwd: folder })) {
    const file = join(folder, path);
    const schema = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ $id: SERVED_AT + path, ...schema }));
  }
}

/** Which keywords speak of which type. */
const SPEAK_OF: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  [
    'array',
    ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains', 'minContains', 'maxContains'].concat([
      'minItems',
      'maxItems',
      'uniqueItems',
    ]),
  ],
  [
    'object',
    ['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties', 'propertyNames'].concat([
      'required',
      'minProperties',
      'maxProperties',
      'dependencies',
      'dependentSchemas',
      'dependentRequired',
    ]),
  ],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
];
const DATA = ['enum', 'const', 'default', 'examples', 'required'];
const NAMED = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'];

/** A copy that says the types its keywords speak of. It accepts less than the original, and never more, unless under `not`. */
function typed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(typed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy: { [keyword: string]: unknown } = {};
  for (const [keyword, value] of Object.entries(schema) as [string, unknown][]) {
    const named = NAMED.includes(keyword) && typeof value === 'object' && value !== null && !Array.isArray(value);
    if (DATA.includes(keyword)) copy[keyword] = value;
    else if (named) copy[keyword] = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typed(one)]));
    else copy[keyword] = typed(value);
  }
  const types = SPEAK_OF.filter(([, keywords]) => keywords.some((keyword) => keyword in copy)).map(([type]) => type);
  return types.length === 0 ? copy : { type: types, ...copy };
}

async function run(
  draft: string,
  dialect: string,
  options: SchemaOptions,
  change: (schema: unknown) => unknown = (schema) => schema,
): Promise<Outcome> {
  const outcome: Outcome = { cases: 0, passed: 0, refused: {}, failed: [] };
  for (const file of globSync(join(SUITE, 'tests', draft, '*.json')).sort()) {
    for (const group of JSON.parse(readFileSync(file, 'utf8')) as Group[]) {
      const name = `${basename(file, '.json')}: ${group.description}`;
      outcome.cases += group.tests.length;
      const rules = await loaded(change(group.schema) as Group['schema'], dialect, options);
      if (typeof rules === 'string') {
        outcome.refused[name] = rules;
        continue;
      }
      for (const { description, data, valid } of group.tests) {
        const began = performance.now();
        const verdict = verdictOf(rules, data);
        assert.ok(performance.now() - began < CASE_MS_MAX, `${name}: ${description} took too long`);
        if (verdict === (valid ? 'valid' : 'invalid')) outcome.passed++;
        else outcome.failed.push(`${name}: ${description}: ${verdict}`);
      }
    }
  }
  return outcome;
}

/** A contract that throws rejects its record with that reason: so does one whose references lead in a circle. */
function verdictOf(rules: Rules, data: unknown): 'valid' | 'invalid' | 'threw' {
  try {
    return rules.check(data).length === 0 ? 'valid' : 'invalid';
  } catch (error) {
    assert.ok(error instanceof RangeError, (error as Error).stack);
    return 'threw';
  }
}

/** The compiled schema, or why it is refused. Only a refusal in the gateway's own words is one. */
async function loaded(schema: object | boolean, dialect: string, options: SchemaOptions): Promise<Rules | string> {
  // Most have a $schema; those of the first draft are without.
  const named = typeof schema === 'object' ? { $schema: dialect, ...schema } : schema;
  const file = join(folder, 'case.json');
  writeFileSync(file, JSON.stringify(named));
  try {
    return await loadSchema(file, options);
  } catch (error) {
    assert.equal((error as Error).constructor.name, 'ContractFlaw', (error as Error).stack);
    return (error as Error).message;
  }
}
