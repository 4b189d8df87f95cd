import type { Clock } from '../domain/clock.js';
import { CONTRACT_LIMITS } from '../domain/contract.js';
import type { Progress } from './progress.js';

/** How long one record's check may take, where its contract says nothing of it. */
export const BUDGET_MS = CONTRACT_LIMITS.budgetMs;
/** How long the thread's event loop may stand still while no record is being checked. */
export const STALL_MS = 30_000;

export interface WatchdogOptions {
  progress: Progress;
  clock: Clock;
  /** Milliseconds one record may take whose contract has no budget of its own. Default 1 000. */
  budgetMs?: number;
  /** The least budget there is, in milliseconds; polled four times as often. Default: `budgetMs`. */
  leastBudgetMs?: number;
  /** Milliseconds without a turn of the event loop outside of a check: a module that spins while it loads. Default 30 000. */
  stallMs?: number;
  /** The record at `position` is over its budget. Called once; the watchdog stops before. */
  onStuck: (position: number) => void;
  /** The thread stands still, and no record is to blame. Called once; the watchdog stops before. */
  onStalled: () => void;
}

/**
 * Runs in the parent thread and counts only time it has seen itself: each poll adds at most two poll
 * intervals. So a parent that stalls, or a machine that sleeps, condemns no innocent record.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #budgetMs: number;
  readonly #stallMs: number;
  readonly #pollMs: number;
  #timer: NodeJS.Timeout | undefined;
  #polledAt: number;
  #position = 0;
  #checkingMs = 0;
  #beats = 0;
  #silentMs = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#budgetMs = options.budgetMs ?? BUDGET_MS;
    this.#stallMs = options.stallMs ?? STALL_MS;
    this.#pollMs = Math.min(options.leastBudgetMs ?? Infinity, this.#budgetMs) / 4;
    this.#polledAt = options.clock.monotonic();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.poll(), this.#pollMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One look. Called by the timer; tests call it themselves. */
  poll(): void {
    const { progress, clock, onStuck, onStalled } = this.#options;
    const now = clock.monotonic();
    const seenMs = Math.min(now - this.#polledAt, 2 * this.#pollMs);
    this.#polledAt = now;

    const position = progress.position();
    this.#checkingMs = position !== 0 && position === this.#position ? this.#checkingMs + seenMs : 0;
    this.#position = position;

    const beats = progress.beats();
    const silent = position === 0 && beats !== 0 && beats === this.#beats;
    this.#silentMs = silent ? this.#silentMs + seenMs : 0;
    this.#beats = beats;

    // A budget of the next record would be taken for this one's, had that begun meanwhile.
    const budgetMs = progress.budgetMs() || this.#budgetMs;
    if (this.#checkingMs > budgetMs && progress.position() === position) {
      this.stop();
      onStuck(position);
    } else if (this.#silentMs > this.#stallMs) {
      this.stop();
      onStalled();
    }
  }
}
