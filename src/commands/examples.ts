/** Examples in the contracts folders: which there are, and whose. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ContractSettings } from '../domain/contract.js';

export interface Example {
  /** Absolute path; its bytes are the payload. */
  file: string;
  /** Name of the contract it is an example of. */
  contract: string;
  /** Whether the contract must accept it. */
  valid: boolean;
}

export interface FoundExamples {
  examples: Example[];
  /** Files that are named like examples, of no contract there is. */
  strays: string[];
  /** Files whose names are almost those of examples. */
  misnamed: string[];
  /** Files that cannot be tried, and why. */
  unfit: { file: string; why: string }[];
}

/** More are not tried, and that is a problem. */
const EXAMPLES_MAX = 10_000;
/** No broker lets more through [MQTT 5.0, 2.1.4]. */
const EXAMPLE_BYTES_MAX = 256 * 1024 * 1024;
const EXAMPLE_NAME = /^(.+)\.(valid|invalid)\.(json|bin|txt)$/;

/** Meant as one, and not tried. */
const ALMOST = /^.+\.(valid|invalid)\.\w+$/i;

/** Looks beside every schema, class and other file of the contracts. */
export function findExamples(contracts: readonly ContractSettings[]): FoundExamples {
  const found: FoundExamples = { examples: [], strays: [], misnamed: [], unfit: [] };
  const folders = new Set(contracts.flatMap(filesOf).map((file) => dirname(file)));
  for (const folder of [...folders].sort()) {
    for (const name of readdirSync(folder).sort()) sort(join(folder, name), name, contracts, found);
  }
  return found;
}

function filesOf({ schemaFile, class: ref, protobuf }: ContractSettings): string[] {
  return [schemaFile, ref?.file, protobuf?.file].filter((file) => file !== undefined);
}

function sort(file: string, name: string, contracts: readonly ContractSettings[], found: FoundExamples): void {
  const [, base, word] = EXAMPLE_NAME.exec(name) ?? [];
  if (base === undefined) {
    if (ALMOST.test(name)) found.misnamed.push(file);
    return;
  }
  const contract = ownerOf(base, contracts);
  const why = contract === undefined ? undefined : unfitness(file, found.examples.length);
  if (contract === undefined) found.strays.push(file);
  else if (why !== undefined) found.unfit.push({ file, why });
  else found.examples.push({ file, contract, valid: word === 'valid' });
}

/** `telemetry.v1.cold` is of contract `telemetry.v1` where there is one, else of `telemetry`. */
function ownerOf(base: string, contracts: readonly ContractSettings[]): string | undefined {
  const names = contracts.map(({ name }) => name).filter((name) => base === name || base.startsWith(`${name}.`));
  return names.sort((one, other) => other.length - one.length)[0];
}

function unfitness(file: string, before: number): string | undefined {
  if (before >= EXAMPLES_MAX) return `is not tried: there are more than ${EXAMPLES_MAX} examples`;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats?.isFile()) return 'is no file';
  return stats.size > EXAMPLE_BYTES_MAX ? `is longer than ${EXAMPLE_BYTES_MAX} bytes` : undefined;
}
