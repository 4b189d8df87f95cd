import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ContractSettings } from '../domain/contract.js';
import { Contracts } from './contracts.js';
import { Decoders } from './decoders.js';
import { FileMemory, filesThatDiffer, stillOnDisk } from './file-memory.js';
import { TELEMETRY_PROTO, UNITS_PROTO } from './formats/formats.fixture.js';
import { classContract, EVENT_MODULE, record, schemaContract, Scratch, subscription } from './scratch.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());

function schema(required: string, more: object = {}): object {
  return { type: 'object', properties: { [required]: {} }, required: [required], ...more };
}

/** Compiles from memory after it went to another thread. */
function again(contract: ContractSettings, memory: FileMemory): Promise<Contracts> {
  const copy = new FileMemory(structuredClone(memory.read));
  return Contracts.compile([subscription('#', contract.name)], [contract], [], copy);
}

async function first(contract: ContractSettings): Promise<FileMemory> {
  const memory = new FileMemory();
  await Contracts.compile([subscription('#', contract.name)], [contract], [], memory);
  return memory;
}

describe('the memory of contract files', () => {
  it('a schema, what it refers to by path and by $id: judged as they were, when the disk holds nothing of it', async () => {
    scratch.write('units.json', schema('unit', { $id: 'https://example.com/units' }));
    scratch.write('beside.json', schema('at'));
    const refs = [{ $ref: 'https://example.com/units' }, { $ref: 'beside.json' }];
    const file = scratch.write('root.json', schema('id', { allOf: refs }));
    const contract = schemaContract('c', file);
    const memory = await first(contract);
    for (const name of ['units.json', 'beside.json', 'root.json']) {
      assert.ok(memory.looked.has(join(scratch.directory, name)), name);
      scratch.write(name, '{ "type"');
    }
    const contracts = await again(contract, memory);
    assert.equal(contracts.check(record(1, 't', '{"id":1,"unit":1,"at":1}')).valid, true);
    assert.equal(contracts.check(record(1, 't', '{"id":1,"unit":1}')).valid, false);
    await assert.rejects(first(contract), /is not JSON/);
  });

  it('a class module and what it imports, as ESM and as CommonJS', async () => {
    for (const [name, inner, text] of [
      ['event.mjs', 'inner.mjs', EVENT_MODULE],
      ['event.cjs', 'inner.cjs', ''],
    ] as const) {
      const commonjs = text === '';
      scratch.write(inner, commonjs ? 'exports.part = "gwId";' : 'export const part = "gwId";');
      const file = scratch.write(
        name,
        commonjs
          ? `const { IsString } = require('class-validator'); const { part } = require('./${inner}');
class GatewayEvent {} IsString()(GatewayEvent.prototype, part); exports.GatewayEvent = GatewayEvent;`
          : `import { part } from './${inner}';\n${text}\nif (part !== 'gwId') throw new Error('changed');`,
      );
      const contract = classContract('c', file, 'GatewayEvent');
      const memory = await first(contract);
      assert.ok([...memory.looked].some((path) => path.endsWith(inner)));
      rmSync(join(scratch.directory, inner));
      writeFileSync(file, 'broken(');
      // Modules are loaded once per thread: that its answers are used is for the thread's own tests to show.
      const texts = [...structuredClone(memory.read).answers].filter(([question]) => question.startsWith('module '));
      assert.ok(texts.length >= 2);
      assert.equal(stillOnDisk(memory.read), false);
    }
  });

  it('protobuf sources with their imports, and descriptor sets: also for the decoders alone', async () => {
    scratch.write('units.proto', UNITS_PROTO);
    const file = scratch.write('telemetry.proto', TELEMETRY_PROTO);
    const contract: ContractSettings = {
      ...{ name: 'p', format: 'protobuf', mode: 'enforce' },
      protobuf: { file, root: scratch.directory, message: 'acme.Telemetry' },
    };
    const memory = await first(contract);
    assert.equal(stillOnDisk(memory.read), true);
    rmSync(file);
    scratch.write('units.proto', 'message {');
    const copy = new FileMemory(structuredClone(memory.read));
    const decoders = await Decoders.load([subscription('#', 'p')], [contract], copy);
    assert.ok('json' in decoders.jsonOf(record(1, 't', '')));
  });

  it('says which files differ, whichever links lead to them', async () => {
    const volume = join(scratch.directory, 'volume');
    const swap = (version: string, text: object): void => {
      mkdirSync(join(volume, version), { recursive: true });
      writeFileSync(join(volume, version, 'a.json'), JSON.stringify(text));
      rmSync(join(volume, '..data'), { force: true });
      symlinkSync(version, join(volume, '..data'));
    };
    swap('..1', schema('id'));
    symlinkSync('..data/a.json', join(volume, 'a.json'));
    const contract = schemaContract('c', join(volume, 'a.json'));
    const before = (await first(contract)).read;
    assert.equal(stillOnDisk(before), true);
    swap('..2', schema('id'));
    assert.equal(stillOnDisk(before), true);
    assert.deepEqual(filesThatDiffer(before, (await first(contract)).read), []);
    swap('..3', schema('other'));
    assert.equal(stillOnDisk(before), false);
    assert.deepEqual(filesThatDiffer(before, (await first(contract)).read), [join(volume, 'a.json')]);
  });

  it('is bounded: more than 32 MiB is a problem of the contract', async () => {
    const memory = new FileMemory();
    const large = 'x'.repeat(20 * 2 ** 20);
    await memory.asked('text', '/a', () => Promise.resolve(large));
    assert.throws(() => memory.ask('text', '/b', () => large), /more than 33554432 bytes/);
  });
});
