import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../domain/errors.js';
import { isDiskFull, isIoError } from './files.js';

/** Bounds one transaction, so that one commit does not keep its callers waiting for long. */
export const TRANSACTION_WEIGHT_MAX = 4_096;

/** An fsync costs those that come next as long as it takes: one for results alone would double what publishing costs. */
export const LAZY_MS = 10;

export interface RunOptions {
  vital?: boolean;
  lazy?: boolean;
}

interface Operation {
  run(): unknown;
  /** About how many rows it writes; a kibibyte counts as one. */
  weight: number;
  vital: boolean;
  /** It may wait a little for a transaction that somebody else needs. */
  lazy: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface CommitHooks {
  /** A transaction of this weight comes next. It may set `held`. Returns false when it finds no room, whatever is in it. */
  planned(weight: number): boolean;
  /** Runs first inside every transaction: small things that only need to be saved now and then. */
  begun(): void;
  /** A transaction is on disk. `seconds` is how long it took. */
  committed(seconds: number): void;
  /** A transaction was undone: what was remembered of it is void. */
  rolledBack(): void;
  /** The disk has no room. Returns true when room was made, so that trying again may help. */
  noRoom(error: unknown): boolean;
  /** The disk failed; nothing may be trusted any more. */
  fatal(error: unknown): void;
}

/**
 * Runs operations in transactions that size themselves: whatever is asked while a commit runs joins the
 * next one. One fsync then serves hundreds of callers, where one each would allow some 1 600 a second.
 */
export class GroupCommit {
  #queue: Operation[] = [];
  #scheduled = false;
  #late: NodeJS.Timeout | undefined;
  #stopped = false;
  /** While true vital operations wait; everything else goes on. */
  held = false;

  constructor(
    private readonly db: DatabaseSync,
    private readonly hooks: CommitHooks,
    /** Of one transaction, but for one larger operation. */
    private readonly weightMax = TRANSACTION_WEIGHT_MAX,
  ) {}

  /**
   * Resolves with what `operation` returned once its transaction is on disk.
   * @param lazy nobody waits for it: it joins the next transaction, and has one of its own only after {@link LAZY_MS}
   * @param vital never refused, and never out of turn with other vital ones: without room it waits, and what
   * fails it otherwise is fatal. An acknowledgement waits for it, and would wait for ever.
   */
  run<T>(operation: () => T, weight = 1, { vital = false, lazy = false }: RunOptions = {}): Promise<T> {
    if (this.#stopped) return Promise.reject(new HoldfastError('SHUTTING_DOWN', 'the journal is closed'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: operation, weight, vital, lazy, resolve: resolve, reject });
      if (!lazy) this.schedule();
      else this.#late ??= setTimeout(() => this.#flush(), LAZY_MS);
    });
  }

  /** Weight of the vital operation that is next, 0 when there is none. */
  get nextWeight(): number {
    return this.#queue.find(({ vital }) => vital)?.weight ?? 0;
  }

  schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Commits what can be committed now, then refuses everything else. */
  stop(): void {
    while (this.#flush());
    this.#stopped = true;
    for (const operation of this.#queue) operation.reject(new HoldfastError('SHUTTING_DOWN', 'the journal is closed'));
    this.#queue = [];
  }

  /** Forgets everything that was asked; nobody is answered. */
  abandon(): void {
    clearTimeout(this.#late);
    this.#stopped = true;
    this.#queue = [];
  }

  /** Whether more is left that could be committed. */
  #flush(): boolean {
    clearTimeout(this.#late);
    this.#late = undefined;
    if (this.#stopped) return false;
    const batch = this.#take();
    if (batch.length > 0) this.#execute(batch);
    // Also when nothing ran: all of it may wait for room now, and what comes behind it needs none.
    const more = this.#queue.some((operation) => !operation.vital || !this.held);
    if (more) this.schedule();
    return more;
  }

  #execute(batch: Operation[]): void {
    const before = performance.now();
    try {
      this.#settle(batch, this.#commit(batch), before);
    } catch (error) {
      this.#recover(batch, error);
    }
  }

  #take(): Operation[] {
    const batch: Operation[] = [];
    const left: Operation[] = [];
    let weight = 0;
    for (const operation of this.#queue) {
      const wait = (operation.vital && this.held) || weight >= this.weightMax;
      if (wait) {
        left.push(operation);
      } else {
        batch.push(operation);
        weight += operation.weight;
      }
    }
    const held = this.held;
    const room = batch.length === 0 || this.hooks.planned(weight);
    const waits = ({ vital }: Operation): boolean => vital && this.held && !held;
    this.#queue = [...batch.filter(waits), ...left];
    const going = batch.filter((operation) => !waits(operation));
    if (room) return going;
    for (const operation of going) operation.reject(journalFull(undefined));
    return [];
  }

  #commit(batch: Operation[]): unknown[] {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      this.hooks.begun();
      const results = batch.map((operation) => operation.run());
      this.db.exec('COMMIT');
      return results;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      this.hooks.rolledBack();
      throw error;
    }
  }

  #settle(batch: Operation[], results: unknown[], before: number): void {
    this.hooks.committed((performance.now() - before) / 1000);
    for (const [i, operation] of batch.entries()) operation.resolve(results[i]);
  }

  #recover(batch: Operation[], error: unknown): void {
    if (isDiskFull(error)) {
      const room = this.hooks.noRoom(error);
      const again = batch.filter((operation) => operation.vital || room);
      for (const operation of batch) if (!again.includes(operation)) operation.reject(journalFull(error));
      this.#queue = [...again, ...this.#queue];
      return;
    }
    // After one failed fsync a later commit can seem to succeed although its pages are gone.
    if (isIoError(error) || (batch.length === 1 && batch[0]!.vital)) {
      this.#stopped = true;
      this.hooks.fatal(error);
      return;
    }
    if (batch.length === 1) batch[0]!.reject(error);
    else this.#commitEach(batch);
  }

  /** One of them is at fault: alone, it fails alone. */
  #commitEach(batch: Operation[]): void {
    for (const [i, operation] of batch.entries()) {
      const before = performance.now();
      try {
        this.#settle([operation], this.#commit([operation]), before);
      } catch (fault) {
        this.#recover([operation], fault);
        if (this.#stopped) return;
        if (!isDiskFull(fault)) continue;
        // The rest comes after this one, or later messages would overtake earlier ones.
        const [first, ...others] = this.#queue;
        const rest = batch.slice(i + 1);
        this.#queue = first === operation ? [operation, ...rest, ...others] : [...rest, ...this.#queue];
        return;
      }
    }
  }
}

export function journalFull(cause: unknown): HoldfastError {
  return new HoldfastError('JOURNAL_FULL', 'the journal has no room', { cause });
}
