import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Contracts } from '../contracts.js';
import { only, record, schemaContract } from '../scratch.fixture.js';

const root = mkdtempSync(join(tmpdir(), 'holdfast-schema-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** Writes the files into a folder of their own. @returns that folder */
function folderOf(files: { [path: string]: unknown }): string {
  const folder = join(root, String(folders++));
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** The contract of the first of the files. */
function compiled(files: { [path: string]: unknown }): Promise<Contracts> {
  return only(schemaContract('c', join(folderOf(files), Object.keys(files)[0]!)));
}

function valid(contracts: Contracts, payload: unknown): boolean {
  return contracts.check(record(1, 't', JSON.stringify(payload))).valid;
}

async function refusal(files: { [path: string]: unknown }, expected: RegExp): Promise<void> {
  await assert.rejects(compiled(files), expected);
}

const DRAFT_7 = 'http://json-schema.org/draft-07/schema#';
const DRAFT_2019 = 'https://json-schema.org/draft/2019-09/schema';

describe('the draft of a schema', () => {
  it('is the one $schema names, and 2020-12 without it', async () => {
    const tuple = { type: 'array', items: [{ type: 'number' }], additionalItems: false };
    for (const $schema of [DRAFT_7, DRAFT_7.slice(0, -1), DRAFT_2019]) {
      const contracts = await compiled({ 'a.json': { $schema, ...tuple } });
      assert.deepEqual([valid(contracts, [1]), valid(contracts, [1, 2])], [true, false], $schema);
    }
    await refusal({ 'a.json': tuple }, /a\.json#: is no schema of its draft: \/items: must be object,boolean/);
    const prefix = { type: 'array', prefixItems: [{ type: 'number' }], items: false };
    const contracts = await compiled({ 'a.json': prefix });
    assert.deepEqual([valid(contracts, [1]), valid(contracts, [1, 2])], [true, false]);
    await refusal({ 'a.json': { $schema: DRAFT_2019, ...prefix } }, /a\.json#: unknown keyword "prefixItems"/);
  });

  it('is one for all files of a schema; a file without $schema takes that of its referrer', async () => {
    const files = { 'a.json': { $schema: DRAFT_7, $ref: 'b.json' }, 'b.json': { $schema: DRAFT_2019 } };
    await refusal(files, /a\.json#\/\$ref: refers to b\.json, which is of another draft/);
    const items = { type: 'array', items: [{ type: 'number' }], additionalItems: false };
    const contracts = await compiled({ 'a.json': { $schema: DRAFT_7, $ref: 'b.json' }, 'b.json': items });
    assert.equal(valid(contracts, ['x']), false);
  });
});

describe('references across files', () => {
  it('lead to files beside and below, to places in them, and back in a circle', async () => {
    const contracts = await compiled({
      'tree.json': { type: 'object', properties: { node: { $ref: 'parts/node.json#/$defs/node' } } },
      'parts/node.json': {
        $defs: {
          node: {
            type: 'object',
            properties: { tree: { $ref: '../tree.json' }, size: { $ref: 'size of a node.json' } },
            required: ['size'],
          },
        },
      },
      'parts/size of a node.json': { type: 'integer' },
    });
    assert.equal(valid(contracts, { node: { size: 1, tree: { node: { size: 2 } } } }), true);
    assert.equal(valid(contracts, { node: { size: 1, tree: { node: { size: '2' } } } }), false);
    assert.equal(valid(contracts, { node: { size: 1, tree: { node: {} } } }), false);
  });

  it('are answered by an $id, of a file or of a schema within one, wherever it lies below', async () => {
    const contracts = await compiled({
      'a.json': {
        $id: 'https://example.com/a.json',
        type: 'object',
        properties: {
          unit: { $ref: 'https://example.org/units#/$defs/unit' },
          inner: { $ref: 'urn:example:inner' },
          beside: { $ref: 'beside.json' },
        },
      },
      'deep/er/units.json': { $id: 'https://example.org/units', $defs: { unit: { enum: ['K', 'C'] } } },
      'more.json': { $defs: { inner: { $id: 'urn:example:inner', type: 'boolean' } } },
      'beside.json': { type: 'null' },
      // What is no schema disturbs nobody.
      'broken.json': '{',
      'x.valid.json': { $id: 'https://example.org/units' },
    });
    assert.equal(valid(contracts, { unit: 'K', inner: true, beside: null }), true);
    assert.equal(valid(contracts, { unit: 'F' }), false);
    assert.equal(valid(contracts, { inner: 1 }), false);
    assert.equal(valid(contracts, { beside: 1 }), false);
  });

  it('may reach one file by its path and by its $id', async () => {
    const contracts = await compiled({
      'a.json': {
        type: 'object',
        properties: { one: { $ref: 'b.json' }, two: { $ref: 'https://example.com/b' }, back: { $ref: '#' } },
      },
      'b.json': { $id: 'https://example.com/b', type: 'number' },
    });
    assert.equal(valid(contracts, { one: 1, two: 2, back: { one: 1 } }), true);
    assert.equal(valid(contracts, { back: { one: '1' } }), false);
    assert.equal(valid(contracts, { two: '2' }), false);
  });

  it('are not looked for in data', async () => {
    const contracts = await compiled({ 'a.json': { const: { $ref: 'nowhere.json' } } });
    assert.equal(valid(contracts, { $ref: 'nowhere.json' }), true);
  });

  it('that lead nowhere are refused with file, place and mend', async () => {
    const at = (reference: string): object => ({ type: 'object', properties: { p: { $ref: reference } } });
    await refusal(
      { 'a.json': at('b.json') },
      /a\.json#\/properties\/p\/\$ref: refers to "b\.json", and there is no such file/,
    );
    await refusal(
      { 'a.json': at('https://example.com/b') },
      /refers to "https:\/\/example\.com\/b": nothing is fetched, .*has the \$id https:\/\/example\.com\/b; save it there/,
    );
    await refusal(
      { 'a.json': at('#/$defs/no') },
      /a\.json#\/properties\/p: refers to "#\/\$defs\/no", where there is no/,
    );
    await refusal(
      { 'a.json': at('b.json'), 'b.json': { $ref: 'c.json#/$defs/no' }, 'c.json': {} },
      /b\.json#: refers to "c\.json#\/\$defs\/no", where there is no schema/,
    );
    await refusal(
      { 'a.json': at('urn:x:y'), 'b.json': { $id: 'urn:x:y' }, 'c.json': { $id: 'urn:x:y' } },
      /the \$id of both b\.json and c\.json/,
    );
    await refusal({ 'a.json': at('b.json'), 'b.json': '{"a":}' }, /b\.json#: is not JSON: /);
    await refusal({ 'a.json': at('b.json'), 'b.json': { type: 'strin' } }, /b\.json#: is no schema .*\/type: must be/);
  });

  it('never lead out of the folder, neither by .. nor by a link', async () => {
    const outside = folderOf({ 'secret.json': { type: 'number' } });
    const up = `../${outside.split('/').at(-1)}/secret.json`;
    await refusal({ 'a.json': { $ref: up } }, /leads out of the schema's folder/);
    await refusal({ 'a.json': { $ref: `file://${outside}/secret.json` } }, /leads out of the schema's folder/);
    const folder = folderOf({ 'a.json': { $ref: 'link.json' }, 'b.json': { $ref: 'https://example.com/hidden' } });
    symlinkSync(join(outside, 'secret.json'), join(folder, 'link.json'));
    await assert.rejects(only(schemaContract('c', join(folder, 'a.json'))), /leads out of the schema's folder/);
    writeFileSync(join(outside, 'hidden.json'), JSON.stringify({ $id: 'https://example.com/hidden' }));
    symlinkSync(outside, join(folder, 'links'));
    await assert.rejects(only(schemaContract('c', join(folder, 'b.json'))), /nothing is fetched/);
  });

  it('work where Kubernetes mounts files as links into a folder named with dots', async () => {
    const folder = folderOf({
      '..2026_01/a.json': { type: 'object', properties: { b: { $ref: 'b.json' }, c: { $ref: 'urn:x:c' } } },
      '..2026_01/b.json': { type: 'number' },
      '..2026_01/c.json': { $id: 'urn:x:c', type: 'number' },
    });
    symlinkSync('..2026_01', join(folder, '..data'));
    for (const name of ['a.json', 'b.json', 'c.json']) symlinkSync(`..data/${name}`, join(folder, name));
    const contracts = await only(schemaContract('c', join(folder, 'a.json')));
    assert.equal(valid(contracts, { b: 1, c: 1 }), true);
    assert.equal(valid(contracts, { c: '1' }), false);
  });
});

describe('a schema that is refused', () => {
  it('names the place of what strict mode minds, also in another file', async () => {
    await refusal(
      { 'a.json': { $ref: 'b.json' }, 'b.json': { $defs: { x: { type: 'string', format: 'dte-time' } } } },
      /b\.json#\/\$defs\/x\/format: unknown format "dte-time"; did you mean "date-time"\?/,
    );
    await refusal(
      { 'a.json': { properties: { a: { minimum: 1 } } } },
      /missing type "object" for keyword "properties" at "a\.json#" .*add "type": "object" there/,
    );
    await refusal({ 'a.json': { $async: true } }, /a\.json#: \$async schemas are not supported/);
    await refusal(
      { 'a.json': { type: 'object', patternProperties: { '\\-': true } } },
      /a\.json#: Invalid regular expression: .*mend the pattern/,
    );
  });

  it('is one with unevaluated… whose work depends on a branch that ajv does not follow', async () => {
    const [text, two] = [{ type: 'string' }, [{ type: 'string' }, { type: 'string' }]];
    const strings = { $defs: { strings: { type: 'array', items: text } } };
    for (const [branch, at] of [
      [{ anyOf: [{ items: text }, { maxItems: 3 }] }, '/anyOf/0'],
      [{ oneOf: [{ maxItems: 3 }, { items: text }] }, '/oneOf/1'],
      [{ ...strings, anyOf: [{ $ref: '#/$defs/strings' }, { maxItems: 3 }] }, '/anyOf/0'],
      [
        { $defs: { a: { type: 'array', anyOf: [{ items: text }, { maxItems: 3 }] } }, $ref: '#/$defs/a' },
        '/\\$defs/a/anyOf/0',
      ],
      [{ allOf: [{ anyOf: [{ items: text }, { maxItems: 3 }] }] }, '/allOf/0/anyOf/0'],
      [{ anyOf: [{ prefixItems: two }, { minItems: 1 }] }, '/anyOf/0'],
      [{ if: { maxItems: 1 }, then: { items: true }, else: true }, '/then'],
    ] as const) {
      const schema = { type: 'array', ...branch, unevaluatedItems: false };
      await refusal(
        { 'a.json': schema },
        new RegExp(`a\\.json#.*unevaluatedItems would pass over .* at ${at} did not`),
      );
    }
    const pattern = { patternProperties: { '^x-': text }, required: ['x-a'] };
    const named = { properties: { id: { type: 'integer' } }, required: ['id'] };
    const object = { type: 'object', anyOf: [pattern, named], unevaluatedProperties: false };
    await refusal(
      { 'a.json': object },
      /a\.json#: unevaluatedProperties would pass over .*patternProperties at \/anyOf\/0/,
    );

    const fine = await compiled({
      'a.json': { ...strings, type: 'array', $ref: '#/$defs/strings', unevaluatedItems: false },
    });
    assert.deepEqual([valid(fine, ['a']), valid(fine, [1])], [true, false]);
    const either = { type: 'object', anyOf: [named, { properties: { a: text }, required: ['a'] }] };
    const closed = await compiled({ 'a.json': { ...either, unevaluatedProperties: false } });
    const verdicts = [{ id: 1 }, { id: 1, a: 'b' }, { id: 1, a: 2 }, { id: 1, b: 1 }].map((one) => valid(closed, one));
    assert.deepEqual(verdicts, [true, true, false, false]);
    const apart = { labels: { type: 'object', anyOf: [pattern, { maxProperties: 0 }] } };
    await compiled({ 'a.json': { type: 'object', properties: apart, unevaluatedProperties: false } });
  });

  it('is one that would let something pass unseen', async () => {
    const proto = '{"type":"object","properties":{"__proto__":{"type":"number"}}}';
    await refusal({ 'a.json': proto }, /a\.json#: a property named __proto__ would not be checked/);

    const sibling = { $schema: DRAFT_7, type: 'object', properties: { a: { $id: 'b.json', $ref: '#/definitions/c' } } };
    await refusal({ 'a.json': sibling }, /a\.json#\/properties\/a: in draft-07 an \$id beside \$ref/);

    const recursive = {
      $schema: DRAFT_2019,
      $id: 'https://example.com/outer',
      $recursiveAnchor: true,
      anyOf: [{ type: 'integer' }, { $ref: '#/$defs/inner' }],
      $defs: {
        inner: {
          $id: 'https://example.com/inner',
          anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: { $recursiveRef: '#' } }],
        },
      },
    };
    await refusal({ 'a.json': recursive }, /inner\/anyOf\/1\/additionalProperties: \$recursiveRef would lead/);

    const chosen = {
      type: 'object',
      if: { properties: { a: { const: 1 } }, required: ['a'] },
      else: { properties: { b: {} } },
      unevaluatedProperties: false,
    };
    for (const $schema of [DRAFT_2019, 'https://json-schema.org/draft/2020-12/schema']) {
      await refusal(
        { 'a.json': { $schema, ...chosen } },
        /a\.json#: with else and no then, what if looks at would count as evaluated/,
      );
      const mended = await compiled({ 'a.json': { $schema, ...chosen, then: { properties: { a: true } } } });
      const verdicts = [{ a: 1 }, { b: 2 }, { a: 2, b: 2 }].map((value) => valid(mended, value));
      assert.deepEqual(verdicts, [true, true, false]);
    }
    const schema = { type: 'array', allOf: [{ contains: { type: 'number' } }], unevaluatedItems: false };
    await refusal({ 'a.json': schema }, /unevaluatedItems would pass over what contains at \/allOf\/0 matched/);
  });
});

describe('a name that every object inherits', () => {
  it('is no more known to a schema than any other', async () => {
    const either = [
      { properties: { a: { type: 'number' } }, required: ['a'] },
      { properties: { b: { type: 'number' } } },
    ];
    for (const $schema of [DRAFT_2019, undefined]) {
      const open = {
        ...($schema && { $schema }),
        type: 'object',
        anyOf: either.map((one) => ({ type: 'object', ...one })),
      };
      const contracts = await compiled({ 'a.json': { ...open, unevaluatedProperties: false } });
      assert.equal(valid(contracts, { a: 1, b: 1 }), true);
      for (const name of ['toString', '__proto__', 'constructor', 'c']) {
        const verdict = contracts.check(record(1, 't', `{"a":1,"${name}":1}`));
        assert.equal(verdict.valid, false, name);
      }
    }
    const closed = await compiled({ 'a.json': { type: 'object', properties: { a: {} }, additionalProperties: false } });
    assert.equal(valid(closed, { valueOf: 1 }), false);
    const contracts = await compiled({ 'a.json': { type: 'object', required: ['valueOf'] } });
    assert.deepEqual([valid(contracts, {}), valid(contracts, { valueOf: 1 })], [false, true]);
  });
});

describe('the url format', () => {
  it('does not take the square of the length of a text', async () => {
    const contracts = await compiled({ 'a.json': { type: 'string', format: 'url' } });
    assert.equal(valid(contracts, 'http://example.com/x'), true);
    assert.equal(valid(contracts, `http://${'::'.repeat(500_000)}`), false);
  });
});
