import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { ContractSettings, OneOfSettings } from '../../domain/contract.js';
import { Contracts } from '../contracts.js';
import { classContract, EVENT_MODULE, record, schemaContract, Scratch, subscription } from '../scratch.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());

function typed(type: string, required: string): object {
  return { type: 'object', properties: { type: { const: type } }, required: [required] };
}

const MEMBERS: ContractSettings[] = [
  schemaContract('v1', scratch.write('v1.json', typed('v1', 'one'))),
  schemaContract('v2', scratch.write('v2.json', typed('v2', 'two'))),
  classContract('event', scratch.write('event.mjs', EVENT_MODULE), 'GatewayEvent'),
  { name: 'any', format: 'json', mode: 'enforce' },
];

async function joined(oneOf: OneOfSettings): Promise<(payload: unknown) => string> {
  const contract: ContractSettings = { name: 'both', format: 'json', mode: 'enforce', oneOf };
  const contracts = await Contracts.compile([subscription('t', 'both')], [contract, ...MEMBERS]);
  return (payload) => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const verdict = contracts.check(record(1, 't', text));
    if (verdict.valid) return 'valid';
    assert.equal(verdict.contract, 'both');
    const problems = verdict.problems.map(({ pointer, rule, message }) => `${pointer} ${rule} ${message}`);
    return `${verdict.reason}: ${problems.join('; ')}`;
  };
}

describe('oneOf without a discriminator', () => {
  it('exactly one must accept; the rejection has what each said', async () => {
    const check = await joined({ contracts: ['v1', 'v2'] });
    assert.equal(check({ one: 1 }), 'valid');
    assert.equal(check({ type: 'v2', two: 1 }), 'valid');
    assert.match(check({}), /^one-of: {2}required v1: .*'one'; {2}required v2: .*'two'$/);
    assert.match(check({ one: 1, type: 'v2' }), /^one-of: \/type const v1: .*; {2}required v2: /);
    assert.equal(check({ one: 1, two: 2 }), 'one-of:  oneOf v1 and v2 accept it; exactly one may');
    assert.match(check('{'), /^syntax: /);
  });

  it('schemas and classes go together, and a contract without rules accepts all', async () => {
    const check = await joined({ contracts: ['v1', 'event'] });
    assert.equal(check({ gwId: 'a' }), 'valid');
    assert.match(check({ gwId: 7 }), /^one-of: {2}required v1: .*; \/gwId isString event: /);
    const lax = await joined({ contracts: ['v1', 'any'] });
    assert.equal(lax([]), 'valid');
    assert.match(lax({ one: 1 }), /v1 and any accept it/);
  });

  it('what is kept is bounded, whatever the payload and the number of members', async () => {
    const many = Array.from({ length: 20 }, (_, i): ContractSettings => ({ ...MEMBERS[0]!, name: `m${i}` }));
    const oneOf = { contracts: many.map(({ name }) => name) };
    const contract: ContractSettings = { name: 'both', format: 'json', mode: 'enforce', oneOf };
    const contracts = await Contracts.compile([subscription('t', 'both')], [contract, ...many]);
    const verdict = contracts.check(record(1, 't', '{}'));
    assert.ok(!verdict.valid);
    assert.equal(verdict.problems.length, 20);
    const valid = contracts.check(record(1, 't', '{"one":1}'));
    assert.ok(!valid.valid);
    assert.ok(valid.problems[0]!.message.length <= 300);
  });
});

describe('oneOf with a discriminator', () => {
  const mapping = new Map([
    ['v1', 'v1'],
    ['2', 'v2'],
    ['true', 'event'],
  ]);

  it('the value picks the member, and only that one is asked', async () => {
    const check = await joined({ contracts: ['v1', 'v2'], discriminator: { pointer: '/type', mapping } });
    assert.equal(check({ type: 'v1', one: 1, two: 2 }), 'valid');
    assert.match(check({ type: 'v1' }), /^schema: {2}required v1: .*'one'/);
    assert.match(check({ type: 2, two: 1 }), /^schema: \/type const v2: /);
    assert.match(check({ type: true, gwId: 'a' }), /^class: \/type whitelistValidation event: /);
  });

  it('a value that is missing or not known is a rejection at that pointer', async () => {
    const check = await joined({ contracts: ['v1'], discriminator: { pointer: '/meta/type', mapping } });
    const known = '"v1", "2", "true"';
    for (const payload of [{}, { meta: 1 }, { meta: [] }, [], 'null', '{"__proto__":{"meta":{"type":"v1"}}}']) {
      assert.equal(check(payload), `one-of: /meta/type discriminator is missing; it is one of ${known}`);
    }
    for (const type of ['v3', '', null, ['v1'], { v1: 1 }, 'toString', 1e400]) {
      assert.equal(check({ meta: { type } }), `one-of: /meta/type discriminator is none of ${known}`);
    }
  });
});

describe('oneOf that cannot be', () => {
  it('names a contract that is not there, or stands beside a schema', async () => {
    const contract = { ...MEMBERS[0]!, name: 'both', oneOf: { contracts: ['v1', 'gone'] } };
    await assert.rejects(Contracts.compile([], [contract, ...MEMBERS]), (error: Error) => {
      assert.match(error.message, /"both": .*has both oneOf and a schema or class/);
      assert.match(error.message, /"gone": is joined by contract "both" and not defined/);
      return true;
    });
  });
});
