import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imported, receiving, warningsOf } from './asyncapi.fixture.js';

describe('messages', () => {
  const kind = (value: string): object => ({
    name: value,
    payload: { type: 'object', required: ['kind'], properties: { kind: { const: value } } },
  });
  const choosing = (...oneOf: object[]): object => ({
    asyncapi: '2.6.0',
    channels: { events: { publish: { operationId: 'events', message: { oneOf } } } },
  });

  it('several on one channel are a contract each, told apart by the property that only one of them can have', () => {
    const { fragment, warnings } = imported(choosing(kind('on'), kind('off')));
    assert.deepEqual(fragment.contracts['events'], {
      format: 'json',
      oneOf: ['on', 'off'],
      discriminator: '/kind',
      mapping: { on: 'on', off: 'off' },
    });
    assert.equal(fragment.subscriptions[0]!.contract, 'events');
    assert.deepEqual(warnings, []);
  });

  it('without such a property it is said that exactly one must fit', () => {
    const result = imported(choosing(kind('on'), { name: 'any', payload: { type: 'object' } }));
    assert.deepEqual(result.fragment.contracts['events'], { format: 'json', oneOf: ['on', 'any'] });
    assert.match(warningsOf(result)[0]!, /exactly one of on, any must fit/);
  });

  it('several formats, or one message that may be anything, leave the subscription without a contract', () => {
    const plain = { name: 'note', contentType: 'text/plain', payload: { type: 'string' } };
    for (const other of [plain, {}]) {
      const result = imported(choosing(kind('on'), other));
      assert.equal(result.fragment.subscriptions[0]!.contract, undefined);
      assert.match(warningsOf(result).join('\n'), /no contract is named/);
    }
  });

  it('one whose schema is refused, or that has none, leaves it without a contract, unless a property tells them apart', () => {
    const refused = (name: string, more: object = {}): object => ({
      name,
      payload: { type: 'object', required: ['kind'], properties: { a: { type: 'string', pattern: '(?!' }, ...more } },
    });
    const nothing = { name: 'class', contentType: 'application/json' };
    for (const other of [refused('bad'), nothing]) {
      const result = imported(choosing(kind('on'), other));
      assert.equal(result.fragment.subscriptions[0]!.contract, undefined);
      assert.match(warningsOf(result).join('\n'), /one of its messages may be anything, so that no contract is named/);
    }
    const told = imported(choosing(kind('on'), refused('bad', { kind: { const: 'off' } })));
    assert.equal(told.fragment.subscriptions[0]!.contract, 'events');
  });

  it('an example that fits two of them is told', () => {
    const on = { ...kind('on'), examples: [{ payload: { kind: 'on' } }] };
    const result = imported(choosing(on, { name: 'any', payload: { type: 'object' } }));
    assert.match(
      warningsOf(result).join('\n'),
      /like on\.example-1\.valid\.json is rejected, because it fits on and any/,
    );
  });

  it('the content type says the format', () => {
    const formats = [
      ['application/json; charset=utf-8', 'json'],
      ['application/senml+json', 'json'],
      ['text/plain', 'text'],
      ['application/cbor', 'cbor'],
      ['application/x-msgpack', 'msgpack'],
      ['application/octet-stream', undefined],
      ['application/x-protobuf', undefined],
      ['chocolate', undefined],
    ] as const;
    for (const [contentType, format] of formats) {
      const { contracts } = imported(receiving({ type: 'string' }, { contentType })).fragment;
      assert.deepEqual(
        Object.values(contracts).map((one) => one.format),
        format ? [format] : [],
        contentType,
      );
    }
  });

  it('a text is checked by a schema of texts, and by no other', () => {
    const contractOf = (payload: object): object =>
      imported(receiving(payload, { contentType: 'text/plain' })).fragment.contracts['reading']!;
    const schema = 'contracts/reading.schema.json';
    assert.deepEqual(contractOf({ type: 'string', enum: ['on', 'off'] }), { format: 'text', schema });
    assert.deepEqual(contractOf({ type: 'object', required: ['a'] }), { format: 'text' });
  });

  it('a message that several operations carry is one contract; two of one name are two', () => {
    const ref = { $ref: '#/components/messages/m' };
    const channels = {
      a: { publish: { message: ref } },
      b: { publish: { message: ref } },
      c: { publish: { message: { name: 'M', payload: {} } } },
      d: { publish: { message: { name: 'constructor', payload: {} } } },
    };
    const components = { messages: { m: { payload: { type: 'object' } } } };
    const { fragment } = imported({ asyncapi: '2.6.0', channels, components });
    assert.deepEqual(
      fragment.subscriptions.map(({ contract }) => contract),
      ['m', 'm', 'M-2', 'constructor-2'],
    );
  });
});

describe('Protocol Buffers', () => {
  const PROTOBUF = 'application/vnd.google.protobuf;version=3';
  const source = (more = ''): string =>
    `syntax = "proto3"; package acme; import "google/protobuf/timestamp.proto";
message Reading { double celsius = 1; google.protobuf.Timestamp at = 2; Unit unit = 3; } message Unit { string name = 1; }${more}`;

  for (const [version, payload, message] of [
    ['2.x', source(), { schemaFormat: PROTOBUF }],
    ['3.x', { schemaFormat: PROTOBUF, schema: source() }, {}],
  ] as const) {
    it(`${version}: a schema that is a .proto file becomes one, and the message that no other holds is meant`, () => {
      const { fragment, files, warnings } = imported(receiving(payload, message));
      assert.deepEqual(fragment.contracts, {
        reading: { format: 'protobuf', protobuf: { file: 'contracts/reading.proto', message: 'acme.Reading' } },
      });
      assert.equal(files.get('contracts/reading.proto'), `${source()}\n`);
      assert.deepEqual(warnings, []);
    });
  }

  it('where several could be meant, a comment says which; without it, and where it cannot be read, any payload will do', () => {
    const two = source('\n// @RootNode\nmessage Alarm { string text = 1; }');
    const { fragment } = imported(receiving({ schemaFormat: PROTOBUF, schema: two }));
    assert.equal((fragment.contracts['reading'] as { protobuf: { message: string } }).protobuf.message, 'acme.Alarm');
    const cases: [schema: string, said: RegExp][] = [
      [source(' message Alarm { string text = 1; }'), /do not say which is meant of Reading, Unit, Alarm/],
      ['message {', /cannot be read: /],
      ['syntax = "proto3"; import "other.proto"; message A {}', /import other.proto, which is not read/],
      ['syntax = "proto3";', /hold no message/],
    ];
    for (const [schema, said] of cases) {
      const result = imported(receiving({ schemaFormat: PROTOBUF, schema }));
      assert.deepEqual(result.fragment.contracts, {}, schema);
      assert.match(warningsOf(result).join(), said);
    }
  });
});

describe('examples of messages', () => {
  const written = (payload: unknown, message: object): [string, string][] =>
    [...imported(receiving(payload, message)).files].filter(([name]) => name.includes('.valid.'));

  it('are written beside the contract, by which holdfast check tries them', () => {
    const payload = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } };
    const examples = [{ name: 'low', payload: { a: 1 } }, { headers: { b: 1 } }, { payload: { a: 2 } }];
    assert.deepEqual(written(payload, { examples }), [
      ['contracts/reading.example-1.valid.json', '{\n  "a": 1\n}\n'],
      ['contracts/reading.example-2.valid.json', '{\n  "a": 2\n}\n'],
    ]);
    const ofTrait = { traits: [{ examples: [{ payload: { a: 3 } }] }] };
    assert.equal(written(payload, ofTrait).length, 1);
    const text = { contentType: 'text/plain', examples: [{ payload: 'on' }] };
    assert.deepEqual(written({ type: 'string' }, text), [['contracts/reading.example-1.valid.txt', 'on']]);
  });

  it('that do not fit their own schema, or that no JSON is for, are left out and told', () => {
    const payload = {
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'integer' }, b: { type: 'string', pattern: '^(a+)+$' } },
    };
    const cases: [message: object, said: RegExp][] = [
      [
        { examples: [{ payload: {} }] },
        /examples\/0: as an example it does not fit: .*required property 'a'; left out/,
      ],
      [{ examples: [{ payload: { a: Infinity } }] }, /\/a must be integer/],
      [{ examples: [{ name: 'no payload' }] }, /has no payload/],
      [{ examples: [{ payload: { a: 1, b: `${'a'.repeat(40)}!` } }] }, /it takes more than 1000 ms to tell/],
      [{ examples: [{ payload: { a: 1 } }], contentType: 'application/cbor' }, /cannot be written as cbor/],
      [{ examples: Array.from({ length: 21 }, () => ({ payload: { a: 1 } })) }, /more than 20 examples/],
    ];
    for (const [message, said] of cases) {
      assert.match(warningsOf(imported(receiving(payload, message))).join('\n'), said);
    }
  });
});
