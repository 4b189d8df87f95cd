import { failpoint } from '../domain/failpoint.js';
import type { Journal } from '../domain/journal.js';
import type { Settlement } from '../domain/subscriber.js';
import { Ledger } from './ledger.js';

const BATCH_RECORDS = 512;
const BATCH_WAIT_MS = 20;
const AGAIN_AFTER_MS = 1_000;
/** A cursor that only passed records of others is worth a write this often. */
const LAZY_CURSOR_MS = 1_000;
/** With this much unsaved nothing more is sent, because all of it would be sent again after a crash. */
export const UNSAVED_RECORDS_MAX = 10_000;

export interface SettlerHooks {
  /** There is room again after there was none. */
  roomAgain(): void;
  saveFailed(error: unknown): void;
}

/** Gathers what all subscribers settled and saves it together, one save at a time. Nothing is lost when a save fails. */
export class Settler {
  readonly #ledgers = new Set<Ledger>();
  #dirty = new Set<Ledger>();
  #unsaved = 0;
  #unsavedOfSave = 0;
  #saving: Promise<void> | undefined;
  #flushed: (() => void) | undefined;
  /** Who waits for the save after the one under way, and for the one under way. */
  #waiters: (() => void)[] = [];
  #waitersOfSave: (() => void)[] = [];
  /** Told after each save. */
  #awaiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #batchFull = false;
  #lazyTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  #failing = false;

  constructor(
    private readonly journal: Pick<Journal, 'settle'>,
    private readonly hooks: SettlerHooks,
  ) {}

  open(subscriber: string, cursorNow: () => number): Ledger {
    const ledger = new Ledger(subscriber, cursorNow, this.#changed);
    this.#ledgers.add(ledger);
    return ledger;
  }

  /** Resolves when all that this ledger was told is on disk, or it is closed, or when stopped. It may be told nothing meanwhile. */
  async saved(ledger: Ledger): Promise<void> {
    while (!ledger.isSaved && !this.#stopped && this.#ledgers.has(ledger))
      await new Promise<void>((resolve) => this.#awaiting.push(resolve));
  }

  /** Resolves when no save of this ledger is under way, or when stopped. */
  async notSaving(ledger: Ledger): Promise<void> {
    while (ledger.isBeingSaved && !this.#stopped) await new Promise<void>((resolve) => this.#awaiting.push(resolve));
  }

  /** Saves nothing more of a ledger, but for what a save under way has of it: what is not {@link saved} is forgotten. */
  close(ledger: Ledger): void {
    if (!this.#ledgers.delete(ledger)) return;
    this.#dirty.delete(ledger);
    this.#noLongerUnsaved(ledger.unsaved);
    this.#tell();
  }

  /** The last save failed. */
  get isFailing(): boolean {
    return this.#failing;
  }

  get hasRoom(): boolean {
    return this.#unsaved < UNSAVED_RECORDS_MAX;
  }

  /** Cursors moved although nothing was sent: to be saved some time soon. */
  cursorsMoved(): void {
    if (this.#lazyTimer || this.#stopped) return;
    this.#lazyTimer = setTimeout(() => {
      this.#lazyTimer = undefined;
      this.#markMoved();
      if (this.#dirty.size > 0 && !this.#saving && !this.#timer) this.#saveAfter(0);
    }, LAZY_CURSOR_MS);
  }

  /** Saves all there is; resolves when it is on disk, or when stopped. */
  async flush(): Promise<void> {
    this.#markMoved();
    if (this.#stopped || (this.#dirty.size === 0 && !this.#saving)) return;
    const flushed = new Promise<void>((resolve) => (this.#flushed = resolve));
    if (!this.#saving) this.#save();
    await flushed;
  }

  /** Resolves when everything that is settled now is on disk, or when stopped; what comes meanwhile is not waited for. */
  async savedSoFar(): Promise<void> {
    this.#markMoved();
    if (this.#stopped || (this.#dirty.size === 0 && !this.#saving)) return;
    const waiters = this.#dirty.size > 0 ? this.#waiters : this.#waitersOfSave;
    const saved = new Promise<void>((resolve) => waiters.push(resolve));
    if (!this.#saving) this.#save();
    await saved;
  }

  /** Saves nothing more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#lazyTimer);
    this.#flushed?.();
    for (const resolve of [...this.#waiters, ...this.#waitersOfSave]) resolve();
    this.#tell();
  }

  #tell(): void {
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    for (const tell of awaiting) tell();
  }

  #markMoved(): void {
    for (const ledger of this.#ledgers) if (ledger.cursorMoved) this.#dirty.add(ledger);
  }

  readonly #changed = (ledger: Ledger): void => {
    if (!this.#ledgers.has(ledger)) return;
    this.#dirty.add(ledger);
    this.#unsaved++;
    if (this.#saving || this.#stopped) return;
    const full = this.#unsaved >= BATCH_RECORDS;
    if (this.#timer && (this.#batchFull || !full)) return;
    this.#batchFull = full;
    this.#saveAfter(full ? 0 : BATCH_WAIT_MS);
  };

  #saveAfter(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#save();
    }, delayMs);
  }

  /** Starts a save of everything; there is none under way. */
  #save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#batchFull = false;
    const ledgers = this.#dirty;
    if (ledgers.size === 0 || this.#stopped) return;
    this.#dirty = new Set();
    this.#waitersOfSave = this.#waiters;
    this.#waiters = [];
    this.#unsavedOfSave = 0;
    const settlements: Settlement[] = [];
    for (const ledger of ledgers) {
      const { settlement, records } = ledger.take();
      settlements.push(settlement);
      this.#unsavedOfSave += records;
    }
    this.#saving = this.#settle(settlements, ledgers);
  }

  async #settle(settlements: Settlement[], ledgers: Set<Ledger>): Promise<void> {
    let failed = false;
    try {
      await this.journal.settle(settlements);
    } catch (error) {
      failed = true;
      this.hooks.saveFailed(error);
    }
    this.#saving = undefined;
    this.#failing = failed;
    if (failed) this.#restore(ledgers);
    else this.#saved(ledgers);
    this.#tell();
    if (this.#dirty.size === 0) this.#flushed?.();
    else if (!this.#stopped)
      this.#saveAfter(failed ? AGAIN_AFTER_MS : this.#unsaved < BATCH_RECORDS ? BATCH_WAIT_MS : 0);
  }

  #restore(ledgers: Set<Ledger>): void {
    for (const ledger of ledgers) {
      const before = ledger.unsaved;
      ledger.restore();
      if (this.#ledgers.has(ledger)) this.#dirty.add(ledger);
      else this.#noLongerUnsaved(ledger.unsaved - before);
    }
    this.#waiters.push(...this.#waitersOfSave.splice(0));
    this.#batchFull = true; // More to save does not hurry the next try.
  }

  #saved(ledgers: Set<Ledger>): void {
    failpoint('settled', Math.max(1, this.#unsavedOfSave));
    for (const ledger of ledgers) ledger.saved();
    for (const resolve of this.#waitersOfSave.splice(0)) resolve();
    this.#noLongerUnsaved(this.#unsavedOfSave);
  }

  #noLongerUnsaved(records: number): void {
    const full = !this.hasRoom;
    this.#unsaved -= records;
    if (full && this.hasRoom) this.hooks.roomAgain();
  }
}
