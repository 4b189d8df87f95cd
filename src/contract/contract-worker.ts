import type { RejectionReason } from '../domain/record.js';
import type { Admission } from './admission.js';
import { thrownText } from './problem.js';
import { Progress } from './progress.js';

/** What ContractThread adds to the worker's data, under the key `contractThread`. */
export interface ContractThreadData {
  progress: SharedArrayBuffer;
  /** Positions whose check ended a thread before; not to be checked again. */
  condemned: ReadonlyMap<number, RejectionReason>;
}

const BEAT_MS = 250;

/**
 * The first thing a contract thread does: from here on its parent sees whether its event loop turns,
 * so that a class module which spins while it loads is ended, too.
 */
export function enterContractThread(data: ContractThreadData): {
  progress: Progress;
  condemned: ReadonlyMap<number, RejectionReason>;
} {
  const progress = new Progress(data.progress);
  progress.beat();
  setInterval(() => progress.beat(), BEAT_MS).unref();
  return { progress, condemned: data.condemned };
}

/**
 * Runs the admission until it is stopped. What contract code fails with outside of a check (an
 * unhandled rejection, an exception in a timer) does not end the thread meanwhile: it fails the record
 * being checked, if there is one, and is told to `onFault`. Rejects when the source or the sink fails;
 * left unhandled, that ends the thread, and its parent starts another.
 */
export async function runAdmission(admission: Admission, onFault?: (description: string) => void): Promise<void> {
  const listener = (thrown: unknown): void => {
    const description = thrownText(thrown);
    admission.fault(description);
    onFault?.(description);
  };
  process.on('uncaughtException', listener).on('unhandledRejection', listener);
  try {
    await admission.run();
  } finally {
    process.off('uncaughtException', listener).off('unhandledRejection', listener);
  }
}
