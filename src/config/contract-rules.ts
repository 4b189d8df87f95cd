/** What must fit together in one contract, and what its settings are. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CONTRACT_LIMITS, type ContractLimits, type ContractSettings } from '../domain/contract.js';
import type { ContractConfig, LimitsConfig, ProtobufConfig } from './contract.config.js';
import { checkOneOfKeys, oneOfSettings } from './one-of-rules.js';
import type { Path, Report } from './problem.js';
import { durationMs, sizeBytes } from './quantity.js';
import { isFile } from './text-file.js';

export function checkContract(path: Path, contract: ContractConfig, report: Report, directory: string): void {
  checkOneOfKeys(path, contract, report);
  if (contract.schema !== undefined && contract.class !== undefined) {
    report.problem([...path, 'class'], 'stands beside schema', 'Keep one of schema and class.');
  }
  checkFormat(path, contract, report, directory);
  for (const key of ['schema', 'class'] as const) {
    const reference = contract[key];
    if (reference === undefined || !report.clean([...path, key])) continue;
    if (!isFile(resolve(directory, key === 'class' ? reference.split('#')[0]! : reference))) {
      report.problem([...path, key], 'names no existing file', 'Mend the path; it is relative to this file.');
    }
  }
}

function checkFormat(path: Path, contract: ContractConfig, report: Report, directory: string): void {
  const { format, protobuf } = contract;
  const ruleless = format === 'bytes' ? (['schema', 'class'] as const) : format === 'text' ? (['class'] as const) : [];
  for (const key of ruleless) {
    if (contract[key] === undefined) continue;
    report.problem([...path, key], `stands beside format: ${format}, which it cannot check`, 'Remove it; limits hold.');
  }
  if (!protobuf && format === 'protobuf') {
    const mend = 'Add protobuf: { file: contracts/telemetry.proto, message: acme.Telemetry }.';
    report.problem([...path, 'format'], 'is protobuf, and the key protobuf is missing', mend);
  } else if (protobuf && report.clean([...path, 'protobuf'])) {
    checkProtobuf([...path, 'protobuf'], protobuf, format, report, directory);
  }
}

function checkProtobuf(path: Path, protobuf: ProtobufConfig, format: string, report: Report, directory: string): void {
  if (format !== 'protobuf' && format !== 'auto') {
    report.problem(path, `stands beside format: ${format}`, 'Write format: protobuf or auto, or remove it.');
  }
  if (!isFile(resolve(directory, protobuf.file))) {
    report.problem([...path, 'file'], 'names no existing file', 'Mend the path; it is relative to this file.');
  }
  if (protobuf.root === undefined) return;
  if (!statSync(resolve(directory, protobuf.root), { throwIfNoEntry: false })?.isDirectory()) {
    report.problem([...path, 'root'], 'names no existing folder', 'Mend the path; it is relative to this file.');
  }
}

/** Absolute paths of the files it names, as far as it can be read. */
export function filesOf({ schema, class: reference, protobuf }: ContractConfig, directory: string): string[] {
  const module = typeof reference === 'string' ? reference.split('#')[0] : undefined;
  const named: unknown[] = [schema, module, protobuf?.file];
  return named.flatMap((one) => (typeof one === 'string' ? [resolve(directory, one)] : []));
}

/** @param directory what relative paths are relative to */
export function contractSettings(name: string, contract: ContractConfig, directory: string): ContractSettings {
  const [file, exported] = contract.class?.split('#') ?? [];
  return {
    name,
    format: contract.format as ContractSettings['format'],
    compression: contract.compression as ContractSettings['compression'],
    ...(contract.protobuf && { protobuf: protobufSettings(contract.protobuf, directory) }),
    limits: limitsOf(contract.limits),
    schemaFile: contract.schema === undefined ? undefined : resolve(directory, contract.schema),
    class: file === undefined ? undefined : { file: resolve(directory, file), export: exported! },
    redact: contract.redact,
    ...(contract.oneOf && { oneOf: oneOfSettings(contract, contract.oneOf) }),
    mode: contract.mode as ContractSettings['mode'],
  };
}

function protobufSettings(
  { file, message, root }: ProtobufConfig,
  directory: string,
): NonNullable<ContractSettings['protobuf']> {
  const path = resolve(directory, file);
  return { file: path, message, root: root === undefined ? dirname(path) : resolve(directory, root) };
}

function limitsOf({ maxBytes, maxExpanded, maxDepth, maxKeys, maxString, budget }: LimitsConfig): ContractLimits {
  return {
    maxBytes: maxBytes === undefined ? CONTRACT_LIMITS.maxBytes : sizeBytes(maxBytes)!,
    maxExpanded: sizeBytes(maxExpanded)!,
    maxDepth,
    maxKeys,
    maxString: sizeBytes(maxString)!,
    budgetMs: durationMs(budget)!,
  };
}
