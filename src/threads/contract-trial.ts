import { ContractThread } from '../contract/index.js';
import type { ContractSettings } from '../domain/contract.js';
import type { Rejection } from '../domain/record.js';
import type { ExampleThreadSettings, ExampleThreadStart, Loaded, Loading, Tried } from './example.thread.js';

/** A thread that stands still for so long while it loads contracts does not come back. */
const STALL_MS = 10_000;
/** So long may loading take that does not stand still, such as a module that awaits what never happens. */
const LOAD_MS_MAX = 60_000;
/** Of a thread that had nothing left to do. */
const ENDED = 'Error: exit code 0';

export interface TrialOptions {
  /** Payloads to check, in this order. Default none. */
  examples?: readonly { file: string; contract: string }[];
  /** How long one example may take; default: as long as a record. */
  budgetMs?: number;
  /** Default 10 000. */
  stallMs?: number;
  /** Default 60 000. */
  loadMsMax?: number;
}

export interface Trial extends Loaded {
  /** By place in the list of examples, from 1. */
  rejections: Map<number, Rejection>;
}

/**
 * Loads contracts in a thread of its own under a watchdog, and tries examples with them: one on which a contract hangs
 * is one that timed out. A contract that hangs or ends its thread while it is loaded is a problem, and those after it are not looked at.
 * @throws Error when the thread ends and no contract is to blame
 */
export async function tryContracts(contracts: readonly ContractSettings[], options: TrialOptions = {}): Promise<Trial> {
  const { examples = [], budgetMs, stallMs = STALL_MS, loadMsMax = LOAD_MS_MAX } = options;
  const rejections = new Map<number, Rejection>();
  const { promise, resolve, reject } = Promise.withResolvers<Trial>();
  let loading: Loading | undefined;
  const unusable = (why: string): void => {
    if (loading === undefined) return reject(new Error(`the contracts cannot be loaded: ${why}`));
    const files = { answers: new Map(), looked: new Set<string>() };
    const hanging = { contract: loading.loading, message: `cannot be loaded: ${why}` };
    resolve({ problems: [...loading.problems, hanging], files, rejections });
  };
  const late = setTimeout(() => unusable(`it took more than ${loadMsMax} ms`), loadMsMax);
  let after = 0;
  let known: Loaded | undefined;
  const thread = new ContractThread({
    entry: new URL('./example.thread.js', import.meta.url),
    workerData: {
      contracts: [...contracts],
      examples: examples.map(({ file, contract }) => ({ file, contract })),
    } satisfies ExampleThreadSettings,
    ...(budgetMs === undefined ? {} : { budgetMs }),
    stallMs,
    start: (worker) => {
      worker.on('message', (message: Loading | Loaded | Tried) => {
        if ('loading' in message) {
          loading = message;
          return;
        }
        if ('files' in message) {
          clearTimeout(late);
          loading = undefined;
          known ??= message;
          if (known.problems.length > 0 || examples.length === 0) resolve({ ...known, rejections });
          return;
        }
        after = message.through;
        thread.admittedThrough(after);
        for (const rejection of message.rejections) rejections.set(rejection.position, rejection);
        if (after >= examples.length) resolve({ ...known!, rejections });
      });
      worker.postMessage({ after } satisfies ExampleThreadStart);
    },
    onRespawn: (reason, position, detail) => {
      if (position !== 0) return;
      if (reason === 'stalled') unusable(`it stood still for ${stallMs} ms`);
      else unusable(detail === ENDED ? 'it ends its thread, or awaits what never happens' : detail);
    },
    onFatal: reject,
  });
  thread.start();
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    await thread.stop();
  }
}
