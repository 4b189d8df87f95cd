/** Ties what contracts say of themselves to the place in the configuration file that names them. */
import { pathText, type ConfigProblem, type Loaded } from './config/index.js';
import type { ContractProblem } from './contract/index.js';
import type { ContractSettings } from './domain/contract.js';

type PositionOf = Extract<Loaded, { settings: unknown }>['positionOf'];

export function contractProblems(
  found: readonly ContractProblem[],
  contracts: readonly ContractSettings[],
  positionOf: PositionOf,
): ConfigProblem[] {
  return found.map(({ contract, part, message }) => {
    const rule = contracts.some(({ name, schemaFile }) => name === contract && schemaFile) ? 'schema' : 'class';
    const path = ['contracts', contract, part ?? rule];
    const mend = `Mend the ${part ?? 'schema or class'} it names.`;
    return { path: pathText(path), ...positionOf(path), message, mend };
  });
}
