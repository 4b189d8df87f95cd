/**
 * Threads of this process that are to end. Nothing interrupts a native call, such as one that reads what nobody writes:
 * `terminate()` then waits for it without a limit, and so does `process.exit()`.
 */
import { writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { within } from './within.js';

/** Threads that end at all end within this. */
const END_MS_MAX = 2_000;

const running = new Set<Worker>();

/** {@link leave} ends it, too. */
export function watchWorker(worker: Worker): void {
  running.add(worker);
  worker.once('exit', () => running.delete(worker));
}

/** @returns whether it has ended within so many milliseconds; if not, it ends once its call returns */
export async function endWorker(worker: Worker, limitMs: number): Promise<boolean> {
  let ended = false;
  const ending = worker.terminate().then(() => (ended = true));
  await within(limitMs, ending);
  return ended;
}

/**
 * Ends the process; threads that still run must not keep it. One whose call does not return would keep it for good, and
 * deaf to signals: then it kills itself.
 */
export async function leave(code: number): Promise<never> {
  const ended = await Promise.all([...running].map((worker) => endWorker(worker, END_MS_MAX)));
  if (ended.includes(false)) {
    writeSync(2, 'holdfast: a thread is in a call that does not return, and would keep the process: killing it\n');
    process.kill(process.pid, 'SIGKILL');
  }
  process.exit(code);
}
