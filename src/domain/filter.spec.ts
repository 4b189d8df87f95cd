import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { attributeProblem, compileFilter, COMPARISONS, filterProblem, type Filter } from './filter.js';
import { UNREADABLE } from './payload-json.js';
import type { Record } from './record.js';
import { parameterised, parametersOf } from './topic-parameters.js';

const PAYLOAD = {
  state: 'off',
  n: 21,
  big: 1e21,
  half: 0.5,
  on: true,
  none: null,
  list: ['a'],
  deep: { a: { b: 'x' } },
};

function recordOf(topic: string, userProperties: [string, string][] = []): Record {
  const rest = { position: 1, id: 'id', qos: 1, retain: false, receivedAt: 0, payload: new Uint8Array() } as const;
  return { ...rest, topic, properties: { userProperties } };
}

const RECORD = recordOf('devices/a/state', [
  ['site', 'north'],
  ['site', 'south'],
  ['empty', ''],
]);

function selects(filter: Filter, record = RECORD, json: () => unknown = () => PAYLOAD): boolean {
  return compileFilter(filter, parametersOf([parameterised('devices/{deviceId}/{kind}')]))(record, json);
}

describe('a comparison', () => {
  const cases: [kind: (typeof COMPARISONS)[number], attribute: string, value: string, selected: boolean][] = [
    ['exact', 'topic', 'devices/a/state', true],
    ['exact', 'topic', 'devices/a', false],
    ['prefix', 'topic', 'devices/a', true],
    ['suffix', 'topic', '/state', true],
    ['suffix', 'topic', 'devices', false],
    ['exact', 'parameter:deviceId', 'a', true],
    ['exact', 'parameter:deviceId', 'b', false],
    ['prefix', 'parameter:kind', 'sta', true],
    ['exact', 'parameter:kin', 'state', false],
    ['prefix', 'parameter:toString', '', false],
    ['exact', 'user:site', 'north', true],
    ['exact', 'user:site', 'south', true],
    ['prefix', 'user:site', 'sou', true],
    ['exact', 'user:site', 'sou', false],
    ['exact', 'user:Site', 'north', false],
    ['exact', 'user:empty', '', true],
    ['exact', '/state', 'off', true],
    ['exact', '/state', 'OFF', false],
    ['prefix', '/state', 'of', true],
    ['exact', '/deep/a/b', 'x', true],
    ['exact', '/list/0', 'a', true],
    ['exact', '/n', '21', true],
    ['exact', '/n', '21.0', true],
    ['exact', '/n', '2.1e1', true],
    ['exact', '/n', '021', false],
    ['exact', '/n', ' 21', false],
    ['exact', '/n', '', false],
    ['exact', '/big', '1e21', true],
    ['exact', '/half', '0.5', true],
    ['prefix', '/n', '2', false],
    ['exact', '/on', 'true', true],
    ['exact', '/on', '1', false],
    ['suffix', '/on', 'true', false],
    ['exact', '/none', 'null', false],
    ['exact', '/list', 'a', false],
    ['exact', '/deep', '[object Object]', false],
    ['exact', '/missing', 'undefined', false],
    ['exact', '/constructor/name', 'Object', false],
  ];
  for (const [kind, attribute, value, selected] of cases) {
    it(`${kind} ${attribute} ${JSON.stringify(value)}: ${selected}`, () => {
      assert.equal(selects({ kind, attribute, value }), selected);
    });
  }

  it('of a payload that is no JSON matches no pointer, and a record without properties no user property', () => {
    assert.equal(
      selects({ kind: 'exact', attribute: '/state', value: 'off' }, RECORD, () => undefined),
      false,
    );
    const bare = { ...RECORD, properties: null };
    assert.equal(selects({ kind: 'exact', attribute: 'user:site', value: 'north' }, bare), false);
  });

  it('asks for the payload only when it needs it', () => {
    const filter: Filter = {
      kind: 'all',
      of: [
        { kind: 'prefix', attribute: 'topic', value: 'other' },
        { kind: 'exact', attribute: '/state', value: 'off' },
      ],
    };
    assert.equal(
      compileFilter(filter)(RECORD, () => assert.fail('the payload was asked for')),
      false,
    );
  });

  it('at any depth has an attribute, and not at every depth there is', () => {
    const deep = (filter: Filter, depth: number): Filter =>
      depth === 0 ? filter : { kind: 'not', of: deep(filter, depth - 1) };
    const [good, bad] = ['/a', 'a'].map((attribute): Filter => ({ kind: 'exact', attribute, value: '' }));
    assert.equal(filterProblem({ kind: 'any', of: [good!, deep(good!, 6)] }), undefined);
    assert.ok(filterProblem({ kind: 'all', of: [good!, deep(bad!, 3)] }));
    assert.ok(filterProblem(deep(good!, 8)));
  });

  it('names an attribute', () => {
    for (const name of ['topic', 'user:x', '/a', '/']) assert.equal(attributeProblem(name), undefined, name);
    for (const name of ['', 'Topic', 'user:', 'payload', 'a/b', '/~']) assert.ok(attributeProblem(name), name);
  });
});

describe('all, any, not', () => {
  const leaf = fc.record({
    kind: fc.constantFrom(...COMPARISONS),
    attribute: fc.constantFrom('topic', 'user:a', '/a', '/b'),
    value: fc.constantFrom('x', 'xy', '1', 'true'),
  });
  const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.record({
        kind: fc.constantFrom('all' as const, 'any' as const),
        of: fc.array(tie('filter'), { maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), of: tie('filter') }),
    ),
  }));
  const value = fc.constantFrom('x', 'xy', 'y', 1, true, null);
  const record = fc
    .tuple(
      fc.constantFrom('x', 'xy', 'z'),
      fc.array(fc.tuple(fc.constant('a'), fc.constantFrom('x', 'xy')), { maxLength: 2 }),
    )
    .map(([topic, properties]) => recordOf(topic, properties as [string, string][]));
  const payload = fc.option(fc.record({ a: value, b: value }, { requiredKeys: [] }), { nil: undefined });

  it('mean what they say, whatever they combine', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 4 }), record, payload, (of, one, parsed) => {
        const json = (): unknown => parsed;
        const each = of.map((part) => selects(part, one, json));
        assert.equal(selects({ kind: 'all', of }, one, json), each.every(Boolean));
        assert.equal(selects({ kind: 'any', of }, one, json), each.some(Boolean));
        for (const [i, part] of of.entries()) assert.equal(selects({ kind: 'not', of: part }, one, json), !each[i]);
        // De Morgan, which holds only if nothing depends on how often or in which order a part is asked.
        const negated = of.map((part): Filter => ({ kind: 'not', of: part }));
        assert.equal(
          selects({ kind: 'not', of: { kind: 'any', of } }, one, json),
          selects({ kind: 'all', of: negated }, one, json),
        );
      }),
      { seed, numRuns: 2_000 },
    );
  });
});

describe('a payload that is unreadable', () => {
  const looks: Filter = { kind: 'exact', attribute: '/t', value: '10' };
  const here: Filter = { kind: 'exact', attribute: 'topic', value: 'devices/a/state' };
  const elsewhere: Filter = { kind: 'exact', attribute: 'topic', value: 'x' };
  const cases: [filter: Filter, selected: boolean][] = [
    [looks, true],
    [{ kind: 'not', of: looks }, true],
    [{ kind: 'not', of: { kind: 'not', of: looks } }, true],
    [{ kind: 'all', of: [looks, { kind: 'not', of: looks }] }, true],
    [{ kind: 'all', of: [looks, here] }, true],
    [{ kind: 'all', of: [looks, elsewhere] }, false],
    [{ kind: 'any', of: [elsewhere, looks] }, true],
    [{ kind: 'not', of: { kind: 'any', of: [looks, here] } }, false],
    [elsewhere, false],
  ];
  for (const [filter, selected] of cases) {
    it(`${JSON.stringify(filter)}: ${selected ? 'may be meant' : 'is left out all the same'}`, () => {
      assert.equal(
        selects(filter, RECORD, () => UNREADABLE),
        selected,
      );
    });
  }
});
