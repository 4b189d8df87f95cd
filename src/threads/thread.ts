import { MessagePort, Worker } from 'node:worker_threads';
import { endWorker, watchWorker } from '../domain/worker-end.js';
import { Channel, remote, served, type Serve } from './rpc.js';

/**
 * Megabytes of each thread's nursery. With the limit V8 would choose by itself it grows to some 100 MB as traffic
 * passes, and is never given back. The link's holds what is on its way to the disk: where that outgrows the nursery,
 * each message is copied twice and the link reads a third slower.
 */
const YOUNG_GENERATION_MB_MAX = { link: 48, journal: 12, contract: 6 };

/** A thread in a native call, such as to a disk that hangs, does not end before it. */
const END_MS_MAX = 1_000;

/** The parent's side of one thread that lives as long as the process. */
export class Thread<T extends object> {
  /** The thread's control calls. */
  readonly calls: T;
  readonly #worker: Worker;
  #stopping = false;

  /**
   * @param serve answers the thread's calls to its parent
   * @param onEvent receives the thread's events
   * @param died is told when the thread ends without having been asked to: nothing can go on without it
   */
  constructor(
    name: keyof typeof YOUNG_GENERATION_MB_MAX,
    workerData: object,
    port: { serve?: Serve; onEvent: (event: string, value: unknown) => void; died: (error: Error) => void },
  ) {
    this.#worker = new Worker(new URL(`./${name}.thread.js`, import.meta.url), {
      name,
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB_MAX[name] },
    });
    watchWorker(this.#worker);
    const channel = new Channel(this.#worker, port.serve ?? served({}), port.onEvent);
    this.calls = remote<T>(channel, (_method, args): MessagePort[] => args.filter(isPort));
    let thrown: unknown;
    this.#worker.on('error', (error) => {
      thrown = error;
    });
    this.#worker.on('exit', (code) => {
      const error = new Error(`the ${name} thread ended (exit code ${code})`, { cause: thrown });
      channel.fail(error);
      if (!this.#stopping) port.died(error);
    });
  }

  /** Ends the thread, or stops waiting for that; what it had to finish must be finished before. */
  async end(): Promise<void> {
    this.#stopping = true;
    await endWorker(this.#worker, END_MS_MAX);
  }
}

/** Ports are moved to the thread they are handed to. */
function isPort(value: unknown): value is MessagePort {
  return value instanceof MessagePort;
}
