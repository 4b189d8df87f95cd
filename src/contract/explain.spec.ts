import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Problem } from '../domain/record.js';
import type { Contracts } from './contracts.js';
import { classContract, only, record, schemaContract, Scratch } from './scratch.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());
let files = 0;

function underSchema(schema: object, redact: string[] = []): Promise<Contracts> {
  return only({ ...schemaContract('c', scratch.write(`${files++}.json`, schema)), redact });
}

function underClass(body: string, redact: string[] = []): Promise<Contracts> {
  const text = `import * as v from 'class-validator'; import { Type } from 'class-transformer';\nexport class C {}\n${body}`;
  return only({ ...classContract('c', scratch.write(`${files++}.mjs`, text), 'C'), redact });
}

function problems(contracts: Contracts, payload: unknown): Problem[] {
  const verdict = contracts.check(record(1, 't', JSON.stringify(payload)));
  assert.ok(!verdict.valid, 'the payload is valid');
  return verdict.problems;
}

const SECRET = 'hunter2-\n"nilbog"';
/** No text of a rejection has the secret, in whatever writing. */
function keepsSecret(found: Problem[]): void {
  const texts = found.flatMap(({ pointer, rule, message, expected, sample }) => [
    pointer,
    rule,
    message,
    expected,
    sample,
  ]);
  for (const text of texts) assert.doesNotMatch(text ?? '', /hunter2|nilbog/);
}

describe('a rejection', () => {
  it('says what the schema wanted, and shows what was there', async () => {
    const rules: [object, unknown, string | undefined, string][] = [
      [{ type: 'number' }, 'a', 'number', '"a"'],
      [{ type: ['number', 'null'] }, 'a', 'number or null', '"a"'],
      [{ enum: ['on', 'off'] }, 'of', 'one of "on", "off"', '"of"'],
      [{ const: { a: 1 } }, [1, 2.5, null], '{"a":1}', '[1,2.5,null]'],
      [{ type: 'number', maximum: 100 }, 101, '<= 100', '101'],
      [{ type: 'number', exclusiveMinimum: 0 }, 0, '> 0', '0'],
      [{ type: 'number', multipleOf: 5 }, 7, 'a multiple of 5', '7'],
      [{ type: 'string', minLength: 3 }, 'ab', 'at least 3 characters', '"ab"'],
      [{ type: 'array', maxItems: 1 }, [1, 2], 'at most 1 items', '[1,2]'],
      [{ type: 'array', uniqueItems: true }, [1, 1], 'items that differ', '[1,1]'],
      [{ type: 'string', pattern: '^a' }, 'b', 'text that matches ^a', '"b"'],
      [{ type: 'string', format: 'date' }, '2026-01-39', 'date', '"2026-01-39"'],
      [{ type: 'object', required: ['id'] }, { Id: 1 }, 'property "id"', '{"Id":1}'],
      [{ not: { type: 'number' } }, 5, undefined, '5'],
      [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, 5, undefined, '5'],
    ];
    for (const [schema, value, expected, sample] of rules) {
      const contracts = await underSchema({ type: 'object', properties: { v: schema } });
      const [problem] = problems(contracts, { v: value });
      assert.deepEqual([problem!.pointer, problem!.expected, problem!.sample], ['/v', expected, sample]);
    }
    const closed = await underSchema({ type: 'object', additionalProperties: false });
    const [problem] = problems(closed, { 'a/b': [true] });
    assert.deepEqual([problem!.pointer, problem!.expected, problem!.sample], ['/a~1b', 'nothing here', '[true]']);
  });

  it('says what the class wanted, also within nested objects and lists', async () => {
    const contracts = await underClass(`
      class Inner {}
      v.Max(100)(Inner.prototype, 'n');
      v.IsIn(['on', 'off'])(Inner.prototype, 'state');
      v.ValidateNested({ each: true })(C.prototype, 'list');
      Type(() => Inner)(C.prototype, 'list');`);
    const found = problems(contracts, {
      list: [
        { n: 1, state: 'on' },
        { n: 101, state: 'of', x: 1 },
      ],
    });
    assert.deepEqual(
      found.map(({ pointer, rule, expected, sample }) => [pointer, rule, expected, sample]),
      [
        ['/list/1/x', 'whitelistValidation', 'nothing here', '1'],
        ['/list/1/n', 'max', '<= 100', '101'],
        ['/list/1/state', 'isIn', 'one of "on", "off"', '"of"'],
      ],
    );
  });

  it('tells all that is wrong with a small payload, at most 20 things, and the first of a large one', async () => {
    const schema = { type: 'object', additionalProperties: { type: 'number' }, required: ['id'] };
    const contracts = await underSchema(schema);
    const wrong = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));
    assert.deepEqual(
      problems(contracts, wrong(2))
        .map(({ rule }) => rule)
        .sort(),
      ['required', 'type', 'type'],
    );
    assert.equal(problems(contracts, wrong(100)).length, 20);
    assert.equal(problems(contracts, wrong(5_000)).length, 1);
  });

  it('a sample is cut, however long or deep the value is', async () => {
    const contracts = await underSchema({ type: 'number' });
    const nested = JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown;
    const values = ['x'.repeat(100_000), '😀'.repeat(1_000), Array.from({ length: 50_000 }, () => [1]), nested];
    for (const value of [...values, { ['y'.repeat(100_000)]: 1 }]) {
      const { sample } = problems(contracts, value)[0]!;
      assert.ok(sample!.length <= 120 && sample!.isWellFormed(), sample);
      assert.ok(sample!.endsWith('…'));
    }
  });
});

describe('secrets in a rejection', () => {
  it('are covered by the name of a member, at any level of the sample and of the path to it', async () => {
    const names = [
      'password',
      'Passwd',
      'clientSecret',
      'access_token',
      'Authorization',
      'apiKey',
      'api-key',
      'API_KEY',
    ];
    for (const name of [
      ...names,
      'psk',
      'wifi_psk',
      'wifiPsk',
      'pass',
      'mqttPass',
      'passcode',
      'auth',
      'bearer',
      'jwt',
      'JWT',
      'credentials',
      'privateKey',
      'private_key',
    ]) {
      const contracts = await underSchema({ type: 'object', properties: { a: { type: 'object', required: ['id'] } } });
      const [above] = problems(contracts, { a: { b: [{ [name]: SECRET, other: 1 }] } });
      assert.equal(above!.sample, `{"b":[{"${name}":"[redacted]","other":1}]}`);
      const deep = await underSchema({
        ...{ type: 'object', properties: { [name]: { type: 'object', properties: { x: { type: 'number' } } } } },
      });
      const [below] = problems(deep, { [name]: { x: SECRET } });
      assert.deepEqual([below!.pointer, below!.sample], [`/${name}/x`, '"[redacted]"']);
    }
  });

  it('are covered in a text that says so, such as JSON that came as a text', async () => {
    const contracts = await underSchema({ type: 'object', properties: { a: { type: 'number' } } });
    for (const text of ['{"password":"hunter2"}', '?token=hunter2', 'Authorization: hunter2', "psk = 'hunter2'"]) {
      const [found] = problems(contracts, { a: text });
      assert.equal(found!.sample, '"[redacted]"', text);
    }
    for (const text of ['the pass is open: 7', 'author: me', 'passage=1', 'a compass: n']) {
      assert.equal(problems(contracts, { a: text })[0]!.sample, JSON.stringify(text));
    }
  });

  it('of a length that could use up the memory are not looked for: then no words of users are told', async () => {
    const contracts = await underClass(`v.IsInt({ message: 'no number' })(C.prototype, 'password');`);
    const [found] = problems(contracts, { password: 'x'.repeat(100_000) });
    assert.equal(found!.message, 'breaks the rule isInt');
  });

  it('are not seen in names that only hold the letters', async () => {
    const contracts = await underSchema({ type: 'object', required: ['id'] });
    const value = { passenger: 1, author: 2, compass: 3, bypass: 4 };
    assert.equal(problems(contracts, value)[0]!.sample, JSON.stringify(value));
  });

  it('are covered by the pointers of redact, where * is any one step', async () => {
    const schema = {
      type: 'object',
      properties: { list: { type: 'array', items: { type: 'number' } } },
      required: ['id'],
    };
    const contracts = await underSchema(schema, ['/list/*/pin', '/owner']);
    const found = problems(contracts, { list: [{ pin: SECRET, nr: 1 }], owner: { name: SECRET } });
    const samples = Object.fromEntries(found.map(({ pointer, sample }) => [pointer, sample]));
    assert.deepEqual(samples, {
      '': '{"list":[{"pin":"[redacted]","nr":1}],"owner":"[redacted]"}',
      '/list/0': '{"pin":"[redacted]","nr":1}',
    });
  });

  it('are in no message and in no expectation of a schema', async () => {
    const password = { enum: [SECRET, 'hunter2'], const: 'hunter2', pattern: 'hunter2', type: 'string' };
    const contracts = await underSchema({ type: 'object', properties: { password } });
    const found = problems(contracts, { password: `${SECRET}!` });
    assert.ok(found.length >= 2);
    keepsSecret(found);
  });

  it('are in no message of a class, whoever wrote it', async () => {
    const contracts = await underClass(
      `
      v.IsInt({ message: '$value is no number' })(C.prototype, 'password');
      v.Equals('hunter2')(C.prototype, 'token');
      v.IsString({ message: ({ object }) => JSON.stringify(object) + object.password })(C.prototype, 'name');
      v.IsString({ message: '$value' })(C.prototype, 'pin');`,
      ['/pin'],
    );
    const found = problems(contracts, { password: SECRET, token: SECRET, name: 7, pin: 5 });
    assert.equal(found.length, 4);
    keepsSecret(found);
    assert.match(found.find(({ pointer }) => pointer === '/password')!.message, /^\[redacted\] is no number$/);
    assert.equal(found.find(({ pointer }) => pointer === '/pin')!.message, '[redacted]');
  });

  it('are not in what a class throws, nor where there are too many to look for', async () => {
    const contracts = await underClass(`
      v.ValidateBy({ name: 'x', validator: { validate(_, { object }) { throw new Error('no: ' + object.password); } } })(C.prototype, 'x');
      v.Allow()(C.prototype, 'password');
      v.Allow()(C.prototype, 'tokens');`);
    keepsSecret(problems(contracts, { x: 1, password: SECRET }));
    const found = problems(contracts, {
      x: 1,
      password: SECRET,
      tokens: Array.from({ length: 500 }, (_, i) => `t-${i}`),
    });
    keepsSecret(found);
    assert.equal(found[0]!.message, 'breaks the rule threw');
    const later = record(1, 't', JSON.stringify({ password: 'hunter2' }));
    assert.equal(contracts.withoutSecrets('c', later, 'Error: hunter2 later'), 'Error: [redacted] later');
  });

  it('are not in what the parser says of a payload that is not JSON', async () => {
    const contracts = await underSchema({ type: 'object' });
    for (const text of [
      '{"password":hunter2}',
      '{"password":"hunter2",}',
      'hunter2',
      '"hunter2',
      '{"a":"hunter2"} hunter2',
    ]) {
      const verdict = contracts.check(record(1, 't', text));
      assert.ok(!verdict.valid && verdict.reason === 'syntax');
      keepsSecret(verdict.problems);
      assert.ok(verdict.problems[0]!.message.length > 5);
    }
  });
});
