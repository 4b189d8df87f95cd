import { Worker } from 'node:worker_threads';
import { systemClock } from '../domain/clock.js';
import type { Clock } from '../domain/clock.js';
import type { ContractThreadHealth } from '../domain/contract.js';
import type { RejectionReason } from '../domain/record.js';
import { endWorker, watchWorker } from '../domain/worker-end.js';
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
/** A thread that lived for less is one that keeps ending. */
const LIFE_MS_MIN = 10_000;
/** So often in a row one may end without a record to blame and be replaced at once. */
const BLAMELESS_ENDS_MAX = 5;
/** The wait before one more; doubled each time. */
const WAIT_MS = { first: 1_000, max: 30_000 };
/** A thread that was told to end and has not is in a native call, which nothing interrupts: another takes its place. */
const END_MS_MAX = 5_000;
/** So many may there be of these; each keeps its memory. */
export const LOST_MAX = 3;

const LOST = '; it does not end, because it is in a call that nothing interrupts, and is left behind';

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
  /** Called when that thread has ended, or is lost. */
  gone?: (worker: Worker) => void;
  /**
   * Its contracts do not compile (CONFIG_INVALID), or it keeps ending with no record to blame, and that before
   * {@link ContractThread.lasts} was called. Nothing is spawned any more.
   */
  onFatal: (error: Error) => void;
  /**
   * A thread ended, and the next one was spawned or is waited for. `position` is 0 when no record was to blame, and below
   * 0 when it was a publish, of this number.
   */
  onRespawn?: (reason: RespawnReason, position: number, detail: string) => void;
  /** Whether checks go on, and what of the thread is to be told. */
  onHealth?: (health: ContractThreadHealth) => void;
  /** Milliseconds one record's check may take whose contract has no budget of its own. Default 1 000. */
  budgetMs?: number;
  /** The least budget of any contract, in milliseconds. Default: `budgetMs`. */
  leastBudgetMs?: number;
  /** Milliseconds the thread may stand still outside of a check. Default 30 000. */
  stallMs?: number;
  /** MiB of heap. Default 256. */
  heapMbMax?: number;
  /** Milliseconds a thread has to end before it is lost. Default 5 000. */
  endMs?: number;
  /** The first wait before a thread that keeps ending is replaced, in milliseconds. Default 1 000. */
  waitMs?: number;
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
  #blamelessEnds = 0;
  /** It may be waited for for ever. */
  #lasting = false;
  readonly #lost = new Set<Worker>();
  #waiting: NodeJS.Timeout | undefined;
  #giveUp: ((why: Error) => void) | undefined;
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

  /** Its contracts have been in force: from now on nothing is fatal, and one that keeps ending is waited for. */
  lasts(): void {
    this.#lasting = true;
  }

  /** The thread there is cannot do its work: it is replaced like one that ended by itself. */
  giveUp(why: Error): void {
    this.#giveUp?.(why);
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
    this.#blamelessEnds = 0;
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
    clearTimeout(this.#waiting);
    this.#watchdog?.stop();
    if (!worker) return;
    if (!(await endWorker(worker, this.#endMs))) this.#lose(worker);
    this.#options.gone?.(worker);
  }

  get #endMs(): number {
    return this.#options.endMs ?? END_MS_MAX;
  }

  #spawn(): void {
    clearTimeout(this.#waiting);
    if (this.#stopped || this.#worker) return;
    if (this.#lost.size > LOST_MAX) return this.#tell();
    const { entry, start, heapMbMax = HEAP_MB_MAX, budgetMs, stallMs } = this.#options;
    const progress = new Progress();
    const contractThread: ContractThreadData = { progress: progress.buffer, condemned: new Map(this.#condemned) };
    const worker = new Worker(entry, {
      name: 'contract',
      workerData: { ...this.#workerData, contractThread },
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax, maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    watchWorker(worker);
    const bornAt = this.#clock.monotonic();
    let told: RespawnReason | undefined;
    let stuckAt = 0;
    let thrown: unknown;
    const ended = (reason: RespawnReason, position: number, why: unknown, lost = ''): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#options.gone?.(worker);
      if (this.#clock.monotonic() - bornAt >= LIFE_MS_MIN) this.#blamelessEnds = 0;
      this.#ended(reason, position, why, lost);
    };
    const terminate = (reason: RespawnReason, position: number): void => {
      told = reason;
      stuckAt = position;
      void endWorker(worker, this.#endMs).then((hasEnded) => {
        if (hasEnded || this.#worker !== worker) return;
        this.#lose(worker);
        ended(reason, position, thrown, LOST);
      });
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
    worker.on('error', (error: unknown) => (thrown = error ?? new Error('null was thrown')));
    worker.on('exit', (code) => {
      watchdog.stop();
      if (this.#lost.delete(worker)) this.#found();
      const position = told === undefined ? progress.position() : stuckAt;
      const reason = told ?? (position === 0 ? 'failed' : 'crashed');
      ended(reason, position, thrown ?? new Error(`exit code ${code}`));
    });
    this.#giveUp = (why) => {
      watchdog.stop();
      thrown = why;
      terminate('failed', 0);
    };
    this.#worker = worker;
    this.#watchdog = watchdog;
    watchdog.start();
    start(worker);
    this.#tell();
  }

  #ended(reason: RespawnReason, position: number, thrown: unknown, lost: string): void {
    if (reason === 'timeout' || reason === 'crashed') {
      // A publish is not checked again: whoever asked is told.
      if (position > 0) this.#condemned.set(position, reason);
    }
    const waitMs = reason === 'failed' ? this.#waitAfter(thrown) : 0;
    if (waitMs === undefined) {
      this.#options.onFatal(thrown instanceof Error ? thrown : new Error(thrownText(thrown), { cause: thrown }));
      return;
    }
    this.#respawns[reason]++;
    if (waitMs === 0) this.#spawn();
    else {
      this.#waiting = setTimeout(() => this.#spawn(), waitMs);
      this.#tell(waitMs);
    }
    this.#options.onRespawn?.(reason, position, ending(reason, thrown) + lost);
  }

  /** One ended with no record to blame. @returns the milliseconds until the next; undefined: that is fatal */
  #waitAfter(thrown: unknown): number | undefined {
    const more = ++this.#blamelessEnds - BLAMELESS_ENDS_MAX;
    const invalid = (thrown as { code?: unknown }).code === 'CONFIG_INVALID';
    if (!this.#lasting) return invalid || more > 0 ? undefined : 0;
    const { waitMs = WAIT_MS.first } = this.#options;
    return more <= 0 && !invalid ? 0 : Math.min(waitMs * 2 ** Math.max(0, more - 1), WAIT_MS.max);
  }

  /** It keeps its memory, and its name in what is told. */
  #lose(worker: Worker): void {
    this.#lost.add(worker);
    this.#tell();
  }

  /** A lost one has ended after all. */
  #found(): void {
    if (!this.#worker && this.#lost.size === LOST_MAX) this.#spawn();
    this.#tell();
  }

  /** @param waitMs until the next thread */
  #tell(waitMs = 0): void {
    const lost = this.#lost.size;
    this.#options.onHealth?.({ lost, held: lost > LOST_MAX, waitMs });
  }
}

function ending(reason: RespawnReason, thrown: unknown): string {
  if (reason === 'timeout') return 'a check overran its budget';
  if (reason === 'stalled') return 'the thread stood still';
  return thrownText(thrown);
}
