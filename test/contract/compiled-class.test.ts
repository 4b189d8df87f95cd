/** Classes as users have them: TypeScript compiled by tsc with legacy decorators, as ESM and as CommonJS, or JavaScript. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Contracts } from '../../src/contract/index.js';
import { scratchDirectory } from '../support/scratch.js';

const PACKAGES = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));

const TYPESCRIPT = `
import 'reflect-metadata';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsInt, IsNumber, IsOptional, IsString, Max, ValidateNested } from 'class-validator';

export class Place {
  @IsNumber() lat!: number;
  @IsNumber() lon!: number;
}
export class Reading {
  @IsIn(['temperature', 'humidity']) kind!: string;
  @IsNumber() @Max(100) value!: number;
  @IsOptional() @ValidateNested() @Type(() => Place) place?: Place;
}
class Base {
  @IsString() gwId!: string;
}
export class Telemetry extends Base {
  @IsInt() at!: number;
  @ArrayMaxSize(3) @ValidateNested({ each: true }) @Type(() => Reading) readings: Reading[] = [];
}
`;

const JAVASCRIPT = `
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsInt, IsNumber, IsOptional, IsString, Max, ValidateNested } from 'class-validator';

function rules(type, properties) {
  for (const [name, decorators] of Object.entries(properties)) {
    for (const decorate of decorators) decorate(type.prototype, name);
  }
}
class Place {}
rules(Place, { lat: [IsNumber()], lon: [IsNumber()] });
class Reading {}
rules(Reading, {
  kind: [IsIn(['temperature', 'humidity'])],
  value: [IsNumber(), Max(100)],
  place: [IsOptional(), ValidateNested(), Type(() => Place)],
});
export class Telemetry {}
rules(Telemetry, {
  gwId: [IsString()],
  at: [IsInt()],
  readings: [ArrayMaxSize(3), ValidateNested({ each: true }), Type(() => Reading)],
});
`;

const folder = scratchDirectory('classes');

/** What the compiler makes of {@link TYPESCRIPT}; where it runs there are no packages, as at a user's. */
function compile(module: 'nodenext' | 'commonjs', type: 'module' | 'commonjs'): string {
  const directory = join(folder, module);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type }));
  writeFileSync(join(directory, 'telemetry.ts'), TYPESCRIPT);
  const compilerOptions = {
    ...{ module, target: 'es2022', strict: true, experimentalDecorators: true, emitDecoratorMetadata: true },
    ...(module === 'commonjs' ? { moduleResolution: 'bundler' } : {}),
    ...{ types: [], skipLibCheck: true },
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['telemetry.ts'] }));
  const packages = join(directory, 'node_modules');
  symlinkSync(PACKAGES, packages);
  const tsc = spawnSync(process.execPath, [join(PACKAGES, 'typescript/bin/tsc'), '-p', directory], {
    encoding: 'utf8',
  });
  unlinkSync(packages);
  assert.equal(tsc.status, 0, tsc.stdout + tsc.stderr);
  return join(directory, 'telemetry.js');
}

function only(file: string): Promise<Contracts> {
  return Contracts.compile(
    [{ name: 't', filter: '#', qos: 1, contract: 'c', overlap: 'refuse' }],
    [{ name: 'c', format: 'json', class: { file, export: 'Telemetry' }, mode: 'enforce' }],
  );
}

const GOOD = {
  gwId: 'gw-1',
  at: 1,
  readings: [
    { kind: 'temperature', value: 20.5, place: { lat: 1, lon: 2 } },
    { kind: 'humidity', value: 50 },
  ],
};
const [FIRST, SECOND] = GOOD.readings;
/** Payloads that are wrong, and where and how. */
const BAD: [object, string][] = [
  [{ ...GOOD, gwId: 7 }, '/gwId isString'],
  [{ ...GOOD, at: 1.5 }, '/at isInt'],
  [{ ...GOOD, more: 1 }, '/more whitelistValidation'],
  [{ ...GOOD, readings: [FIRST, { ...SECOND, value: 101 }] }, '/readings/1/value max'],
  [{ ...GOOD, readings: [{ ...FIRST, kind: 'noise' }] }, '/readings/0/kind isIn'],
  [{ ...GOOD, readings: [{ ...FIRST, unit: 'K' }] }, '/readings/0/unit whitelistValidation'],
  [{ ...GOOD, readings: [{ ...FIRST, place: { lat: 1, lon: '2' } }] }, '/readings/0/place/lon isNumber'],
  [
    { ...GOOD, readings: [{ ...FIRST, place: { lat: 1, lon: 2, alt: 3 } }] },
    '/readings/0/place/alt whitelistValidation',
  ],
  [{ ...GOOD, readings: [FIRST, FIRST, FIRST, FIRST] }, '/readings arrayMaxSize'],
  [{ ...GOOD, readings: [1] }, '/readings/0 nestedValidation'],
];

describe('a class contract', () => {
  const files: { [kind: string]: string } = {};
  before(() => {
    files['ESM'] = compile('nodenext', 'module');
    files['CommonJS'] = compile('commonjs', 'commonjs');
    files['JavaScript'] = join(folder, 'plain.mjs');
    writeFileSync(files['JavaScript'], JAVASCRIPT);
    assert.ok(Object.values(files).every(existsSync));
  });

  for (const kind of ['ESM', 'CommonJS', 'JavaScript']) {
    it(`${kind}: nested objects and lists are checked, and what the class does not know is refused`, async () => {
      const contracts = await only(files[kind]!);
      const check = (payload: unknown): string => {
        const bytes = Buffer.from(JSON.stringify(payload));
        const verdict = contracts.check({ topic: 't', payload: bytes, properties: null });
        return verdict.valid ? 'valid' : verdict.problems.map(({ pointer, rule }) => `${pointer} ${rule}`).join();
      };
      assert.equal(check(GOOD), 'valid');
      for (const [payload, expected] of BAD) assert.equal(check(payload), expected);
    });
  }

  it('TypeScript itself is refused, with what to do', async () => {
    await assert.rejects(only(join(folder, 'nodenext/telemetry.ts')), /telemetry\.ts is TypeScript; compile it \(tsc/);
  });
});
