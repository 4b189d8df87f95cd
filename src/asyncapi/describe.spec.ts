import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { scratchDirectory } from '../../test/support/scratch.js';
import { parameterised } from '../domain/topic-parameters.js';
import { topicFilterProblem, withoutShare } from '../domain/topic.js';
import { imported, warningsOf } from './asyncapi.fixture.js';
import { describe as describeSettings, type InForce } from './describe.js';
import { partAt, parseJsonPointer } from '../domain/json-pointer.js';

const directory = scratchDirectory('describe');
const official = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
// It names formats that are no part of JSON Schema, and says of itself that it is not strict.
const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
const conforms = ajv.compile(official);

function file(name: string, schema: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, typeof schema === 'string' ? schema : JSON.stringify(schema));
  return path;
}

/** The document, which conforms to AsyncAPI 3.0, and whose references lead somewhere. */
function described(settings: Partial<InForce>): { [key: string]: unknown } {
  const broker: InForce['broker'] = { urls: ['mqtt://localhost:1883'], protocol: 'auto' };
  const document = describeSettings(
    { broker, subscriptions: [], contracts: [], publish: { allow: [] }, ...settings },
    '1.2.3',
  );
  const plain = JSON.parse(JSON.stringify(document)) as { [key: string]: unknown };
  assert.equal(conforms(plain), true, JSON.stringify(conforms.errors?.slice(0, 3)));
  for (const [, ref] of JSON.stringify(plain).matchAll(/"\$ref":"#([^"]*)"/g)) {
    assert.notEqual(partAt(plain, parseJsonPointer(ref!)), undefined, ref);
  }
  return plain;
}

const reading = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { at: { $ref: '#/$defs/at' }, within: { $ref: '#' } },
  $defs: { at: { type: 'string' } },
};

const settings: InForce = {
  broker: { urls: ['mqtts://broker:8883', 'wss://other/mqtt?token=secret'], protocol: '5' },
  subscriptions: [
    { name: 'telemetry', filter: '$share/gateways/devices/+/telemetry', qos: 1, contract: 'reading' },
    { name: 'events/#', filter: 'events/#', qos: 2, contract: 'event' },
    {
      name: 'either',
      filter: 'either/+/+',
      parameters: [{ name: 'site', level: 1, rules: { enum: ['a'] } }],
      qos: 0,
      contract: 'both',
    },
    { name: 'anything', filter: 'x', qos: 0 },
  ],
  contracts: [
    { name: 'reading', format: 'json', schemaFile: file('reading.json', reading), mode: 'enforce' },
    {
      name: 'event',
      format: 'cbor',
      class: { file: '/secret/place/event.js', export: 'GatewayEvent' },
      mode: 'shadow',
    },
    { name: 'gone', format: 'json', schemaFile: join(directory, 'nowhere.json'), mode: 'enforce' },
    { name: 'both', format: 'json', oneOf: { contracts: ['reading', 'gone'] }, mode: 'enforce' },
    { name: 'unused', format: 'json', mode: 'enforce' },
  ],
  publish: { allow: ['commands/+/set', 'raw/#'], contracts: [{ filter: 'commands/+/set', contract: 'reading' }] },
};

describe('GET /asyncapi.json', () => {
  const document = described(settings);
  const at = (...steps: string[]): unknown => partAt(document, steps);

  it('says where the broker is and holds no secret and no path', () => {
    assert.deepEqual(at('servers', 'broker'), { host: 'broker:8883', protocol: 'secure-mqtt', protocolVersion: '5' });
    assert.equal(at('servers', 'broker-2', 'pathname'), '/mqtt');
    assert.doesNotMatch(JSON.stringify(document), /secret/);
    assert.equal(at('info', 'version'), '1.2.3');
  });

  it('has a channel and an operation for each subscription', () => {
    assert.equal(at('channels', 'telemetry', 'address'), 'devices/{level2}/telemetry');
    assert.equal(at('channels', 'events', 'address'), 'events/#');
    assert.equal(at('channels', 'either', 'address'), 'either/{site}/{level3}');
    assert.deepEqual(at('channels', 'either', 'parameters', 'site', 'enum'), ['a']);
    assert.deepEqual(at('operations', 'receive-telemetry'), {
      action: 'receive',
      channel: { $ref: '#/channels/telemetry' },
      messages: [{ $ref: '#/channels/telemetry/messages/reading' }],
      bindings: { mqtt: { qos: 1 } },
    });
    assert.deepEqual(Object.keys(at('channels', 'either', 'messages') as object), ['reading', 'gone']);
    assert.equal(at('channels', 'anything', 'messages'), undefined);
  });

  it('has a message for each contract that is used: its schema where it has one, or in words what it is', () => {
    assert.deepEqual(Object.keys(at('components', 'messages') as object).toSorted(), ['event', 'gone', 'reading']);
    assert.equal(at('components', 'messages', 'reading', 'contentType'), 'application/json');
    assert.deepEqual(at('components', 'schemas', 'reading'), {
      schemaFormat: 'application/schema+json;version=2020-12',
      schema: {
        ...reading,
        properties: {
          at: { $ref: '#/components/schemas/reading/schema/$defs/at' },
          within: { $ref: '#/components/schemas/reading/schema' },
        },
      },
    });
    assert.match(
      String(at('components', 'messages', 'event', 'description')),
      /class GatewayEvent.*delivered all the same/,
    );
    assert.equal(at('components', 'messages', 'event', 'payload'), undefined);
    assert.match(String(at('components', 'messages', 'gone', 'description')), /abridged: the file does not exist/);
  });

  it('has a channel and an operation for each filter that may be published to', () => {
    assert.equal(at('operations', 'send-publish-raw', 'action'), 'send');
    assert.match(String(at('channels', 'publish-raw', 'description')), /any number of levels/);
    assert.deepEqual(at('operations', 'send-publish-commands-set', 'messages'), [
      { $ref: '#/channels/publish-commands-set/messages/reading' },
    ]);
  });

  it('says what contract a publish must meet, and never that more may be published than is allowed', () => {
    const publish = {
      allow: ['a/+', 'b/#', 'c'],
      contracts: [
        { filter: 'a/#', contract: 'reading' },
        { filter: 'b/+/set', parameters: [{ name: 'id', level: 1 }], contract: 'event' },
        { filter: 'd', contract: 'event' },
      ],
    };
    const { fragment } = imported(described({ ...settings, subscriptions: [], publish }));
    assert.deepEqual(new Set(fragment.publish.allow), new Set(['b/+/set', 'a/+', 'b/#', 'c']));
    assert.deepEqual(fragment.publish.contracts, [
      { filter: 'b/{id}/set', contract: 'event' },
      { filter: 'a/{level2}', contract: 'reading' },
    ]);
  });

  it('imported again gives the same filters, contracts and permissions', () => {
    const { fragment, files } = imported(document);
    assert.deepEqual(
      new Set(fragment.subscriptions.map(({ filter, qos }) => `${parameterised(filter).filter} ${qos}`)),
      new Set(settings.subscriptions.map(({ filter, qos }) => `${withoutShare(filter)} ${qos}`)),
    );
    assert.deepEqual(fragment.publish.allow, settings.publish.allow);
    assert.deepEqual(fragment.publish.contracts, [{ filter: 'commands/{level2}/set', contract: 'reading' }]);
    const either = fragment.subscriptions.find(({ filter }) => filter === 'either/{site}/{level3}');
    // Of the message "gone" nothing is known, so that it may be anything.
    assert.deepEqual(either, { name: 'receive-either', filter: 'either/{site}/{level3}', qos: 0 });
    assert.equal(fragment.broker.url, 'mqtts://broker:8883');
    assert.deepEqual(JSON.parse(files.get('contracts/reading.schema.json')!), {
      ...reading,
      properties: { at: { $ref: '#/$defs/at' }, within: { $ref: '#' } },
    });
  });

  it('conforms, and imports as it was, whatever the filters are', () => {
    const level = fc.oneof(fc.constantFrom('+', 'a', '', '~', 'a/b'), fc.string({ unit: 'grapheme', maxLength: 5 }));
    const filter = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 5 }), fc.boolean())
      .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'))
      .filter((one) => topicFilterProblem(one) === undefined && !/^\$|[{}]|^\s|\s$/.test(one));
    const property = fc.property(
      fc.uniqueArray(filter, { maxLength: 4 }),
      fc.uniqueArray(filter, { maxLength: 4 }),
      (bring, allow) => {
        const subscriptions = bring.map((one) => ({ name: one, filter: one, qos: 1 as const }));
        const result = imported(described({ subscriptions, publish: { allow } }));
        assert.deepEqual(
          new Set(result.fragment.subscriptions.map((one) => parameterised(one.filter).filter)),
          new Set(bring),
          warningsOf(result).join(),
        );
        assert.deepEqual(result.fragment.publish.allow, allow);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});
