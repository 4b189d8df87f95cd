import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { configSchema, loadSettings } from '../../src/config/index.js';
import { read, ROOT } from './tree.js';

/** What config/demo.yaml wants from its surroundings. */
const DEMO = {
  DEMO_BROKER: 'mqtt://127.0.0.1:1883',
  DEMO_APPS: 'http://127.0.0.1:3000',
  DEMO_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
  DEMO_DATA: './data',
};
const files = readdirSync(join(ROOT, 'config'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => `config/${name}`);

describe('configuration files', () => {
  it('every one of them loads, without a warning', () => {
    assert.ok(files.includes('config/gateway.example.yaml'));
    for (const file of files) {
      const loaded = loadSettings(join(ROOT, file), DEMO);
      assert.deepEqual('problems' in loaded ? loaded.problems : loaded.warnings, [], file);
    }
  });

  it('the schema is the one the classes make (npm run config:schema)', () => {
    assert.deepEqual(JSON.parse(read('config/gateway.schema.json')), JSON.parse(JSON.stringify(configSchema())));
  });

  it('every one of them fits the schema, and a wrong one does not', () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configSchema());
    for (const file of files) assert.ok(validate(parse(read(file))), `${file}: ${JSON.stringify(validate.errors)}`);
    assert.equal(validate({ sesion: {} }), false);
  });

  it('the example names every key there is', () => {
    const missing = [...keysOf(configSchema())].filter((key) => !new RegExp(`\\b${key}\\b`).test(EXAMPLE));
    assert.deepEqual(missing, []);
  });
});

const EXAMPLE = read('config/gateway.example.yaml');

/** Names of the properties, at any depth. */
function* keysOf(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties') yield* Object.keys(value as object);
    yield* keysOf(value);
  }
}
