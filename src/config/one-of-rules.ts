/** Contracts that join others: what must fit together, and what their settings are. */
import type { OneOfSettings } from '../domain/contract.js';
import type { ContractConfig } from './contract.config.js';
import type { Path, Report } from './problem.js';
import { suggestion } from './suggestion.js';

type Contracts = ReadonlyMap<string, ContractConfig>;

/** Keys of one contract that mean something only beside another, or never beside it. */
export function checkOneOfKeys(path: Path, contract: ContractConfig, report: Report): void {
  const { oneOf, discriminator, mapping } = contract;
  for (const key of ['schema', 'class'] as const) {
    if (oneOf === undefined || contract[key] === undefined) continue;
    report.problem([...path, 'oneOf'], `stands beside ${key}`, 'Make that a contract of its own and name it in oneOf.');
  }
  const missing = (key: string, value: unknown): boolean => value === undefined && report.clean([...path, key]);
  if (discriminator !== undefined && missing('oneOf', oneOf)) {
    report.problem([...path, 'discriminator'], 'has no effect', 'Write oneOf: [one, two], or remove it.');
  }
  if (mapping !== undefined && missing('discriminator', discriminator)) {
    report.problem([...path, 'mapping'], 'has no effect', 'Write discriminator: /type, or remove it.');
  }
}

/** Members must be there, must be read like the contract that joins them, and must not join others. */
export function checkOneOf(contracts: Contracts, report: Report): void {
  for (const [name, { oneOf, mapping, format }] of contracts) {
    if (!oneOf) continue;
    const path: Path = ['contracts', name];
    for (const [index, member] of oneOf.entries()) {
      if (!report.clean([...path, 'oneOf', index])) continue;
      const flaw = memberFlaw(member, { contracts, format, earlier: oneOf.slice(0, index) });
      if (flaw) report.problem([...path, 'oneOf', index], ...flaw);
    }
    if (mapping) checkMapping(path, oneOf, mapping, report);
  }
}

function memberFlaw(
  name: string,
  { contracts, format, earlier }: { contracts: Contracts; format: string; earlier: readonly string[] },
): [message: string, mend: string] | undefined {
  const member = contracts.get(name);
  if (!member) {
    const meant = suggestion(name, contracts.keys());
    return [
      'names no contract',
      meant === undefined ? 'Add it to contracts, or name one of those.' : `Did you mean "${meant}"?`,
    ];
  }
  if (member.oneOf) return ['joins contracts itself', 'Name those here; oneOf is not nested.'];
  if (earlier.includes(name)) return ['is here twice', 'Remove one of the two.'];
  if (member.format === format) return undefined;
  return [
    `has format ${member.format}, and this one ${format}`,
    'Give both the same format: payloads are decoded once.',
  ];
}

function checkMapping(path: Path, members: readonly string[], mapping: Map<string, string>, report: Report): void {
  for (const [value, name] of mapping) {
    const place = [...path, 'mapping', value];
    if (members.includes(name) || !report.clean(place)) continue;
    const meant = suggestion(name, members);
    report.problem(place, 'names none of oneOf', meant === undefined ? 'Add it to oneOf.' : `Did you mean "${meant}"?`);
  }
  for (const [index, name] of members.entries()) {
    if ([...mapping.values()].includes(name)) continue;
    report.warning([...path, 'oneOf', index], 'is meant by no value of mapping', 'Add a value for it, or remove it.');
  }
}

/** Of a contract without problems. */
export function oneOfSettings({ discriminator, mapping }: ContractConfig, contracts: string[]): OneOfSettings {
  if (discriminator === undefined) return { contracts };
  const named = mapping ?? new Map(contracts.map((name) => [name, name]));
  return { contracts, discriminator: { pointer: discriminator, mapping: named } };
}
