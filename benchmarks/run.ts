/**
 * Runs the benchmarks, each beside its yardstick: `npm run bench`, `npm run bench -- throughput --pairs 3`. Exit codes:
 * 0 every bound holds, 1 one falls short or could not be measured, 2 bad usage.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { passes, table, type Benchmark, type Line } from './figures.js';
import { contract } from './contract.js';
import { fanout } from './fanout.js';
import { journaling } from './journaling.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { publishing } from './publishing.js';
import { throughput } from './throughput.js';
import { tracing } from './tracing.js';
import { validation } from './validation.js';

const BENCHMARKS: { [name: string]: Benchmark } = {
  throughput,
  latency,
  fanout,
  journaling,
  memory,
  validation,
  contract,
  tracing,
  publish: publishing,
};
const PAIRS = 5;

const USAGE = `Usage: npm run bench -- [${Object.keys(BENCHMARKS).join('] [')}] [--pairs N] [--messages N]

  --pairs N      how often each contender is measured, in turn with the other (default ${PAIRS})
  --messages N   messages of one measurement (default: each benchmark's own)
`;

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const asked = read(args);
  if (!asked) return 2;
  const { names, pairs, messages } = asked;
  const started = performance.now();
  const say = (text: string): void => console.log(`${((performance.now() - started) / 1000).toFixed(0)} s  ${text}`);
  say(`node ${process.version}, ${availableParallelism()} processors`);
  const outcome: Line[] = [];
  for (const name of names) {
    const lines = await BENCHMARKS[name]!({ pairs, messages, say });
    outcome.push(...lines.map((line) => ({ ...line, name: `${name}: ${line.name}` })));
  }
  console.log(`\n${table(outcome)}`);
  return outcome.every(passes) ? 0 : 1;
}

function read(args: string[]): { names: string[]; pairs: number; messages: number | undefined } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { pairs: { type: 'string', default: String(PAIRS) }, messages: { type: 'string' } },
    });
    const unknown = positionals.find((name) => !Object.hasOwn(BENCHMARKS, name));
    if (unknown !== undefined) throw new Error(`there is no benchmark "${unknown}"`);
    return {
      names: positionals.length > 0 ? positionals : Object.keys(BENCHMARKS),
      pairs: positive('--pairs', values.pairs),
      messages: values.messages === undefined ? undefined : positive('--messages', values.messages),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} takes a whole number from 1, not "${text}"`);
  return value;
}
