import { spawnSync } from 'node:child_process';
import { findProgram } from '../support/needs.js';

/** @returns its exit code, 0 when all is well, and what it said */
export function promtool(args: string[], input = ''): { code: number | null; said: string } {
  const program = findProgram('promtool');
  if (program === undefined) throw new Error("promtool is not installed; say skip: needs('promtool')");
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', timeout: 60_000 });
  return { code: status, said: `${stdout}${stderr}` };
}
