import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { DOCUMENT, imported, receiving, warningsOf } from './asyncapi.fixture.js';
import { FRAGMENT_FILE, importDocument } from './import.js';
import { parseSource } from './source.js';

const text = { payload: { type: 'object' } };

/** One channel of 2.x with what others may publish to it and subscribe to. */
const version2 = {
  asyncapi: '2.6.0',
  channels: {
    'in/{id}': {
      publish: { operationId: 'take', bindings: { mqtt: { qos: 2 } }, message: { name: 'taken', ...text } },
    },
    'out/{id}': { subscribe: { operationId: 'give', message: { name: 'given', ...text } } },
  },
};

const version3 = {
  asyncapi: '3.0.0',
  channels: {
    in: { address: 'in/{id}', messages: { taken: text } },
    out: { address: 'out/{id}', messages: { given: text } },
  },
  operations: {
    take: { action: 'receive', channel: { $ref: '#/channels/in' }, bindings: { mqtt: { qos: 2 } } },
    give: { action: 'send', channel: { $ref: '#/channels/out' } },
  },
};

describe('the direction of an operation', () => {
  for (const document of [version2, version3]) {
    it(`${document.asyncapi}: what the application receives is subscribed to, what it sends may be published`, () => {
      const { fragment } = imported(document);
      assert.deepEqual(
        fragment.subscriptions.map(({ name, filter, qos, contract }) => [name, filter, qos, contract]),
        [['take', 'in/{id}', 2, 'taken']],
      );
      assert.deepEqual(fragment.publish, { allow: ['out/+'], contracts: [{ filter: 'out/{id}', contract: 'given' }] });
    });

    it(`${document.asyncapi}: a client of the application does the opposite`, () => {
      const { fragment } = imported(document, 'client');
      assert.deepEqual(
        fragment.subscriptions.map(({ filter }) => filter),
        ['out/{id}'],
      );
      assert.deepEqual(fragment.publish, { allow: ['in/+'], contracts: [{ filter: 'in/{id}', contract: 'taken' }] });
    });
  }

  it('the reply of 3.x goes the other way', () => {
    const channels = { ask: { address: 'ask' }, answer: { address: 'answer', messages: { yes: text } } };
    const reply = { channel: { $ref: '#/channels/answer' } };
    const operations = { asking: { action: 'send', channel: { $ref: '#/channels/ask' }, reply } };
    const { fragment } = imported({ asyncapi: '3.0.0', channels, operations });
    assert.deepEqual(fragment.publish.allow, ['ask']);
    assert.deepEqual(
      fragment.subscriptions.map(({ name, filter, contract }) => [name, filter, contract]),
      [['asking-reply', 'answer', 'yes']],
    );
  });
});

describe('addresses', () => {
  const filters = (addresses: string[]): [string[], string[]] => {
    const channels = Object.fromEntries(addresses.map((address) => [address, { publish: {} }]));
    const result = imported({ asyncapi: '2.0.0', channels });
    return [result.fragment.subscriptions.map(({ filter }) => filter), warningsOf(result)];
  };

  it('a parameter is one level and keeps its name, unless something stands beside it in the level', () => {
    const [found, warnings] = filters([
      'a/{b}/c',
      'x/dev-{id}/{y}-{z}',
      '/rooted',
      'rest/#',
      't/{a}/{a}',
      'u/{}/{v.w}',
    ]);
    assert.deepEqual(found.toSorted(), ['/rooted', 'a/{b}/c', 'rest/#', 't/{a}/+', 'u/+/+', 'x/+/+']);
    assert.equal(warnings.filter((one) => one.includes('takes any level')).length, 2);
  });

  it('what a parameter must be is taken over, where its topic has a contract', () => {
    const message = { name: 'm', payload: { type: 'object' } };
    const schema = { type: 'string', pattern: '^[a-z]+$', maxLength: 8, minLength: 2 };
    const version2 = {
      'a/{id}/{any}': { parameters: { id: { schema }, any: { schema: { type: 'string' } } }, publish: { message } },
      'b/{id}': { parameters: { id: { schema } }, publish: {} },
      'c/{id}': { parameters: { id: { schema } }, subscribe: { message } },
    };
    const two = imported({ asyncapi: '2.6.0', channels: version2 });
    const rules = { id: { pattern: '^[a-z]+$', maxLength: 8 } };
    assert.deepEqual(two.fragment.subscriptions, [
      { filter: 'b/{id}' },
      { filter: 'a/{id}/{any}', contract: 'm', parameters: rules },
    ]);
    assert.deepEqual(two.fragment.publish.contracts, [{ filter: 'c/{id}', contract: 'm-2', parameters: rules }]);
    const told = warningsOf(two).join('\n');
    assert.match(told, /parameters\/id: minLength of \{id\} is not checked/);
    assert.match(told, /b~1\{id\}: its parameters are not checked, because it has no contract/);

    const parameters = { deviceId: { enum: ['pump', 'fan'] } };
    const three = receiving({ type: 'object' }) as { channels: { readings: object } };
    three.channels.readings = { ...three.channels.readings, parameters };
    assert.deepEqual(imported(three).fragment.subscriptions[0]!.parameters, parameters);
  });

  it('two channels of one filter are one, and no parameter of it is checked unless both say the same', () => {
    const message = { name: 'm', payload: { type: 'object' } };
    const at = (...values: string[]): object => ({ parameters: { id: { enum: values } }, publish: { message } });
    const channels = { 'a/{id}': at('x'), 'a/{name}': at('y') };
    const { fragment, warnings } = imported({ asyncapi: '2.6.0', channels });
    assert.deepEqual(
      fragment.subscriptions.map(({ filter, parameters }) => [filter, parameters]),
      [['a/{id}', undefined]],
    );
    assert.match(warnings.map((one) => one.message).join(), /no parameter of it is checked/);
  });

  it('what is no topic of the broker is left out with a warning', () => {
    const [found, warnings] = filters(['a+b', '$holdfast/link', '$share/g/a', 'a/${HOME', 'a/{b', 'ok']);
    assert.deepEqual(found, ['ok']);
    assert.equal(warnings.length, 5);
    assert.match(warnings[0]!, /^#\/channels\/a\+b: its address is not a topic/);
  });

  it('operations on one filter become one subscription with the highest QoS; overlapping ones say so', () => {
    const qos = (level: number): object => ({ bindings: { mqtt: { qos: level } } });
    const channels = { 'd/#': { publish: qos(0) }, 'd/{a}': { publish: qos(0) }, 'd/{b}': { publish: qos(1) } };
    const { fragment } = imported({ asyncapi: '2.0.0', channels });
    assert.deepEqual(fragment.subscriptions, [
      { filter: 'd/{a}', qos: 1 },
      { filter: 'd/#', qos: 0, overlap: 'allow' },
    ]);
  });

  it('the topic that a binding of the channel names comes before the address', () => {
    const channels = { 'a/b:Handler': { publish: {}, bindings: { mqtt: { topic: 'a/b', qos: 2 } } } };
    assert.deepEqual(imported({ asyncapi: '2.6.0', channels }).fragment.subscriptions, [{ filter: 'a/b', qos: 2 }]);
  });
});

describe('servers', () => {
  const url = (servers: object, asyncapi = '3.0.0'): string => imported({ asyncapi, servers }).fragment.broker.url;

  it('the first that speaks MQTT is the broker, with its variables filled in and without credentials', () => {
    const kafka = { host: 'k', protocol: 'kafka' };
    const port = { port: { default: '8883' } };
    assert.equal(url({ kafka, b: { host: 'b:{port}', protocol: 'secure-mqtt', variables: port } }), 'mqtts://b:8883');
    assert.equal(url({ b: { url: 'mqtt://me:secret@b:1883/', protocol: 'mqtt' } }, '2.6.0'), 'mqtt://b:1883');
    const web = { host: 'b', pathname: '/mqtt', protocol: 'wss', bindings: { mqtt: {} } };
    assert.equal(url({ web }), 'wss://b/mqtt');
    for (const none of [{}, { kafka }, { b: { host: '{where}', protocol: 'mqtt' } }]) {
      assert.equal(url(none), '${MQTT_URL:-mqtt://localhost:1883}');
    }
  });

  it('a path of a broker is left out and told, because some mean that topics begin with it', () => {
    const warned = (server: object): string[] =>
      warningsOf(imported({ asyncapi: '3.0.0', servers: { s: { protocol: 'mqtt', ...server } } }));
    const told = [/^#\/servers\/s: a broker has no path: api\/\{id\} is left out; if topics begin with it/];
    for (const server of [
      { host: 'b', pathname: '/api/{id}' },
      { host: 'b', pathname: 'api/{id}' },
      { url: 'mqtt://b/api/{id}' },
    ]) {
      const warnings = warned(server);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, told[0]!);
    }
    for (const server of [{ host: 'b' }, { url: 'mqtt://b/' }, { url: 'b:1883' }]) assert.deepEqual(warned(server), []);
  });

  it('a channel that is only at other servers is left out', () => {
    const servers = { m: { host: 'm', protocol: 'mqtt' }, k: { host: 'k', protocol: 'kafka' } };
    const at = (name: string): object => ({ servers: [{ $ref: `#/servers/${name}` }] });
    const channels = { a: { address: 'a', ...at('m') }, b: { address: 'b', ...at('k') } };
    const operations = {
      a: { action: 'receive', channel: { $ref: '#/channels/a' } },
      b: { action: 'receive', channel: { $ref: '#/channels/b' } },
    };
    const result = imported({ asyncapi: '3.0.0', servers, channels, operations });
    assert.deepEqual(result.fragment.subscriptions, [{ filter: 'a' }]);
    assert.deepEqual(warningsOf(result), ['#/channels/b: none of its servers speaks MQTT; left out']);
  });
});

describe('a document that is not as it should be', () => {
  it('is refused when it is none, and else read as far as it goes', () => {
    const none: unknown[] = [
      undefined,
      null,
      3,
      'x',
      [],
      {},
      { openapi: '3.1.0' },
      { asyncapi: 3 },
      { asyncapi: '1.2.0' },
    ];
    for (const document of none) {
      assert.ok('fault' in importDocument(DOCUMENT, document, { perspective: 'application' }));
    }
    const broken = {
      a: { action: 'fly' },
      b: { action: 'receive' },
      c: 3,
      d: { action: 'send', channel: { $ref: '#/no' } },
    };
    const result = imported({ asyncapi: '3.0.0', operations: broken });
    assert.deepEqual(result.fragment.subscriptions, []);
    assert.equal(result.warnings.length, 5);
  });

  it('YAML that leads in circles or swells is refused or cut, and nothing hangs', () => {
    const swelling = `a: &a [x, x]\n${[...'bcdefghijklmnop'].map((n, i) => `${n}: &${n} [${`*${'abcdefghijklmnop'[i]}, `.repeat(9)}]`).join('\n')}`;
    assert.ok('fault' in parseSource(swelling));
    const circle = parseSource(
      `asyncapi: 2.0.0\nchannels: { a: { publish: { message: { payload: &p { type: object, properties: { p: *p } } } } } }`,
    );
    assert.ok('value' in circle);
    assert.match(warningsOf(imported(circle.value)).join(), /too deep or too large/);
  });

  it('any JSON ends in a configuration or in a reason', () => {
    const key = fc.constantFrom(
      ...[
        'asyncapi',
        'channels',
        'operations',
        'servers',
        'components',
        'messages',
        'message',
        'payload',
        'schema',
        'a',
      ],
      ...[
        'publish',
        'subscribe',
        'action',
        'channel',
        'address',
        'traits',
        'bindings',
        'mqtt',
        'qos',
        'oneOf',
        'allOf',
      ],
      ...['$ref', 'properties', 'items', 'type', 'enum', 'format', 'schemaFormat', '__proto__', 'constructor', 'reply'],
      ...['parameters', 'contentType', 'not', 'if', 'then', 'required', 'minimum', 'exclusiveMinimum', 'discriminator'],
    );
    const word = fc.constantFrom(
      ...[
        '3.0.0',
        '2.6.0',
        'receive',
        'send',
        '#',
        '#/channels/a',
        '#/components/messages/a',
        '#a',
        'a.yaml#/b',
        'http://x/y',
      ],
      ...[
        'object',
        'string',
        'application/json',
        'text/plain',
        'a/{a}/b',
        '#/channels/a/messages/a',
        '%zz',
        'mqtt',
        '{a}',
      ],
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'large' },
        word,
        fc.constantFrom(0, 1, 2, true, null, 1e999),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }));
    const documents = fc.record(
      {
        asyncapi: fc.constantFrom('2.4.0', '3.0.0'),
        channels: tree,
        operations: tree,
        servers: tree,
        components: tree,
      },
      { requiredKeys: ['asyncapi'] },
    );
    // Small mutations of documents that say something reach further than chance.
    const nearly = fc
      .record({ a: fc.constantFrom(version2, version3), payload: tree, message: fc.dictionary(key, tree) })
      .map(({ payload, message }) => receiving(payload, message));
    const property = fc.property(fc.oneof(fc.jsonValue(), documents, nearly), (document) => {
      const result = importDocument(DOCUMENT, document, { perspective: 'application' }, () => ({
        fault: 'is not there',
      }));
      if ('fault' in result) return assert.match(result.fault, /AsyncAPI/);
      assert.ok(parse(result.files.get(FRAGMENT_FILE)!));
      for (const [name, content] of result.files) if (name.endsWith('.json')) JSON.parse(content);
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
