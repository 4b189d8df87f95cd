import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import formats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Contracts } from '../src/contract/index.js';
import type { ContractSettings } from '../src/domain/contract.js';
import { ratios, type Benchmark, type Line, type Options } from './figures.js';
import { payloads, Telemetry, TELEMETRY_SCHEMA } from './telemetry.js';
import { inTurn, type Name } from './throughput.js';

const RATIO_LEAST = 0.8;
/** So many that no payload is in the processor's caches for being the last one. */
const PAYLOADS = 1_024;
const CHECKS = { schema: 300_000, class: 60_000 };

type Kind = keyof typeof CHECKS;
type Check = (payload: Buffer) => boolean;

/** Payloads of 300 bytes validated in a second of processor time, through a contract, beside the same libraries used bare. */
export const validation: Benchmark = async (options) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    const schemaFile = join(folder, 'telemetry.json');
    writeFileSync(schemaFile, JSON.stringify(TELEMETRY_SCHEMA));
    const file = fileURLToPath(new URL('./telemetry.js', import.meta.url));
    return [
      ...beside('schema', bareSchema(), await contract({ schemaFile }), options),
      ...beside('class', bareClass, await contract({ class: { file, export: 'Telemetry' } }), options),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
};

function beside(kind: Kind, bare: Check, gateway: Check, { pairs, messages, say }: Options): Line[] {
  const checks = { bare, gateway };
  const count = messages ?? CHECKS[kind];
  const rates: { [name in Name]: number[] } = { bare: [], gateway: [] };
  // Both are compiled by the time they count.
  for (const check of Object.values(checks)) rate(check, count);
  for (let pair = 0; pair < pairs; pair++) {
    for (const name of inTurn(pair)) {
      const figure = rate(checks[name], count);
      rates[name].push(figure);
      say(`validation ${kind} ${pair + 1}/${pairs}: ${name} ${figure.toFixed(0)}/s`);
    }
  }
  return [
    { name: `${kind}, bare, payloads/s`, values: rates.bare, digits: 0 },
    { name: `${kind}, contract, payloads/s`, values: rates.gateway, digits: 0 },
    {
      name: `${kind}, contract / bare`,
      values: ratios(rates.gateway, rates.bare),
      digits: 2,
      bound: { least: RATIO_LEAST },
    },
  ];
}

const PAYLOAD = payloads(PAYLOADS);

/** A second of processor time: that others keep the processors busy lengthens the wait and not this. */
function rate(check: Check, count: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) if (!check(PAYLOAD[i % PAYLOADS]!)) throw new Error('a payload is not valid');
  const { user, system } = process.cpuUsage(before);
  return (count * 1_000_000) / (user + system);
}

async function contract(rules: Pick<ContractSettings, 'schemaFile' | 'class'>): Promise<Check> {
  const contracts = await Contracts.compile(
    [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1, contract: 'telemetry', overlap: 'refuse' }],
    [{ name: 'telemetry', format: 'json', mode: 'enforce', ...rules }],
  );
  const topics = Array.from({ length: 100 }, (_, i) => `devices/${i}/telemetry`);
  let next = 0;
  return (payload) => contracts.check({ topic: topics[next++ % topics.length]!, payload, properties: null }).valid;
}

function bareSchema(): Check {
  const ajv = new Ajv2020();
  formats.default(ajv);
  const validate = ajv.compile(TELEMETRY_SCHEMA);
  return (payload) => validate(JSON.parse(payload.toString()));
}

function bareClass(payload: Buffer): boolean {
  const instance = plainToInstance(Telemetry, JSON.parse(payload.toString()));
  return validateSync(instance, { whitelist: true, forbidNonWhitelisted: true }).length === 0;
}
