/** A disk that does not answer: needs strace. */
import type { TestContext } from 'node:test';
import { Child } from './children.js';
import { findProgram } from './needs.js';
import { until } from './until.js';

/** Holds the next fdatasync of the process for so long. Resolves when it is in force. */
export async function freezeDisk(t: TestContext, pid: number, forMs: number): Promise<Child> {
  const inject = `inject=fsync,fdatasync:delay_enter=${forMs * 1_000}:when=1`;
  const strace = new Child(findProgram('strace')!, [
    '-f',
    '-p',
    String(pid),
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    inject,
  ]);
  t.after(() => strace.stop('SIGKILL'));
  await until(() => /attached/.test(strace.tail), { what: () => `strace to attach: ${strace.tail}` });
  return strace;
}
