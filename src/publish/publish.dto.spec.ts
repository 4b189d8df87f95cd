import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { HoldfastError } from '../domain/errors.js';
import { isPlain, parsePublish, PublishBody } from './publish.dto.js';

interface Told {
  pointer: string;
  message: string;
}

/** The problems of a body that must have some. */
function problems(body: unknown): Told[] {
  try {
    parsePublish(body);
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.equal(error.code, 'REQUEST_INVALID');
    return error.details['errors'] as Told[];
  }
  assert.fail(`nothing is wrong with ${JSON.stringify(body)?.slice(0, 200)}`);
}

function pointers(body: object): string[] {
  return problems({ topic: 't', payload: 'x', ...body }).map(({ pointer }) => pointer);
}

function payload(body: object): string {
  return Buffer.from(parsePublish({ topic: 't', ...body }).payload).toString();
}

describe('a publish body with problems', () => {
  it('all of them are told at once, each with a pointer', () => {
    const body = {
      topic: 'a/#',
      qos: 3,
      retain: 'yes',
      contentType: 5,
      expirySeconds: 0,
      responseTopic: 'b/+',
      correlationData: '!',
      userProperties: ['a'],
      'a/b~c': 1,
    };
    const found = problems(body);
    assert.deepEqual(
      [...new Set(found.map(({ pointer }) => pointer))].sort(),
      [...Object.keys(body).map((name) => `/${name}`), '/payload', '/a~1b~0c'].filter((one) => one !== '/a/b~c').sort(),
    );
    for (const { message } of found) assert.match(message, /\S/);
  });

  it('a key that every object inherits is one that is not known, and is told like any other', () => {
    for (const name of ['constructor', 'toString', 'valueOf', 'hasOwnProperty']) {
      assert.deepEqual(problems({ topic: 't', payload: '', [name]: 1 }), [
        { pointer: `/${name}`, message: 'is not a known key' },
      ]);
    }
  });

  it('QoS 2 alone has a code of its own, and among other problems is one of them', () => {
    assert.throws(() => parsePublish({ topic: 't', payload: '', qos: 2 }), { code: 'QOS_UNSUPPORTED' });
    assert.deepEqual(pointers({ qos: 2, topic: '#' }), ['/topic', '/qos']);
  });

  it('what is no JSON object is refused', () => {
    for (const body of [undefined, null, 'text', 5, true, [], [{ topic: 't', payload: '' }]]) {
      assert.deepEqual(problems(body), [{ pointer: '', message: 'the body must be a JSON object' }]);
    }
  });

  it('a topic is a name: there, without wildcards, not empty, not too long', () => {
    for (const topic of [undefined, null, 5, '', 'a/+', '#', 'a\0b', '\ud800', 'x'.repeat(65_536)]) {
      assert.ok(pointers({ topic }).includes('/topic'), JSON.stringify(topic)?.slice(0, 20));
    }
  });

  it('the gateway’s own topics are nobody’s to publish to', () => {
    assert.deepEqual(problems({ topic: '$holdfast/link/gap', payload: 'x' }), [
      { pointer: '/topic', message: 'topics below $holdfast/ are the gateway’s own' },
    ]);
    assert.deepEqual(pointers({ responseTopic: '$holdfast/a' }), ['/responseTopic']);
  });

  it('exactly one payload is given', () => {
    const one = 'give exactly one of payload and payloadBase64';
    assert.deepEqual(problems({ topic: 't' }), [{ pointer: '/payload', message: one }]);
    assert.deepEqual(problems({ topic: 't', payloadBase64: null }), [{ pointer: '/payload', message: one }]);
    assert.deepEqual(pointers({ payloadBase64: 'eA==' }), ['/payload']);
  });

  it('base64 that is not base64 is refused, not guessed at', () => {
    for (const payloadBase64 of ['!', 'a', 'ab=', 'ab-_', 'aGk', 'aGk=\n', 5, {}]) {
      assert.deepEqual(
        problems({ topic: 't', payloadBase64 }).map(({ pointer }) => pointer),
        ['/payloadBase64'],
      );
    }
  });

  it('what a broker ends the connection for never gets into the outbox, where it would come back', () => {
    const long = 'é'.repeat(32_768);
    for (const text of ['\0', 'a\u0001', '\u009f', '\ufffe', '\ud800', long]) {
      assert.deepEqual(pointers({ topic: `a${text}` }), ['/topic']);
      assert.deepEqual(pointers({ responseTopic: `a${text}` }), ['/responseTopic']);
      assert.deepEqual(pointers({ contentType: text }), ['/contentType']);
      assert.deepEqual(pointers({ userProperties: { a: text } }), ['/userProperties']);
      assert.deepEqual(pointers({ userProperties: { a: ['b', text] } }), ['/userProperties']);
      assert.deepEqual(pointers({ userProperties: { [text]: 'a' } }), ['/userProperties']);
    }
    assert.deepEqual(pointers({ correlationData: Buffer.alloc(65_536).toString('base64') }), ['/correlationData']);
    assert.deepEqual(pointers({ payload: '\ud800' }), ['/payload']);
  });

  it('user properties are strings or arrays of strings, and not without end', () => {
    for (const value of [5, null, {}, [5], [['a']], true]) {
      assert.deepEqual(pointers({ userProperties: { a: value } }), ['/userProperties']);
    }
    assert.deepEqual(pointers({ userProperties: { a: Array<string>(101).fill('x') } }), ['/userProperties']);
  });

  it('JSON that is nested beyond reason is refused, and many problems are not all told', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    assert.deepEqual(pointers({ payload: deep }), ['/payload']);
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x${i}`, i]));
    assert.equal(pointers(many).length, 100);
  });

  it('any JSON ends in a publish or in a problem, never in another exception', () => {
    const names = [
      'topic',
      'payload',
      'payloadBase64',
      'qos',
      'retain',
      'contentType',
      'expirySeconds',
      'responseTopic',
    ];
    const keys = fc.constantFrom(
      ...[...names, 'correlationData', 'userProperties', 'payload_encoding', 'properties', 'constructor', '__proto__'],
      ...['user_properties', 'content_type', 'correlation_data', 'payload_format_indicator', 'toString'],
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('t', 'eA==', 'base64', 'plain', 0, 1, null, true),
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(keys, value), (body) => {
        try {
          assert.ok(parsePublish(body).payload instanceof Uint8Array);
        } catch (error) {
          assert.ok(error instanceof HoldfastError, String(error));
        }
      }),
    );
  });
});

describe('a publish body', () => {
  it('needs a topic and a payload; the rest has defaults, also when it is null', () => {
    const expected = { topic: 't', payload: Buffer.from('x'), qos: 1, retain: false, properties: null };
    assert.deepEqual(parsePublish({ topic: 't', payload: 'x' }), expected);
    const empty = ['qos', 'retain', 'contentType', 'expirySeconds', 'responseTopic', 'correlationData'];
    const nothing = Object.fromEntries([...empty, 'userProperties', 'payloadBase64'].map((name) => [name, null]));
    assert.deepEqual(parsePublish({ topic: 't', payload: 'x', ...nothing }), expected);
  });

  it('a string is published as it is, any other JSON value serialised', () => {
    assert.equal(payload({ payload: '' }), '');
    assert.equal(payload({ payload: '{"a": 1}\n é 💧\0' }), '{"a": 1}\n é 💧\0');
    for (const value of [null, 0, -1.5, true, false, [], {}, [null, { a: [1, 'é'] }]]) {
      assert.equal(payload({ payload: value }), JSON.stringify(value));
    }
  });

  it('keys of the payload that every object inherits arrive like any other', () => {
    const text = '{"constructor":"Acme","toString":1,"valueOf":{"__proto__":[2]},"then":null}';
    assert.equal(payload({ payload: JSON.parse(text) as unknown }), text);
  });

  it('base64 is published as its bytes', () => {
    assert.deepEqual([...parsePublish({ topic: 't', payloadBase64: '/wD+' }).payload], [0xff, 0, 0xfe]);
    assert.equal(payload({ payloadBase64: '' }), '');
  });

  it('properties are those of MQTT 5; names of user properties repeat, and mean nothing to JavaScript', () => {
    const userProperties = JSON.parse(
      '{"a":["1","2"],"__proto__":"p","constructor":"c","toString":"s","none":[]}',
    ) as object;
    const { qos, retain, properties } = parsePublish({
      topic: 't',
      payload: '',
      qos: 0,
      retain: true,
      contentType: 'application/json',
      expirySeconds: 4_294_967_295,
      responseTopic: 'r',
      correlationData: 'AAE=',
      userProperties,
    });
    assert.deepEqual([qos, retain], [0, true]);
    assert.deepEqual(properties, {
      contentType: 'application/json',
      messageExpiryInterval: 4_294_967_295,
      responseTopic: 'r',
      correlationData: 'AAE=',
      userProperties: [
        ['a', '1'],
        ['a', '2'],
        ['__proto__', 'p'],
        ['constructor', 'c'],
        ['toString', 's'],
      ],
    });
  });
});

describe('a plain body', () => {
  it('is one that the decorators have nothing against', () => {
    const value = fc.oneof(
      fc.constant(undefined),
      fc.string(),
      fc.integer({ min: -1, max: 3 }),
      fc.boolean(),
      fc.jsonValue(),
    );
    const names = Object.keys(new PublishBody());
    let plain = 0;
    fc.assert(
      fc.property(fc.record({ topic: fc.string() }), fc.dictionary(fc.constantFrom(...names), value), (usual, more) => {
        const body = Object.assign(new PublishBody(), usual, more);
        if (!isPlain(body)) return;
        plain++;
        assert.deepEqual(validateSync(body), []);
      }),
    );
    assert.ok(plain > 0);
  });
});
