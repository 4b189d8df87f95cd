import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Contracts } from '../contracts.js';
import {
  classContract,
  EVENT_MODULE,
  only,
  POISON_MODULE,
  record,
  schemaContract,
  Scratch,
} from '../scratch.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());

describe('a class contract', () => {
  let contracts: Contracts;
  before(async () => {
    const event = classContract('event', scratch.write('event.mjs', EVENT_MODULE), 'GatewayEvent');
    contracts = await only({ ...event, limits: { maxKeys: 1_000_000 } });
  });

  const failures = (payload: string): string[] => {
    const verdict = contracts.check(record(1, 't', payload));
    if (verdict.valid) return [];
    assert.equal(verdict.reason, 'class');
    return verdict.problems.map(({ pointer, rule }) => `${pointer} ${rule}`);
  };

  it('refuses missing, wrong, unknown and nested wrong properties, each by name', () => {
    assert.deepEqual(failures('{}'), ['/gwId isString']);
    assert.deepEqual(failures('{"gwId":7}'), ['/gwId isString']);
    assert.deepEqual(failures('{"gwId":"a","more":1}'), ['/more whitelistValidation']);
    assert.deepEqual(failures('{"gwId":"a","reading":{"value":"1"}}'), ['/reading/value isNumber']);
    assert.deepEqual(failures('{"gwId":"a","reading":{"value":1,"x":2}}'), ['/reading/x whitelistValidation']);
    assert.deepEqual(failures('{"gwId":"a","reading":5}'), ['/reading nestedValidation']);
  });

  it('accepts what the class says', () => {
    assert.deepEqual(failures('{"gwId":"a","reading":{"value":1}}'), []);
  });

  it('refuses a payload that is not an object', () => {
    for (const payload of ['[]', 'null', '1', '"a"', 'true', '[{"gwId":"a"}]']) {
      assert.deepEqual(failures(payload), [' isObject'], payload);
    }
  });

  it('refuses names that class-transformer would drop in silence', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.deepEqual(failures(`{"gwId":"a","${name}":{"x":1}}`), [`/${name} whitelistValidation`]);
      assert.deepEqual(failures(`{"gwId":"a","reading":{"value":1,"${name}":[]}}`), [
        `/reading/${name} whitelistValidation`,
      ]);
    }
    assert.equal(({} as { x?: unknown }).x, undefined);
  });

  it('refuses numbers beyond a double', () => {
    assert.deepEqual(failures('{"gwId":"a","reading":{"value":1e999}}'), ['/reading/value isNumber']);
  });

  it('keeps at most 20 problems, and refuses more keys than class-transformer can bear', () => {
    const keys = (count: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i])));
    assert.equal(failures(keys(100)).length, 20);
    assert.deepEqual(failures(keys(100_000)), [' maxProperties']);
  });

  it('any bytes end in a verdict, never in an exception, under a schema as under a class', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] };
    const schemas = await only(schemaContract('s', scratch.write('s.json', schema)));
    const key = fc.constantFrom('gwId', 'reading', 'value', 'a', '__proto__', 'constructor', 'toString', 'length', '');
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue(),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }));
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      tree.map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(payload, (bytes) => {
        for (const checked of [contracts, schemas]) {
          const verdict = checked.check(record(1, 't', bytes));
          if (!verdict.valid) assert.ok(verdict.problems.length >= 1 && verdict.problems.length <= 20);
          if (!verdict.valid) assert.notEqual(verdict.reason, 'threw');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a class that misbehaves', () => {
  it('rejects the record as threw, whatever was thrown', async () => {
    const contracts = await only(classContract('p', scratch.write('poison.mjs', POISON_MODULE), 'Poison'));
    for (const act of ['throw', 'throwNull', 'throwHostile', 'recurse']) {
      const verdict = contracts.check(record(1, 't', JSON.stringify({ act })));
      assert.equal(verdict.valid ? 'valid' : verdict.reason, 'threw', act);
    }
    assert.equal(contracts.check(record(1, 't', '{"act":"fine"}')).valid, true);
  });
});

describe('loading a class', () => {
  const refusal = async (text: string, expected: RegExp, name = 'refused.mjs'): Promise<void> => {
    // A module is loaded once per thread and file, so that each takes a name of its own.
    const file = scratch.write(`${Math.abs(expected.source.length * 31 + text.length)}-${name}`, text);
    await assert.rejects(only(classContract('c', file, 'C')), expected);
  };

  it('says what is wrong with the module', async () => {
    await refusal('export class D {}', /"c": .*exports no class "C"/);
    await refusal('export const C = 5;', /exports no class "C"/);
    await refusal('export class C {}', /no class-validator rules/);
    await refusal('export class C {', /SyntaxError/);
    await refusal('throw new Error("at load");', /at load/);
    await refusal('import "no-such-package"; export class C {}', /no-such-package/);
  });

  it('refuses asynchronous rules, which a synchronous check would skip, also in nested classes', async () => {
    const declared = `
      import { registerDecorator } from 'class-validator';
      export class C {}
      registerDecorator({ name: 'later', target: C, propertyName: 'a', async: true, validator: { validate: () => true } });`;
    await refusal(declared, /C\.a has an asynchronous rule/);
    const nested = `
      import { Type } from 'class-transformer';
      import { Validate, ValidateNested, ValidatorConstraint } from 'class-validator';
      class Later { async validate() { return true; } }
      ValidatorConstraint({ name: 'later' })(Later);
      class Inner {}
      Validate(Later)(Inner.prototype, 'b');
      export class C {}
      ValidateNested()(C.prototype, 'inner');
      Type(() => Inner)(C.prototype, 'inner');`;
    await refusal(nested, /Inner\.b has an asynchronous rule/);
  });

  it('takes CommonJS, also with exports that cannot be told from the text', async () => {
    const text = `
      const { IsString } = require('class-validator');
      class C {}
      IsString()(C.prototype, 'a');
      module.exports = Object.fromEntries([['C', C]]);`;
    const contracts = await only(classContract('c', scratch.write('common.cjs', text), 'C'));
    assert.equal(contracts.check(record(1, 't', '{"a":1}')).valid, false);
    assert.equal(contracts.check(record(1, 't', '{"a":"1"}')).valid, true);
  });
});
