import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { opsAddress } from './ops-address.js';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-ops-'));
const file = join(directory, 'gateway.yaml');
const DEFAULT = { host: '0.0.0.0', port: 9_090 };

function address(text: string, environment: NodeJS.ProcessEnv = {}): { host: string; port: number } {
  writeFileSync(file, text);
  return opsAddress(file, environment);
}

describe('address of the ops port', () => {
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('is what the file says', () => {
    assert.deepEqual(address('ops: { port: 9191 }'), { host: '0.0.0.0', port: 9_191 });
    assert.deepEqual(address('ops: { host: "::1" }'), { host: '::1', port: 9_090 });
    assert.deepEqual(address('ops: { port: "${OPS}" }', { OPS: '9292' }).port, 9_292);
  });

  it('is found in a file that is otherwise wrong: the gateway runs on with what it had', () => {
    assert.equal(address('brokr: 1\nops: { prot: 1, port: 9191 }').port, 9_191);
    assert.equal(address('broker: { url: "${NOT_SET}" }\nops: { port: 9191 }').port, 9_191);
  });

  it('is the default where nothing can be read', () => {
    for (const text of [
      '',
      'ops:',
      'ops: [',
      'ops: 9',
      'ops: { port: many }',
      'ops: { port: 99999 }',
      'broker: { url: mqtt://a }',
      '- 1',
    ]) {
      assert.deepEqual(address(text), DEFAULT, text);
    }
    assert.deepEqual(opsAddress(join(directory, 'nowhere.yaml'), {}), DEFAULT);
  });
});
