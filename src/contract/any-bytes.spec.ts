import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { encode } from 'cborg';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import type { ContractFormat, ContractSettings } from '../domain/contract.js';
import { Contracts } from './contracts.js';
import { TELEMETRY_PROTO, UNITS_PROTO } from './formats/formats.fixture.js';
import { record, schemaContract, Scratch, subscription } from './scratch.fixture.js';

/** The watchdog ends a check after a second. So much longer none takes on any machine, unless it hangs. */
const VERDICT_MS_MAX = 20_000;
const FORMATS: readonly ContractFormat[] = ['json', 'text', 'bytes', 'cbor', 'msgpack', 'protobuf', 'auto'];
const DRAFTS = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

const scratch = new Scratch();
after(() => scratch.remove());

/** A schema that goes as deep as its payload. */
function schemaOf($schema: string): string {
  const tree = {
    type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
    properties: { type: { enum: ['a', 'b'] }, deviceId: { type: 'string', pattern: '^[a-z]*$' } },
    additionalProperties: { $ref: '#' },
    uniqueItems: true,
    maxLength: 40,
    maximum: 1_000,
    not: { type: 'object', required: ['never'] },
  };
  return scratch.write(`${encodeURIComponent($schema)}.json`, { $schema, ...tree });
}

/** Of every format: one of each draft, what joins those of all, and what a discriminator chooses from. */
function contractsOf(format: ContractFormat): ContractSettings[] {
  const file = scratch.write('telemetry.proto', TELEMETRY_PROTO);
  const common = { format, protobuf: { file, root: scratch.directory, message: 'acme.Telemetry' } };
  const members = Object.entries(DRAFTS).map(([name, uri]) => ({
    ...schemaContract(`${format} ${name}`, schemaOf(uri)),
    ...common,
  }));
  const contracts = members.map(({ name }) => name);
  const mapping = new Map([
    ['a', contracts[0]!],
    ['b', contracts[1]!],
  ]);
  const discriminator = { pointer: '/type', mapping };
  return [
    ...members,
    { name: `${format} one of`, ...common, mode: 'enforce', oneOf: { contracts } },
    { name: `${format} told`, ...common, mode: 'enforce', oneOf: { contracts, discriminator } },
  ];
}

it('any bytes under any contract end in a verdict, never in an exception, never in a stall', async () => {
  scratch.write('units.proto', UNITS_PROTO);
  const settings = FORMATS.filter((format) => format !== 'bytes').flatMap(contractsOf);
  const topics = settings.map(({ name }) => name.replaceAll(' ', '/'));
  const contracts = await Contracts.compile(
    settings.map(({ name }, i) => subscription(topics[i]!, name)),
    settings,
  );
  const telemetry = (await new protobuf.Root().load(scratch.directory + '/telemetry.proto')).lookupType(
    'acme.Telemetry',
  );
  const message = fc.record({
    deviceId: fc.constantFrom('', 'abc', 'Abc'),
    temperature: fc.double(),
    counter: fc.nat(),
    raw: fc.uint8Array({ maxLength: 20 }),
    readings: fc.array(fc.record({ unit: fc.string(), value: fc.float() }), { maxLength: 5 }),
    labels: fc.dictionary(fc.nat(9).map(String), fc.string({ maxLength: 9 })),
    at: fc.record({ seconds: fc.integer(), nanos: fc.integer() }),
  });
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ type: fc.constantFrom('a', 'b', 'c', 1, null), deviceId: fc.string(), rest: fc.jsonValue() }),
  );
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    value.map((one) => Buffer.from(JSON.stringify(one))),
    value.map((one) => encode(one)),
    message.map((one) => telemetry.encode(telemetry.create(one)).finish()),
    fc.tuple(message, fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
      const sound = Buffer.from(telemetry.encode(telemetry.create(one)).finish());
      if (sound.length > 0) sound[at % sound.length] = byte;
      return sound;
    }),
  );
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.constantFrom(...topics), payload, (topic, bytes) => {
      const began = performance.now();
      const verdict = contracts.check(record(1, topic, bytes));
      assert.ok(performance.now() - began < VERDICT_MS_MAX, topic);
      seen.add(`${topic.split('/')[0]} ${verdict.valid}`);
      if (!verdict.valid) assert.ok(verdict.problems.length > 0 && verdict.reason !== 'threw', JSON.stringify(verdict));
    }),
    { numRuns: 4_000 },
  );
  for (const format of ['json', 'cbor', 'protobuf', 'text']) {
    assert.ok(seen.has(`${format} true`) && seen.has(`${format} false`), [...seen].join());
  }
});
