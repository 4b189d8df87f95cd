/** What must fit together in one contract, and what its settings are. */
import { resolve } from 'node:path';
import type { ContractSettings } from '../domain/contract.js';
import type { ContractConfig } from './contract.config.js';
import { checkOneOfKeys, oneOfSettings } from './one-of-rules.js';
import type { Path, Report } from './problem.js';
import { isFile } from './text-file.js';

export function checkContract(path: Path, contract: ContractConfig, report: Report, directory: string): void {
  checkOneOfKeys(path, contract, report);
  if (contract.schema !== undefined && contract.class !== undefined) {
    report.problem([...path, 'class'], 'stands beside schema', 'Keep one of schema and class.');
  }
  for (const key of ['schema', 'class'] as const) {
    const reference = contract[key];
    if (reference === undefined || !report.clean([...path, key])) continue;
    if (!isFile(resolve(directory, key === 'class' ? reference.split('#')[0]! : reference))) {
      report.problem([...path, key], 'names no existing file', 'Mend the path; it is relative to this file.');
    }
  }
}

/** @param directory what relative paths are relative to */
export function contractSettings(name: string, contract: ContractConfig, directory: string): ContractSettings {
  const [file, exported] = contract.class?.split('#') ?? [];
  return {
    name,
    format: contract.format as ContractSettings['format'],
    schemaFile: contract.schema === undefined ? undefined : resolve(directory, contract.schema),
    class: file === undefined ? undefined : { file: resolve(directory, file), export: exported! },
    redact: contract.redact,
    ...(contract.oneOf && { oneOf: oneOfSettings(contract, contract.oneOf) }),
    mode: contract.mode as ContractSettings['mode'],
  };
}
