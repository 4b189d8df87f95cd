import { formatProblems, loadSettings, type ConfigProblem, type Loaded } from '../config/index.js';
import { contractProblems } from '../contract-problems.js';
import type { Settings } from '../domain/settings.js';
import { tryContracts } from '../threads/contract-trial.js';
import { reportExamples } from './try-examples.js';

/**
 * Loads the configuration and its contracts, tries the contracts' examples, and names every problem. Starts nothing.
 * @returns the exit code
 */
export async function check(file: string): Promise<number> {
  const settings = await loadAndTell(file);
  if (!settings) return 2;
  const { subscriptions, contracts, subscribers } = settings;
  const { tried, problems, problemText, warningText } = await reportExamples(contracts, process.stderr.isTTY);
  if (warningText !== '') process.stderr.write(`Warnings:\n${warningText}`);
  if (problems > 0) {
    const count = problems === 1 ? 'one example is' : `${problems} examples are`;
    process.stderr.write(`${problemText}${file}: ${count} wrong, of ${tried} that were tried.\n`);
    return 2;
  }
  const examples = tried === 0 ? '' : ` ${counted(tried, 'example')} tried.`;
  const parts = [
    counted(subscriptions.length, 'subscription'),
    counted(contracts.length, 'contract'),
    counted(subscribers.length, 'subscriber'),
  ];
  process.stdout.write(`${file}: fine. ${parts.join(', ')}.${examples}\n`);
  return 0;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The settings, after every problem and warning has been written to standard error; undefined when there are problems. */
export async function loadAndTell(file: string): Promise<Settings | undefined> {
  const loaded = loadSettings(file, process.env);
  const colour = process.stderr.isTTY;
  const problems = 'problems' in loaded ? loaded.problems : await problemsOfContracts(loaded);
  if (loaded.warnings.length > 0) {
    process.stderr.write(`Warnings:\n${formatProblems(file, loaded.warnings, colour)}`);
  }
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    process.stderr.write(`${formatProblems(file, problems, colour)}${file}: ${count}.\n`);
  }
  return 'settings' in loaded && problems.length === 0 ? loaded.settings : undefined;
}

/** One that hangs while it is loaded must not hang who asks. */
async function problemsOfContracts({
  settings: { contracts },
  positionOf,
}: Extract<Loaded, { settings: unknown }>): Promise<ConfigProblem[]> {
  if (contracts.length === 0) return [];
  const { problems } = await tryContracts(contracts);
  return contractProblems(problems, contracts, positionOf);
}
