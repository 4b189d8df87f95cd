import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parameterised, type ParameterRules } from '../domain/topic-parameters.js';
import { Contracts } from './contracts.js';
import { parameterCheck } from './parameter-check.js';
import { record } from './scratch.fixture.js';

function check(filter: string, rules: { [name: string]: ParameterRules }): ReturnType<typeof parameterCheck> {
  return parameterCheck(parameterised(filter).parameters.map((one) => ({ ...one, rules: rules[one.name]! })));
}

describe('parameterCheck', () => {
  it('names each parameter that breaks a rule, and the rule', () => {
    const broken = check('d/{id}/{kind}', {
      id: { pattern: '^[a-z0-9-]+$', maxLength: 4 },
      kind: { enum: ['telemetry', 'state'] },
    })!;
    const told = (topic: string): string[] => broken(topic).map(({ rule, message }) => `${rule}: ${message}`);
    assert.deepEqual(told('d/a-1/state'), []);
    assert.deepEqual(told('d/A/State'), [
      'pattern: topic parameter id must match pattern "^[a-z0-9-]+$"',
      'enum: topic parameter kind must be equal to one of the allowed values',
    ]);
    assert.deepEqual(told('d/abcde/state'), ['maxLength: topic parameter id must NOT have more than 4 characters']);
    assert.equal(told('d//state').length, 1);
  });

  it('patterns and lengths are by code point, and patterns are not anchored, as in JSON Schema', () => {
    const two = check('{a}', { a: { maxLength: 2, pattern: '.' } })!;
    assert.deepEqual(two('😀😀'), []);
    assert.equal(two('😀😀😀').length, 1);
    assert.deepEqual(check('{a}', { a: { pattern: 'b' } })!('abc'), []);
  });

  it('without rules there is nothing to check', () => {
    assert.equal(parameterCheck(parameterised('a/{b}').parameters), undefined);
    assert.equal(parameterCheck(), undefined);
  });
});

describe('Contracts with topic parameters', () => {
  it('a topic that breaks a rule is a rejection of the contract, before its payload is looked at', async () => {
    const { filter, parameters } = parameterised('$share/g/devices/{deviceId}');
    const named = { name: 's', filter, qos: 1 as const, contract: 'json', overlap: 'refuse' as const };
    const contracts = await Contracts.compile(
      [{ ...named, parameters: parameters.map((one) => ({ ...one, rules: { pattern: '^[0-9]+$' } })) }],
      [{ name: 'json', format: 'json', mode: 'enforce' }],
    );
    for (let i = 0; i < 2; i++) {
      const verdict = contracts.check(record(1, 'devices/x', '{'));
      assert.ok(!verdict.valid);
      assert.deepEqual([verdict.contract, verdict.reason, verdict.problems[0]!.rule], ['json', 'parameter', 'pattern']);
      assert.match(verdict.problems[0]!.message, /deviceId/);
    }
    assert.equal(contracts.check(record(1, 'devices/1', '{}')).valid, true);
    const bad = contracts.check(record(1, 'devices/1', '{'));
    assert.ok(!bad.valid && bad.reason === 'syntax');
  });

  it('publishes have routes of their own; the first in file order decides', async () => {
    const contracts = await Contracts.compile(
      [],
      ['a', 'b'].map((name) => ({ name, format: 'json', mode: 'enforce' })),
      [
        { filter: 'commands/x', contract: 'a' },
        { filter: 'commands/+', contract: 'b' },
      ],
    );
    assert.equal(contracts.contractFor('commands/x'), undefined);
    assert.equal(contracts.publishContractFor('commands/x')?.name, 'a');
    assert.equal(contracts.publishContractFor('commands/y')?.name, 'b');
    assert.equal(contracts.publishContractFor('other'), undefined);
    assert.equal(contracts.checkPublish(record(1, 'commands/x', '{')).valid, false);
    assert.equal(contracts.checkPublish(record(1, 'other', '{')).valid, true);
    const publishes = [{ filter: 'x', contract: 'gone' }];
    await assert.rejects(Contracts.compile([], [], publishes), /"gone": is named by publish.contracts for "x"/);
  });
});
