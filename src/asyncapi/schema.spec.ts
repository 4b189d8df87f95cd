import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imported, onlySchema, receiving, warningsOf } from './asyncapi.fixture.js';

const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';

/** What is written of a payload, without its `$schema`, and what is said of it. */
function written(payload: unknown, components: object = {}): [schema: unknown, warnings: string[]] {
  const result = imported(receiving(payload, {}, components));
  const { $schema, ...schema } = onlySchema(result) as { $schema: string };
  assert.equal($schema, DRAFT_07);
  return [schema, warningsOf(result).map((one) => one.slice(one.indexOf(': ') + 2))];
}

describe('a schema', () => {
  it('brings along what it refers to, also itself', () => {
    const schemas = {
      Node: {
        type: 'object',
        properties: { next: { $ref: '#/components/schemas/Node' }, at: { $ref: '#/components/schemas/At' } },
      },
      At: { type: 'string', format: 'date-time' },
    };
    assert.deepEqual(written({ $ref: '#/components/schemas/Node' }, { schemas }), [
      {
        type: 'object',
        properties: { next: { $ref: '#' }, at: { $ref: '#/definitions/At' } },
        definitions: { At: { type: 'string', format: 'date-time' } },
      },
      [],
    ]);
  });

  it('finds definitions that its references take for its own', () => {
    const payload = {
      type: 'object',
      properties: { a: { $ref: '#/definitions/a' } },
      definitions: { a: { type: 'null' } },
    };
    const [schema, warnings] = written(payload);
    assert.deepEqual(schema, {
      type: 'object',
      properties: { a: { $ref: '#/definitions/a' } },
      definitions: { a: { type: 'null' } },
    });
    assert.deepEqual(warnings, []);
  });

  it('loses what only AsyncAPI and OpenAPI know, and a warning says where that matters', () => {
    const payload = {
      type: 'object',
      discriminator: 'kind',
      externalDocs: { url: 'https://a.b' },
      example: { a: 1 },
      'x-parser-id': 7,
      properties: {
        count: { type: 'integer', minimum: 0, exclusiveMinimum: true, format: 'int32' },
        note: { type: 'string', nullable: true, format: 'markdown', xml: {} },
        odd: { type: 'string', frobnicate: 3 },
      },
    };
    assert.deepEqual(written(payload), [
      {
        type: 'object',
        properties: {
          count: { type: 'integer', format: 'int32', exclusiveMinimum: 0 },
          note: { type: ['string', 'null'] },
          odd: { type: 'string' },
        },
      },
      [
        'discriminator is left out: oneOf and anyOf are checked without its help',
        'the format markdown is not known; it is not checked',
        'frobnicate is no keyword of draft-07; left out',
      ],
    ]);
  });

  it('is given the types that its keywords speak of, except where that would let more through', () => {
    const [schema, warnings] = written({
      properties: { a: { maxLength: 3 }, b: { type: 'string', minimum: 3 } },
      not: { required: ['c'] },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    });
    assert.deepEqual(schema, {
      type: 'object',
      properties: { a: { type: 'string', maxLength: 3 }, b: { type: 'string' } },
      not: { required: ['c'] },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    });
    assert.equal(warnings.length, 3);
    const [negated] = written({ not: { required: ['c'] } });
    assert.deepEqual(negated, {
      not: { type: ['object', 'array', 'string', 'number', 'boolean', 'null'], required: ['c'] },
    });
  });

  it('that the gateway would refuse is written, and no contract names it', () => {
    const result = imported(receiving({ type: 'object', properties: { a: { type: 'strin' } } }));
    assert.deepEqual(result.fragment.contracts, { reading: { format: 'json' } });
    assert.equal((onlySchema(result) as { type: string }).type, 'object');
    assert.match(warningsOf(result)[0]!, /the contract has no schema, because the gateway would refuse it/);
  });

  it('keeps the draft that schemaFormat or $schema names', () => {
    const dialect = (payload: object, message: object = {}): string => {
      return (onlySchema(imported(receiving(payload, message))) as { $schema: string }).$schema;
    };
    const format = 'application/schema+json;version=2020-12';
    const schema = { type: 'array', prefixItems: [{ type: 'number' }], $defs: {} };
    assert.match(dialect({ schemaFormat: format, schema }), /2020-12/);
    assert.match(dialect(schema, { schemaFormat: format }), /2020-12/);
    assert.match(dialect({ $schema: 'https://json-schema.org/draft/2019-09/schema#', type: 'object' }), /2019-09/);
    assert.equal(dialect({ type: 'object' }, { schemaFormat: 'application/vnd.aai.asyncapi;version=2.0.0' }), DRAFT_07);
    assert.equal(dialect({ type: 'object' }, { schemaFormat: 'application/schema+json;version=draft-04' }), DRAFT_07);
  });

  it('of another language is left out with a warning', () => {
    const schemaFormat = 'application/vnd.apache.avro;version=1.9.0';
    const result = imported(receiving({ schemaFormat, schema: { type: 'record' } }));
    assert.deepEqual(result.fragment.contracts, { reading: { format: 'json' } });
    assert.match(warningsOf(result)[0]!, /avro.* cannot be taken over/);
  });
});
