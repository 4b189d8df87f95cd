import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BROKER, load, problemsOf, settingsOf, told } from './config.fixture.js';

function warnings(text: string): string[] {
  return load(text).warnings.map(({ path, line, message }) => `${line} ${path}: ${message}`);
}

describe('contracts that join others', () => {
  it('members must be there, joined once, and join none themselves', () => {
    const text = `${BROKER}contracts:
  telemetry-v1: {}
  telemetry-v2: {}
  both: { oneOf: [telemetry-v1, telemetry-v2] }
  all:
    oneOf:
      - telemetry-v3
      - both
      - telemetry-v1
      - telemetry-v1
      - elsewhere
`;
    assert.deepEqual(told(text), [
      '8 contracts.all.oneOf[0]: names no contract',
      '9 contracts.all.oneOf[1]: joins contracts itself',
      '11 contracts.all.oneOf[3]: is here twice',
      '12 contracts.all.oneOf[4]: names no contract',
    ]);
    assert.match(problemsOf(text)[0]!.mend, /Did you mean "telemetry-v1"\?|Did you mean "telemetry-v2"\?/);
    assert.deepEqual(told(`${BROKER}contracts: { a: { oneOf: [a] } }`), [
      '2 contracts.a.oneOf[0]: joins contracts itself',
    ]);
    assert.deepEqual(told(`${BROKER}contracts: { a: { oneOf: [] } }`), ['2 contracts.a.oneOf: needs at least 1']);
  });

  it('keys that mean something only beside another, and a mapping that leads nowhere', () => {
    const text = `${BROKER}contracts:
  v1: {}
  a: { oneOf: [v1], class: x.js#X, schema: x.json }
  b: { discriminator: /type }
  c: { oneOf: [v1], mapping: { x: v1 } }
  d: { oneOf: [v1], discriminator: type }
  e: { oneOf: [v1], discriminator: /type, mapping: { x: v2, y: "" } }
`;
    assert.deepEqual(told(text), [
      '4 contracts.a.oneOf: stands beside schema',
      '4 contracts.a.class: stands beside schema',
      '4 contracts.a.schema: names no existing file',
      '5 contracts.b.discriminator: has no effect',
      '6 contracts.c.mapping: has no effect',
      '7 contracts.d.discriminator: is not a JSON pointer: a JSON pointer starts with /',
      '8 contracts.e.mapping.x: names none of oneOf',
      '8 contracts.e.mapping.y: must not be empty',
    ]);
  });

  it('values of the wrong kind are told once, and nothing follows from them', () => {
    const text = `${BROKER}contracts:
  a: { oneOf: 5, discriminator: /x }
  b: { oneOf: [5, {}], discriminator: 5, mapping: { x: [] } }
  c: { oneOf: [a], discriminator: /x, mapping: 5 }
subscriptions:
  - { filter: 'a/{x}', contract: 5, parameters: { x: { maxLength: 1 } } }
  - { filter: 5, contract: c, parameters: 5 }
  - { filter: 'b/{x}', contract: c, parameters: { x: 5 } }
`;
    assert.deepEqual(
      told(text).map((line) => line.split(':')[0]),
      [
        '3 contracts.a.oneOf',
        '4 contracts.b.oneOf[0]',
        '4 contracts.b.oneOf[1]',
        '4 contracts.b.discriminator',
        '4 contracts.b.mapping.x',
        '5 contracts.c.mapping',
        '7 subscriptions[0].contract',
        '8 subscriptions[1].filter',
        '8 subscriptions[1].parameters',
        '9 subscriptions[2].parameters.x',
      ],
    );
  });

  it('a member that no value means is warned of; without a mapping values are names', () => {
    const text = `${BROKER}contracts:
  v1: {}
  v2: { mode: shadow }
  plain: { oneOf: [v1, v2] }
  named: { oneOf: [v1, v2], discriminator: /type }
  mapped: { oneOf: [v1, v2], discriminator: /n, mapping: { 1: v1, true: v1 } }
`;
    assert.deepEqual(warnings(text), ['7 contracts.mapped.oneOf[1]: is meant by no value of mapping']);
    const { contracts } = settingsOf(text);
    const [, , plain, named, mapped] = contracts.map(({ oneOf }) => oneOf);
    assert.deepEqual(plain, { contracts: ['v1', 'v2'] });
    assert.deepEqual(named!.discriminator, {
      pointer: '/type',
      mapping: new Map([
        ['v1', 'v1'],
        ['v2', 'v2'],
      ]),
    });
    assert.deepEqual(
      [...mapped!.discriminator!.mapping],
      [
        ['1', 'v1'],
        ['true', 'v1'],
      ],
    );
    assert.deepEqual(
      contracts.map(({ mode }) => mode),
      ['enforce', 'shadow', 'enforce', 'enforce', 'enforce'],
    );
  });
});

describe('topic parameters', () => {
  it('the broker is asked with +, the name stays as written, and rules go with their parameter', () => {
    const [one, two] = settingsOf(`${BROKER}contracts: { c: {} }
subscriptions:
  - filter: $share/g/devices/{deviceId}/{kind}
    contract: c
    parameters:
      deviceId: { pattern: '^[a-z0-9-]+$', maxLength: 64 }
      kind: { enum: [telemetry, state] }
  - filter: gateways/{gatewayId}
`).subscriptions;
    assert.deepEqual(one, {
      name: '$share/g/devices/{deviceId}/{kind}',
      filter: '$share/g/devices/+/+',
      parameters: [
        { name: 'deviceId', level: 1, rules: { pattern: '^[a-z0-9-]+$', maxLength: 64 } },
        { name: 'kind', level: 2, rules: { enum: ['telemetry', 'state'] } },
      ],
      qos: 1,
      contract: 'c',
      overlap: 'refuse',
    });
    assert.deepEqual(two!.parameters, [{ name: 'gatewayId', level: 1 }]);
  });

  it('every mistake has its line', () => {
    const text = `${BROKER}contracts: { c: {} }
subscriptions:
  - filter: a/{x}y
  - filter: b/{id}
    contract: c
    parameters:
      ID: { maxLength: 1 }
      id: { pattern: '(' }
  - filter: c/{id}
    contract: c
    parameters: { id: {} }
  - filter: d/{id}
    parameters: { id: { enum: [a] } }
  - filter: b/{other}
subscribers:
  - { id: a, url: http://localhost, topics: ['b/{id}'] }
`;
    assert.deepEqual(told(text), [
      '4 subscriptions[0].filter: is not a topic filter: a parameter is a whole level, written {name}',
      '8 subscriptions[1].parameters.ID: is no parameter of the filter',
      '9 subscriptions[1].parameters.id.pattern: is no regular expression',
      '12 subscriptions[2].parameters.id: says nothing',
      '14 subscriptions[3].parameters: has no effect without a contract',
      '15 subscriptions[4].filter: is the same filter as subscriptions[1].filter (line 5)',
      '17 subscribers[0].topics[0]: names a level, as only subscriptions do: write +',
    ]);
    assert.match(problemsOf(text)[1]!.mend, /Did you mean "id"\?/);
  });

  it('overlaps are found by what the broker is asked', () => {
    const overlap = told(`${BROKER}subscriptions: [{ filter: 'a/{x}/b' }, { filter: a/1/# }]`);
    assert.match(overlap.join(), /subscriptions\[1\]\.filter: overlaps subscriptions\[0\]/);
    const subscriber = "{ id: a, url: http://localhost, topics: ['a/+/b'], where: { exact: { 'parameter:x': 1 } } }";
    const text = `${BROKER}subscriptions: [{ filter: 'a/{x}/b' }]\nsubscribers: [${subscriber}]`;
    assert.deepEqual(warnings(text), []);
    assert.deepEqual(settingsOf(text).subscribers[0]!.where, { kind: 'exact', attribute: 'parameter:x', value: '1' });
    assert.match(told(text.replace('parameter:x', 'parameter:')).join(), /names no parameter/);
    const nested = text.replace("exact: { 'parameter:x': 1 }", "not: { all: [{ prefix: { 'parameter:X': 1 } }] }");
    assert.deepEqual(warnings(nested), [
      '3 subscribers[0].where.not.all[0].prefix["parameter:X"]: is a parameter that no subscription names',
    ]);
  });
});

describe('contracts of publishes', () => {
  it('are read in order, with their parameters', () => {
    const text = `${BROKER}contracts: { command: {} }
publish:
  allow: [commands/#]
  contracts:
    - { filter: 'commands/{deviceId}/set', contract: command, parameters: { deviceId: { maxLength: 8 } } }
    - { filter: commands/#, contract: command }
`;
    assert.deepEqual(settingsOf(text).publish.contracts, [
      {
        filter: 'commands/+/set',
        parameters: [{ name: 'deviceId', level: 1, rules: { maxLength: 8 } }],
        contract: 'command',
      },
      { filter: 'commands/#', contract: 'command' },
    ]);
    assert.deepEqual(warnings(text), []);
  });

  it('name contracts that are there, and topics that may be published to', () => {
    const text = `${BROKER}contracts: { command: {} }
publish:
  allow: [commands/#]
  contracts:
    - { filter: commands/+/set, contract: comand }
    - { filter: commands/a }
    - { filter: $share/g/commands/a, contract: command }
`;
    assert.deepEqual(told(text), [
      '6 publish.contracts[0].contract: names no contract',
      '7 publish.contracts[1].contract: is missing',
      '8 publish.contracts[2].filter: may not be a shared filter: only subscriptions share',
    ]);
    assert.match(problemsOf(text)[0]!.mend, /Did you mean "command"\?/);
    const deaf = `${BROKER}contracts: { c: {} }\npublish: { allow: [a], contracts: [{ filter: b, contract: c }] }`;
    assert.deepEqual(warnings(deaf), ['3 publish.contracts[0].filter: matches no topic of publish.allow']);
  });
});
