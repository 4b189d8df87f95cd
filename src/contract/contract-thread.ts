import { Worker } from 'node:worker_threads';
import { systemClock } from '../domain/clock.js';
import type { Clock } from '../domain/clock.js';
import type { RejectionReason } from '../domain/record.js';
import type { ContractThreadData } from './contract-worker.js';
import { thrownText } from './problem.js';
import { Progress } from './progress.js';
import { Watchdog } from './watchdog.js';

/** Old-generation heap of the thread, in MiB, before it is ended as out of memory. */
export const HEAP_MB_MAX = 256;
/**
 * Its young objects, in MiB. Node lets a full heap grow by 16 MiB while it ends the thread; if more than that moves
 * up from the young generation at once, V8 ends the whole process instead.
 */
const YOUNG_MB_MAX = 8;
/** A thread may end this often within a minute without a record to blame; once more is fatal. */
const BLAMELESS_ENDS_MAX = 5;
const BLAMELESS_WINDOW_MS = 60_000;

/** Why a thread had to be replaced. `failed`: it ended outside of a check; `stalled`: it stood still outside of one. */
export const RESPAWN_REASONS = ['timeout', 'crashed', 'failed', 'stalled'] as const;
export type RespawnReason = (typeof RESPAWN_REASONS)[number];

export interface ContractThreadOptions {
  /** The worker's module. It calls `enterContractThread(workerData.contractThread)` first. */
  entry: URL;
  /** The worker's data; `contractThread` is added. */
  workerData: object;
  /** Called after every spawn, so that the owner can hand ports and the place to start from over. */
  start: (worker: Worker) => void;
  /**
   * The thread cannot be kept alive: its contracts do not compile (CONFIG_INVALID), or it keeps ending with
   * no record to blame. Nothing is spawned any more.
   */
  onFatal: (error: Error) => void;
  /**
   * A thread ended and the next one was spawned. `position` is 0 when no record was to blame, and below 0 when it was
   * a publish, of this number.
   */
  onRespawn?: (reason: RespawnReason, position: number, detail: string) => void;
  /** Milliseconds one record's check may take whose contract has no budget of its own. Default 1 000. */
  budgetMs?: number;
  /** The least budget of any contract, in milliseconds. Default: `budgetMs`. */
  leastBudgetMs?: number;
  /** Milliseconds the thread may stand still outside of a check. Default 30 000. */
  stallMs?: number;
  /** MiB of heap. Default 256. */
  heapMbMax?: number;
  clock?: Clock;
}

/** Keeps one contract thread alive, and sees to it that no record can end it twice. Lives in the parent thread. */
export class ContractThread {
  readonly #options: ContractThreadOptions;
  readonly #clock: Clock;
  readonly #condemned = new Map<number, RejectionReason>();
  readonly #respawns: { [reason in RespawnReason]: number } = { timeout: 0, crashed: 0, failed: 0, stalled: 0 };
  #workerData: object;
  #leastBudgetMs: number | undefined;
  #blamelessEnds: number[] = [];
  #worker: Worker | undefined;
  #watchdog: Watchdog | undefined;
  #stopped = false;

  constructor(options: ContractThreadOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#workerData = options.workerData;
    this.#leastBudgetMs = options.leastBudgetMs;
  }

  /** Spawns the first thread. Called once. */
  start(): void {
    this.#spawn();
  }

  /** How often a thread was replaced, by reason; since this object was made. */
  respawns(): { [reason in RespawnReason]: number } {
    return { ...this.#respawns };
  }

  /** Records up to `position` have their verdict on disk: what they were condemned for may be forgotten. */
  admittedThrough(position: number): void {
    for (const condemned of this.#condemned.keys()) if (condemned <= position) this.#condemned.delete(condemned);
  }

  /**
   * Replaces the thread with one that has other data: class modules are only loaded anew in a new
   * thread. Condemned records are checked again, because what they hung on may be mended.
   * @param leastBudgetMs as the option
   */
  async restart(workerData: object, leastBudgetMs = this.#leastBudgetMs): Promise<void> {
    this.#workerData = workerData;
    this.#leastBudgetMs = leastBudgetMs;
    this.#condemned.clear();
    await this.#end();
    // Of two restarts at once the first to get here spawns, with the data of the last.
    if (!this.#stopped && !this.#worker) this.#spawn();
  }

  /** Ends the thread at once: what it had not admitted is checked again after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#watchdog?.stop();
    await worker?.terminate();
  }

  #spawn(): void {
    const { entry, start, heapMbMax = HEAP_MB_MAX, budgetMs, stallMs } = this.#options;
    const progress = new Progress();
    const contractThread: ContractThreadData = { progress: progress.buffer, condemned: new Map(this.#condemned) };
    const worker = new Worker(entry, {
      name: 'contract',
      workerData: { ...this.#workerData, contractThread },
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax, maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    let ending: 'timeout' | 'stalled' | undefined;
    let stuckAt = 0;
    const terminate = (reason: 'timeout' | 'stalled', position: number): void => {
      ending = reason;
      stuckAt = position;
      // Its only outcome is the exit event.
      void worker.terminate();
    };
    const watchdog = new Watchdog({
      progress,
      clock: this.#clock,
      budgetMs,
      leastBudgetMs: this.#leastBudgetMs,
      stallMs,
      onStuck: (position) => terminate('timeout', position),
      onStalled: () => terminate('stalled', 0),
    });
    let thrown: unknown;
    worker.on('error', (error: unknown) => (thrown = error ?? new Error('null was thrown')));
    worker.on('exit', (code) => {
      watchdog.stop();
      if (this.#worker !== worker) return;
      const position = ending === undefined ? progress.position() : stuckAt;
      this.#ended(
        ending ?? (position === 0 ? 'failed' : 'crashed'),
        position,
        thrown ?? new Error(`exit code ${code}`),
      );
    });
    this.#worker = worker;
    this.#watchdog = watchdog;
    watchdog.start();
    start(worker);
  }

  #ended(reason: RespawnReason, position: number, thrown: unknown): void {
    if (reason === 'timeout' || reason === 'crashed') {
      // A publish is not checked again: whoever asked is told.
      if (position > 0) this.#condemned.set(position, reason);
    } else if (reason === 'failed' && !this.#mayFailAgain(thrown)) {
      this.#worker = undefined;
      this.#options.onFatal(thrown instanceof Error ? thrown : new Error(thrownText(thrown), { cause: thrown }));
      return;
    }
    this.#respawns[reason]++;
    this.#spawn();
    this.#options.onRespawn?.(reason, position, ending(reason, thrown));
  }

  #mayFailAgain(thrown: unknown): boolean {
    if ((thrown as { code?: unknown }).code === 'CONFIG_INVALID') return false;
    const now = this.#clock.monotonic();
    this.#blamelessEnds = this.#blamelessEnds.filter((at) => now - at < BLAMELESS_WINDOW_MS);
    this.#blamelessEnds.push(now);
    return this.#blamelessEnds.length <= BLAMELESS_ENDS_MAX;
  }
}

function ending(reason: RespawnReason, thrown: unknown): string {
  if (reason === 'timeout') return 'a check overran its budget';
  if (reason === 'stalled') return 'the thread stood still';
  return thrownText(thrown);
}
