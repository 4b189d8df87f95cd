import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratchDirectory } from '../../test/support/scratch.js';
import type { ContractSettings } from '../domain/contract.js';
import { check } from './check.js';
import { findExamples } from './examples.js';
import { reportExamples } from './try-examples.js';

const directory = scratchDirectory('examples');
const SCHEMA = JSON.stringify({
  type: 'object',
  properties: { id: { type: 'string', pattern: '^(a+)+$' } },
  required: ['id'],
});

/** A folder with these files, and a contract for each name whose schema lies in it. */
function folder(name: string, contracts: string[], files: { [name: string]: string }): ContractSettings[] {
  const at = join(directory, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'any.schema.json'), SCHEMA);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text);
  const schemaFile = join(at, 'any.schema.json');
  return contracts.map((contract) => ({ name: contract, format: 'json', schemaFile, mode: 'shadow' }));
}

describe('examples in the contracts folder', () => {
  it('belong to the contract with the longest name that fits, whatever follows it', () => {
    const contracts = folder('whose', ['telemetry', 'telemetry.v2', 'other'], {
      'telemetry.valid.json': '',
      'telemetry.v2.cold.invalid.json': '',
      'telemetry.v1.valid.txt': '',
      'other.valid.bin': '',
      'telemetryx.valid.json': '',
      'telemetry.schema.json': '',
      'telemetry.valid.yaml': '',
      'telemetry.Valid.json': '',
    });
    const { examples, strays, misnamed, unfit } = findExamples(contracts);
    assert.deepEqual(
      examples.map(({ file, contract, valid }) => [file.slice(file.lastIndexOf('/') + 1), contract, valid]),
      [
        ['other.valid.bin', 'other', true],
        ['telemetry.v1.valid.txt', 'telemetry', true],
        ['telemetry.v2.cold.invalid.json', 'telemetry.v2', false],
        ['telemetry.valid.json', 'telemetry', true],
      ],
    );
    assert.deepEqual(
      strays.map((file) => file.slice(file.lastIndexOf('/') + 1)),
      ['telemetryx.valid.json'],
    );
    assert.deepEqual(
      misnamed.map((file) => file.slice(file.lastIndexOf('/') + 1)),
      ['telemetry.Valid.json', 'telemetry.valid.yaml'],
    );
    assert.deepEqual(unfit, []);
  });

  it('are looked for beside the file of Protocol Buffers, too', async () => {
    const at = join(directory, 'protobuf');
    mkdirSync(at);
    const file = join(at, 'reading.proto');
    writeFileSync(file, 'syntax = "proto3"; message Reading { string id = 1; }');
    writeFileSync(join(at, 'reading.valid.bin'), Buffer.from('0a0161', 'hex'));
    writeFileSync(join(at, 'reading.wrong.valid.bin'), Buffer.from('0aff', 'hex'));
    const protobuf = { file, root: at, message: 'Reading' };
    const { tried, problemText } = await reportExamples(
      [{ name: 'reading', format: 'protobuf', protobuf, mode: 'enforce' }],
      false,
    );
    assert.equal(tried, 2);
    assert.match(problemText, /reading\.wrong\.valid\.bin.*rejects it: syntax/);
    assert.doesNotMatch(problemText, /reading\.valid/);
  });

  it('a wrong one is told with its path and what the contract said, also of a contract in shadow mode', async () => {
    const contracts = folder('wrong', ['t'], {
      't.valid.json': '{"id":"aa"}\n',
      't.missing.valid.json': '{"x":1}',
      't.lax.invalid.json': '{"id":"a"}',
      't.cut.invalid.json': '{',
      'stray.invalid.json': '{',
      't.valid.yaml': '',
    });
    const { tried, problems, problemText, warningText } = await reportExamples(contracts, false);
    assert.deepEqual([tried, problems], [4, 2]);
    assert.match(
      problemText,
      /wrong\/t\.missing\.valid\.json {2}contract "t" rejects it: schema \(required\): .*'id'\n/,
    );
    assert.match(problemText, /wrong\/t\.lax\.invalid\.json {2}contract "t" accepts it\n {4}mend: \S/);
    assert.match(warningText, /wrong\/t\.valid\.yaml {2}is not tried\n {4}mend: \S/);
    assert.match(warningText, /wrong\/stray\.invalid\.json {2}is an example of no contract\n {4}mend: .*: t\./);
  });

  it('one that hangs its contract is told as such, also where it should be rejected, and the others are tried', async () => {
    const contracts = folder('hangs', ['t'], {
      't.1.invalid.json': `{"id":"${'a'.repeat(40)}!"}`,
      't.2.valid.json': '{}',
      't.3.valid.json': '{"id":"a"}',
    });
    const { tried, problems, problemText } = await reportExamples(contracts, false, 300);
    assert.deepEqual([tried, problems], [3, 2]);
    assert.match(problemText, /t\.1\.invalid\.json {2}contract "t" rejects it: timeout \(timeout\): /);
    assert.match(problemText, /t\.2\.valid\.json/);
  });

  it('a contract that joins others is tried like any', async () => {
    const [t, u] = folder('joined', ['t', 'u'], { 'both.valid.json': '{"id":"a"}', 'both.x.invalid.json': '{}' });
    const both: ContractSettings = { name: 'both', format: 'json', mode: 'enforce', oneOf: { contracts: ['t', 'u'] } };
    const { tried, problemText } = await reportExamples([t!, u!, both], false);
    assert.equal(tried, 2);
    assert.match(problemText, /both\.valid\.json {2}contract "both" rejects it: one-of .*t and u accept it/);
  });

  it('holdfast check exits 2 for a wrong one, and counts those that were tried', async (t: TestContext) => {
    folder('command', [], { 'c.valid.json': '{"id":"a"}', 'c.invalid.json': '{"id":"a"}' });
    const file = join(directory, 'command', 'gateway.yaml');
    writeFileSync(file, 'broker: { url: mqtt://localhost }\ncontracts: { c: { schema: any.schema.json } }\n');
    const written = { out: '', err: '' };
    t.mock.method(process.stdout, 'write', (text: string) => ((written.out += text), true));
    t.mock.method(process.stderr, 'write', (text: string) => ((written.err += text), true));
    assert.equal(await check(file), 2);
    assert.match(written.err, /c\.invalid\.json {2}contract "c" accepts it.*\n.*\n.*: one example is wrong, of 2 that/);
    writeFileSync(join(directory, 'command', 'c.invalid.json'), '{}');
    assert.equal(await check(file), 0);
    t.mock.restoreAll();
    assert.match(written.out, /1 contract, 0 subscribers\. 2 examples tried\.\n$/);
  });
});
