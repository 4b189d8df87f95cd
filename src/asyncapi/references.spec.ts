import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratchDirectory } from '../../test/support/scratch.js';
import { receiving } from './asyncapi.fixture.js';
import { importFile } from './import.js';

/** The contract's schema and the warnings, when the payload refers to `ref`. */
function referring(ref: string): [schema: unknown, warnings: string[]] {
  const folder = scratchDirectory('asyncapi');
  const documents = join(folder, 'documents');
  mkdirSync(join(documents, 'schemas'), { recursive: true });
  writeFileSync(join(folder, 'outside.json'), '{"type": "object"}');
  symlinkSync(join(folder, 'outside.json'), join(documents, 'link.json'));
  writeFileSync(
    join(documents, 'schemas/reading.yaml'),
    'type: object\nproperties: { at: { $ref: "./at.json#/at" } }\n',
  );
  writeFileSync(join(documents, 'schemas/at.json'), '{"at": {"type": "string"}}');
  writeFileSync(join(documents, 'broken.yaml'), '{');
  const file = join(documents, 'api.json');
  writeFileSync(file, JSON.stringify(receiving({ type: 'object', properties: { a: { $ref: ref } } })));
  const result = importFile(file, { perspective: 'application' });
  assert.ok('files' in result);
  const schema = JSON.parse(result.files.get('contracts/reading.schema.json')!) as { properties: { a: unknown } };
  return [schema, result.warnings.map(({ message }) => message)];
}

describe('references', () => {
  it('lead to files below the folder of the document, and on from there', () => {
    const [schema, warnings] = referring('schemas/reading.yaml');
    assert.deepEqual(warnings, []);
    assert.deepEqual((schema as { definitions: unknown }).definitions, {
      schema: { type: 'object', properties: { at: { $ref: '#/definitions/at' } } },
      at: { type: 'string' },
    });
  });

  it('lead nowhere else: nothing is fetched, and no file outside is read', () => {
    const cases: [ref: string, warning: RegExp][] = [
      ['https://example.com/a.json', /nothing is fetched/],
      ['//example.com/a.json', /nothing is fetched/],
      ['../outside.json', /not below the folder/],
      ['link.json', /not below the folder/],
      ['/etc/passwd', /not below the folder/],
      ['missing.json', /does not exist/],
      ['broken.yaml', /neither YAML nor JSON/],
      ['#/nowhere', /leads nowhere/],
      ['#anchor', /names an anchor/],
    ];
    for (const [ref, warning] of cases) {
      const [schema, warnings] = referring(ref);
      assert.equal((schema as { properties: { a: unknown } }).properties.a, true, ref);
      assert.equal(warnings.length, 1, ref);
      assert.match(warnings[0]!, warning);
    }
  });

  it('that lead in a circle are left out', () => {
    const [schema, warnings] = referring('#/channels/readings/messages/reading/payload/properties/a');
    assert.equal((schema as { properties: { a: unknown } }).properties.a, true);
    assert.match(warnings[0]!, /in a circle/);
  });
});
