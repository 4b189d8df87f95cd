/** Documents of others, imported: what is told of each is pinned, and the gateway takes what is written. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadAndTell } from '../../src/commands/check.js';
import { reportExamples } from '../../src/commands/try-examples.js';
import { loadSettings } from '../../src/config/index.js';
import { importInto, type Ended, type ImportFlags } from '../../src/commands/import.js';
import { scratchDirectory } from '../support/scratch.js';
import { ROOT } from '../tidy/tree.js';

const FRAGMENT = 'gateway.asyncapi.yaml';
const document = (name: string): string => join(ROOT, 'test/asyncapi/documents', name);

function imports(file: string, flags: Partial<ImportFlags> & { out: string }): Ended {
  return importInto(file, { force: false, as: 'application', ...flags });
}

/** What `holdfast check` tells of what was written; empty: nothing. */
async function checked(t: TestContext, out: string): Promise<string> {
  let text = '';
  const { mock } = t.mock.method(process.stderr, 'write', (chunk: string) => {
    text += chunk;
    return true;
  });
  const settings = await loadAndTell(join(out, FRAGMENT));
  mock.restore();
  return settings ? text : `refused: ${text}`;
}

/** What is told of each lies beside it. To write that anew: `HOLDFAST_PIN=1 npm test -- asyncapi/documents`, and look. */
const DOCUMENTS = [
  'bell-avr-2.6.yml',
  'everest/auth_token_provider_API.yaml',
  'everest/dc_external_derate_consumer_API.yaml',
  'senergy-connector-3.0.json',
  'streetlights-3.0.yml',
  'streetlights-2.2.yml',
  'light-measured-2.0.json',
  'thermostats-2.6.json',
  'thermostats-3.0.json',
];

describe('holdfast import asyncapi', () => {
  for (const name of DOCUMENTS) {
    it(`${name} is imported as it always was, and the gateway takes what is written`, async (t) => {
      const out = join(scratchDirectory('import'), 'made');
      const { code, out: summary, err } = imports(document(name), { out });
      assert.equal(code, 0);
      assert.equal(await checked(t, out), '');
      const told = `${summary.replaceAll(out, 'OUT')}${err}\n${readFileSync(join(out, FRAGMENT), 'utf8')}`;
      const pinned = document(`told/${name.replace('/', '-')}.txt`);
      if (process.env['HOLDFAST_PIN'] === '1') writeFileSync(pinned, told);
      assert.equal(told, readFileSync(pinned, 'utf8'));
    });
  }

  it('what the documents of vendors become lets through what they describe, and nothing else', async () => {
    const payloads: [file: string, contract: string, valid: unknown[], invalid: unknown[]][] = [
      [
        'bell-avr-2.6.yml',
        'AVRPCMServoPercent',
        [{ servo: 0, percent: 100 }],
        [{ servo: 16, percent: 5 }, { servo: 1, percent: 5, more: 1 }, { servo: 1 }, 'open'],
      ],
      [
        'bell-avr-2.6.yml',
        'AVRFCMMissionUpload',
        [{ waypoints: [{ waypoint_type: 'GOTO', n: 1, e: 2, d: 3 }] }],
        [{ waypoints: [{ waypoint_type: 'FLY' }] }, { waypoints: [{ waypoint_type: 'LAND', lat: 91 }] }],
      ],
      ['everest/dc_external_derate_consumer_API.yaml', 'receive_heartbeat', [0, 2 ** 53], ['0', 0.5, null]],
      [
        'everest/auth_token_provider_API.yaml',
        'send_provided_token',
        [{ id_token: { value: 'a', type: 'Central' }, authorization_type: 'RFID' }],
        [
          { id_token: { value: 'a', type: 'Paper' }, authorization_type: 'RFID' },
          { id_token: { value: 'a', type: 'Central' } },
        ],
      ],
    ];
    for (const [file, contract, valid, invalid] of payloads) {
      const out = scratchDirectory('import');
      assert.equal(imports(document(file), { out }).code, 0);
      const examples = { valid, invalid };
      for (const [word, values] of Object.entries(examples)) {
        for (const [i, value] of values.entries()) {
          writeFileSync(join(out, `contracts/${contract}.mine-${i}.${word}.json`), JSON.stringify(value));
        }
      }
      const loaded = loadSettings(join(out, FRAGMENT), {});
      assert.ok('settings' in loaded);
      const { tried, problemText } = await reportExamples(loaded.settings.contracts, false);
      assert.equal(problemText, '', `${file} ${contract}`);
      assert.ok(tried >= valid.length + invalid.length);
    }
  });

  it('what several messages on one topic become is taken by the gateway', async (t) => {
    const out = scratchDirectory('import');
    const kind = (value: string): object => {
      return { name: value, payload: { type: 'object', required: ['kind'], properties: { kind: { const: value } } } };
    };
    const any = { name: 'any', payload: { type: 'array' } };
    const choosing = (...oneOf: object[]): object => ({ publish: { message: { oneOf } } });
    const channels = { 'devices/{id}/power': choosing(kind('on'), kind('off')), other: choosing(kind('on'), any) };
    const file = join(out, 'several.json');
    writeFileSync(file, JSON.stringify({ asyncapi: '2.6.0', channels }));
    const { code, out: summary } = imports(file, { out });
    assert.equal(code, 0);
    assert.match(summary, /devices\/\{id\}\/power {2}contract on-or-off\n/);
    assert.equal(await checked(t, out), '');
  });

  it('a schema that is a .proto file beside the document, rules of parameters and examples are taken by the gateway', async (t) => {
    const out = scratchDirectory('import');
    writeFileSync(join(out, 'reading.proto'), 'syntax = "proto3";\nmessage Reading { double celsius = 1; }\n');
    const payload = { schemaFormat: 'application/vnd.google.protobuf;version=3', schema: { $ref: './reading.proto' } };
    const set = {
      payload: { type: 'object', properties: { on: { type: 'boolean' } } },
      examples: [{ payload: { on: true } }],
    };
    const parameters = { id: { enum: ['a', '1'] } };
    const document = {
      asyncapi: '3.0.0',
      channels: {
        readings: { address: 'devices/{id}/readings', parameters, messages: { reading: { payload } } },
        commands: { address: 'devices/{id}/set', parameters, messages: { set } },
      },
      operations: {
        take: { action: 'receive', channel: { $ref: '#/channels/readings' } },
        give: { action: 'send', channel: { $ref: '#/channels/commands' } },
      },
    };
    const file = join(out, 'protobuf.json');
    writeFileSync(file, JSON.stringify(document));
    const { code, err } = imports(file, { out });
    assert.deepEqual([code, err], [0, '']);
    assert.equal(await checked(t, out), '');
    const loaded = loadSettings(join(out, FRAGMENT), {});
    assert.ok('settings' in loaded);
    const { contracts, subscriptions, publish } = loaded.settings;
    assert.equal(contracts.find(({ name }) => name === 'reading')?.protobuf?.message, 'Reading');
    const rule = [{ name: 'id', level: 1, rules: { enum: ['a', '1'] } }];
    assert.deepEqual([subscriptions[0]!.parameters, publish.contracts?.[0]?.parameters], [rule, rule]);
    assert.equal((await reportExamples(contracts, false)).tried, 1);
  });

  it('never overwrites a file without --force, and then writes nothing', () => {
    const out = scratchDirectory('import');
    const file = document('light-measured-2.0.json');
    for (const there of [FRAGMENT, 'contracts/onLightMeasured.schema.json']) {
      const folder = join(out, there.replace('/', '-'));
      mkdirSync(join(folder, 'contracts'), { recursive: true });
      writeFileSync(join(folder, there), 'mine');
      const refused = imports(file, { out: folder });
      assert.deepEqual([refused.code, refused.out], [1, '']);
      assert.match(refused.err, /exists; give --out another folder, or --force to overwrite/);
      assert.equal(readFileSync(join(folder, there), 'utf8'), 'mine');
      assert.ok([FRAGMENT, 'contracts/onLightMeasured.schema.json'].some((name) => !existsSync(join(folder, name))));
      assert.equal(imports(file, { out: folder, force: true }).code, 0);
      assert.notEqual(readFileSync(join(folder, there), 'utf8'), 'mine');
    }
    const linked = join(out, 'linked');
    mkdirSync(linked);
    symlinkSync(join(out, 'nowhere'), join(linked, FRAGMENT));
    assert.equal(imports(file, { out: linked }).code, 1);
    assert.equal(existsSync(join(out, 'nowhere')), false);
    assert.equal(imports(file, { out: join(out, 'linked', FRAGMENT, 'below') }).code, 1);
  });

  it('as a client it receives what the application sends', async (t) => {
    const out = scratchDirectory('import');
    const file = document('streetlights-3.0.yml');
    const { code, out: summary } = imports(file, { out, as: 'client' });
    assert.equal(code, 0);
    assert.match(summary, /a client of the application[^]*subscriptions\): 3\n[^]*publish\.allow\): 1\n/);
    assert.equal(await checked(t, out), '');
  });
});
