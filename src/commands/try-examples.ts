import { relative } from 'node:path';
import { formatProblems, type ConfigProblem } from '../config/index.js';
import type { ContractSettings } from '../domain/contract.js';
import type { Rejection } from '../domain/record.js';
import { tryContracts } from '../threads/contract-trial.js';
import { findExamples, type Example } from './examples.js';

/** What the examples in the contracts folders came to; the texts are empty when there is nothing to say. */
export interface ExamplesReport {
  tried: number;
  problems: number;
  problemText: string;
  warningText: string;
}

/** @param budgetMs how long one example may take; default: as long as a record @param colour of the texts */
export async function reportExamples(
  contracts: readonly ContractSettings[],
  colour: boolean,
  budgetMs?: number,
): Promise<ExamplesReport> {
  const { examples, strays, misnamed, unfit } = findExamples(contracts);
  const rejections =
    examples.length === 0 ? new Map<number, Rejection>() : await verdicts(contracts, examples, budgetMs);
  const told = (file: string, message: string, mend: string): string => {
    const problem: ConfigProblem = { path: '', line: 0, column: 0, message, mend };
    return formatProblems(relative('', file), [problem], colour);
  };
  const wrong = examples.flatMap((example, i) => {
    const flaw = flawOf(example, rejections.get(i + 1));
    return flaw ? [told(example.file, ...flaw)] : [];
  });
  const unusable = unfit.map(({ file, why }) => told(file, why, 'Remove it, or make it a smaller file.'));
  const names = contracts.map(({ name }) => name).join(', ');
  const warnings = strays.map((file) =>
    told(file, 'is an example of no contract', `Begin its name with one of: ${names}.`),
  );
  const almost = misnamed.map((file) =>
    told(file, 'is not tried', 'An example ends in .valid or .invalid, in lower case, and then .json, .bin or .txt.'),
  );
  const problems = [...unusable, ...wrong];
  return {
    tried: examples.length,
    problems: problems.length,
    problemText: problems.join(''),
    warningText: [...warnings, ...almost].join(''),
  };
}

function flawOf(
  { contract, valid }: Example,
  rejection: Rejection | undefined,
): [message: string, mend: string] | undefined {
  if (!rejection) {
    if (valid) return undefined;
    return [`contract "${contract}" accepts it`, 'Tighten the contract, or name the file .valid.'];
  }
  const { reason, problems } = rejection;
  // What hung or crashed has no verdict, and no example may do that.
  if (!valid && reason !== 'timeout' && reason !== 'crashed') return undefined;
  const [{ pointer, rule, message } = { pointer: '', rule: '', message: '' }] = problems;
  const place = pointer === '' ? '' : ` at ${pointer}`;
  const mend = valid ? 'Mend the example or the contract, or name the file .invalid.' : 'Mend the contract.';
  return [`contract "${contract}" rejects it: ${reason}${place} (${rule}): ${message}`, mend];
}

/** @returns by place in the list, from 1 @throws when the contracts cannot be loaded */
async function verdicts(
  contracts: readonly ContractSettings[],
  examples: readonly Example[],
  budgetMs: number | undefined,
): Promise<Map<number, Rejection>> {
  const budget = budgetMs === undefined ? {} : { budgetMs };
  const { problems, rejections } = await tryContracts(contracts, { examples, ...budget });
  if (problems.length > 0) throw new Error(`the contracts cannot be loaded: ${problems[0]!.message}`);
  return rejections;
}
