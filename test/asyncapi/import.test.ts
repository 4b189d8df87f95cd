/** `holdfast import asyncapi` as a command, and what the gateway says of itself over REST. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { GATEWAY_MAIN, startGateway } from '../support/gateway-process.js';
import { scratchDirectory } from '../support/scratch.js';
import { ROOT } from '../tidy/tree.js';

const FRAGMENT = 'gateway.asyncapi.yaml';

function holdfast(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [GATEWAY_MAIN, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

describe('holdfast import asyncapi', () => {
  it('ends with 2 when it is used wrongly or the file is no document, with 1 when nothing can be written', () => {
    const folder = scratchDirectory('import');
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const empty = file('empty.yaml', 'asyncapi: 3.0.0\n');
    const fine = join(ROOT, 'test/asyncapi/documents/light-measured-2.0.json');
    const cases: [code: number, said: RegExp, args: string[]][] = [
      [2, /import is followed by asyncapi and a file[^]*Usage/, []],
      [2, /a file to import is missing/, ['asyncapi']],
      [2, /--as takes application or client/, ['asyncapi', fine, '--as', 'broker']],
      [2, /does not exist/, ['asyncapi', join(folder, 'nowhere.yaml')]],
      [2, /neither YAML nor JSON/, ['asyncapi', file('broken.yaml', '{a: [')]],
      [1, /no operation on a topic; nothing was written/, ['asyncapi', empty, '--out', folder]],
    ];
    for (const [code, said, args] of cases) {
      const result = holdfast('import', ...args);
      assert.equal(result.code, code, args.join(' '));
      assert.match(result.err, said);
      assert.equal(result.out, '');
    }
    assert.match(holdfast('--help').out, /holdfast import asyncapi FILE/);
  });
});

describe('GET /asyncapi.json', () => {
  it('is what is in force, and imports as the configuration that it came from', async (t) => {
    const folder = scratchDirectory('described');
    const schema = { type: 'object', required: ['celsius'], properties: { celsius: { type: 'number' } } };
    writeFileSync(join(folder, 'reading.json'), JSON.stringify(schema));
    const config = await gatewayConfig({
      broker: { url: 'mqtt://127.0.0.1:1', username: 'me', password: 'secret' },
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1, contract: 'reading' }],
      contracts: { reading: { schema: join(folder, 'reading.json') } },
      publish: { allow: ['commands/#'] },
    });
    const gateway = await startGateway(config);
    t.after(() => gateway.kill());
    const answer = await gateway.http('/asyncapi.json');
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type')!, /^application\/json/);
    const text = await answer.text();
    assert.doesNotMatch(text, /secret/);
    const file = join(folder, 'asyncapi.json');
    writeFileSync(file, text);
    const out = join(folder, 'made');
    const { code, out: summary, err } = holdfast('import', 'asyncapi', file, '--out', out);
    assert.deepEqual([code, err], [0, '']);
    assert.match(summary, /devices\/\{level2\}\/telemetry {2}qos 1, contract reading\n[^]*commands\/#\n/);
    assert.equal(holdfast('check', '--config', join(out, FRAGMENT)).code, 0);
    const written = JSON.parse(readFileSync(join(out, 'contracts/reading.schema.json'), 'utf8')) as { $schema: string };
    assert.deepEqual(written, { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema });
  });
});
