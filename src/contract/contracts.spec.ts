import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import type { ContractSettings } from '../domain/contract.js';
import { Contracts } from './contracts.js';
import { classContract, only, record, schemaContract, Scratch, subscription } from './scratch.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());

const TELEMETRY = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    gwId: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    value: { type: ['number', 'null'] },
    'a/b~c': { type: 'object', properties: { deep: { type: 'integer' } } },
  },
  required: ['gwId'],
  additionalProperties: false,
};

async function compileProblem(contract: ContractSettings): Promise<string> {
  let message = '';
  await assert.rejects(only(contract), (error) => {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.code, 'CONFIG_INVALID');
    message = error.message;
    return true;
  });
  return message;
}

describe('Contracts.compile', () => {
  it('names the contract and what is wrong, for every contract at once', async () => {
    const broken = scratch.write('broken.json', '{"type":');
    const contracts = [
      schemaContract('one', broken),
      schemaContract('two', '/nowhere/two.json'),
      classContract('three', '/nowhere/three.js', 'Three'),
    ];
    await assert.rejects(Contracts.compile([subscription('a', 'four')], contracts), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(error.message, /"one": broken\.json#: is not JSON: /);
      assert.match(error.message, /"two": .*ENOENT/);
      assert.match(error.message, /"three": .*Cannot find module/);
      assert.match(error.message, /"four": is named by subscription "a" and not defined/);
      assert.equal((error.details['problems'] as unknown[]).length, 4);
      return true;
    });
  });

  it('refuses a remote reference instead of fetching or ignoring it', async () => {
    const file = scratch.write('remote.json', { $ref: 'http://127.0.0.1:9/schema.json' });
    assert.match(
      await compileProblem(schemaContract('remote', file)),
      /"remote": remote\.json#\/\$ref: refers to "http:\/\/127.0.0.1:9\/schema.json": nothing is fetched/,
    );
  });

  it('refuses unknown keywords and formats, asynchronous schemas and other dialects', async () => {
    const refused: [object | string, RegExp][] = [
      [{ type: 'object', requird: ['a'] }, /x\.json#: unknown keyword "requird"; did you mean "required"\?/],
      [{ type: 'string', format: 'dat' }, /x\.json#\/format: unknown format "dat"; did you mean "date"\?/],
      [{ $async: true, type: 'object' }, /\$async/],
      [{ $schema: 'http://json-schema.org/draft-04/schema#' }, /x\.json#\/\$schema: .*understood are https:.*2020-12/],
      [{ type: 'strin' }, /x\.json#: is no schema of its draft: \/type: must be/],
      [{ type: 'string', pattern: '(' }, /x\.json#: Invalid regular expression: .*mend the pattern/],
      ['[]', /an object or a boolean/],
    ];
    for (const [schema, expected] of refused) {
      assert.match(await compileProblem(schemaContract('x', scratch.write('x.json', schema))), expected);
    }
  });

  it('refuses a contract with both a schema and a class, and a name used twice', async () => {
    const file = scratch.write('any.json', {});
    const both = { ...schemaContract('both', file), class: { file, export: 'X' } };
    assert.match(await compileProblem(both), /both a schema and a class/);
    await assert.rejects(Contracts.compile([], [schemaContract('a', file), schemaContract('a', file)]), /there twice/);
  });

  it('takes two schemas with the same $id', async () => {
    const file = scratch.write('same.json', { $id: 'https://example.com/same', type: 'object' });
    const contracts = await Contracts.compile([], [schemaContract('a', file), schemaContract('b', file)]);
    assert.equal(contracts.list().length, 2);
  });
});

describe('Contracts.contractFor', () => {
  it('the first matching subscription in file order decides, also when it names no contract', async () => {
    const file = scratch.write('any.json', {});
    const contracts = await Contracts.compile(
      [
        subscription('a/free'),
        subscription('$share/group/a/+', 'plus'),
        subscription('#', 'rest'),
        subscription('a/x', 'never'),
      ],
      ['plus', 'rest', 'never'].map((name) => schemaContract(name, file)),
    );
    const names = ['a/free', 'a/x', 'a/x', 'b', '$SYS/x'].map((topic) => contracts.contractFor(topic)?.name);
    assert.deepEqual(names, [undefined, 'plus', 'plus', 'rest', undefined]);
  });

  it('answers the same for topics past the cache', async () => {
    const contracts = await only({ name: 'json', format: 'json', mode: 'enforce' });
    for (let i = 0; i < 20_010; i++) assert.equal(contracts.contractFor(`t/${i}`)?.name, 'json');
    assert.equal(contracts.contractFor('t/0')?.name, 'json');
    assert.equal(contracts.contractFor('t/'.repeat(2_000))?.name, 'json');
  });
});

describe('Contracts.check', () => {
  it('a JSON Schema failure tells pointer, rule and message', async () => {
    const contracts = await only(schemaContract('telemetry', scratch.write('t.json', TELEMETRY)));
    const failure = (payload: unknown): unknown => {
      const verdict = contracts.check(record(1, 't', JSON.stringify(payload)));
      assert.ok(!verdict.valid);
      assert.deepEqual([verdict.contract, verdict.reason], ['telemetry', 'schema']);
      return verdict.problems.map(({ pointer, rule }) => `${pointer} ${rule}`).join();
    };
    assert.equal(failure({}), ' required');
    assert.equal(failure({ gwId: 7 }), '/gwId type');
    assert.equal(failure({ gwId: 'a', at: 'yesterday' }), '/at format');
    assert.equal(failure({ gwId: 'a', 'a/b~c': { deep: 1.5 } }), '/a~1b~0c/deep type');
    assert.equal(failure({ gwId: 'a', more: 1 }), '/more additionalProperties');
    assert.equal(failure([]), ' type');
    assert.ok(contracts.check(record(1, 't', '{"gwId":"a","value":null}')).valid);
  });

  it('a property every object inherits is not one the payload has', async () => {
    const schema = { type: 'object', required: ['toString'] };
    const contracts = await only(schemaContract('c', scratch.write('inherited.json', schema)));
    assert.equal(contracts.check(record(1, 't', '{}')).valid, false);
    assert.equal(contracts.check(record(1, 't', '{"toString":1}')).valid, true);
  });

  it('__proto__ and numbers beyond a double fail like any other wrong property', async () => {
    const contracts = await only(schemaContract('c', scratch.write('t2.json', TELEMETRY)));
    for (const payload of [
      '{"gwId":"a","__proto__":{"gwId":"b"}}',
      '{"__proto__":{"gwId":"b"}}',
      '{"gwId":"a","value":1e400}',
    ]) {
      assert.equal(contracts.check(record(1, 't', payload)).valid, false, payload);
    }
    const digits = '{"gwId":"a","value":123456789012345678901234567890}';
    assert.equal(contracts.check(record(1, 't', digits)).valid, true);
  });

  it('what a rejection keeps is bounded, however long names in the payload are', async () => {
    const contracts = await only(schemaContract('c', scratch.write('t3.json', TELEMETRY)));
    const verdict = contracts.check(record(1, 't', JSON.stringify({ gwId: 'a', ['x'.repeat(100_000)]: 1 })));
    assert.ok(!verdict.valid);
    const { pointer, rule, message } = verdict.problems[0]!;
    for (const text of [pointer, rule, message]) assert.ok(text.length <= 300);
  });

  it('a topic without a contract takes any bytes; a contract without rules takes any JSON', async () => {
    const contracts = await Contracts.compile(
      [subscription('free'), subscription('json', 'json')],
      [{ name: 'json', format: 'json', mode: 'enforce' }],
    );
    const bytes = Uint8Array.of(0xff);
    assert.equal(contracts.check(record(1, 'free', bytes)).valid, true);
    assert.equal(contracts.check(record(1, 'json', bytes)).valid, false);
    assert.equal(contracts.check(record(1, 'json', '[1]')).valid, true);
  });
});
