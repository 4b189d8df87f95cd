/** Documents of others, imported: what is told of each is pinned, and the gateway takes what is written. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadAndTell } from '../../src/commands/check.js';
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

const streetlights = (
  version: string,
): string => `Streetlights MQTT API 1.0.0 (AsyncAPI ${version}), the gateway as the application it describes
Received (subscriptions): 1
  smartylighting/streetlights/1/0/event/+/lighting/measured  qos 1, contract lightMeasured
Sent (publish.allow): 3
  smartylighting/streetlights/1/0/action/+/turn/on
  smartylighting/streetlights/1/0/action/+/turn/off
  smartylighting/streetlights/1/0/action/+/dim
Written:
  OUT/contracts/lightMeasured.schema.json
  OUT/gateway.asyncapi.yaml
`;
const HEADERS =
  '  #/components/messages/lightMeasured\n    its headers are not checked: contracts look at the payload\n';

const thermostats = (
  version: string,
  message: string,
): string => `Thermostats 1.0.0 (AsyncAPI ${version}), the gateway as the application it describes
Received (subscriptions): 2
  thermostats/+/readings  qos 1, contract thermostats.thermostat_id.readings-OnReading-${message}
  thermostats/faults/#  qos 0, contract thermostats.faults.OnFault-${message}
Sent (publish.allow): 1
  thermostats/setpoints
Written:
  OUT/contracts/thermostats.faults.OnFault-${message}.schema.json
  OUT/contracts/thermostats.thermostat_id.readings-OnReading-${message}.schema.json
  OUT/gateway.asyncapi.yaml
`;
const overlapping = (channel: string): string =>
  `  ${channel}\n    overlaps thermostats/+/readings, which names the contract of both\n`;

/** What is told of each, without the count of the warnings, and those. */
const DOCUMENTS: { [file: string]: [summary: string, warnings: string] } = {
  'streetlights-3.0.yml': [streetlights('3.0.0'), HEADERS],
  'streetlights-2.2.yml': [
    streetlights('2.2.0'),
    `${HEADERS}  #/servers/production-mqtts\n    the gateway has one broker; this server is left out\n`,
  ],
  'light-measured-2.0.json': [
    `Streetlights API 1.0.0 (AsyncAPI 2.0.0), the gateway as the application it describes
Received (subscriptions): 1
  light/measured  contract onLightMeasured
Sent (publish.allow): 0
Written:
  OUT/contracts/onLightMeasured.schema.json
  OUT/gateway.asyncapi.yaml
`,
    '',
  ],
  'thermostats-2.6.json': [thermostats('2.6.0', 'Message'), overlapping('#/channels/thermostats~1faults~1#:OnFault')],
  'thermostats-3.0.json': [
    thermostats('3.0.0', 'SubscribeMessage').replaceAll('OnReading-SubscribeMessage', 'OnReading-SubscribeMes'),
    overlapping('#/channels/thermostats.faults.#:OnFault'),
  ],
};

describe('holdfast import asyncapi', () => {
  for (const [name, [summary, warnings]] of Object.entries(DOCUMENTS)) {
    it(`${name} is imported as it always was, and the gateway takes what is written`, async (t) => {
      const out = join(scratchDirectory('import'), 'made');
      const result = imports(document(name), { out });
      const count = warnings.split('\n').filter((line) => line.startsWith('  #')).length;
      assert.equal(result.out.replaceAll(out, 'OUT'), `${summary}Warnings: ${count}\n`);
      assert.equal(result.err, warnings === '' ? '' : `Warnings:\n${warnings}`);
      assert.equal(result.code, 0);
      assert.equal(await checked(t, out), '');
    });
  }

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
    assert.match(summary, /devices\/\+\/power {2}contract on-or-off\n/);
    assert.equal(await checked(t, out), '');
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
