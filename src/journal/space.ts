import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { JournalState } from '../domain/journal.js';
import { diskBytes, fileBytes, freeBytes, journalFiles, Reserve } from './files.js';

/**
 * More than the log may hold that is not in the database yet: on a full disk a checkpoint must still find room for it, or
 * nothing could be written ever again.
 */
const RESERVE_SHARE = 1 / 12;
const RESERVE_BYTES_MAX = 16 * 1024 * 1024;
const RESERVE_BYTES_MIN = 512 * 1024;
/** Settled records are dropped early from here on, as a share of the cap. */
export const PRESSURE_SHARE = 0.8;
/** From here on the operator is told that the cap is near, until it is below the second one again. */
const NEAR_SHARE = 0.9;
const FAR_SHARE = 0.85;
/** A journal that was full takes messages again below this share, so that it does not flutter. */
const RESUME_SHARE = 0.95;

/** What there is for the journal: a small volume may be less than the cap. */
export function roomFor(directory: string, maxBytes: number): number {
  return Math.min(maxBytes, diskBytes(directory));
}

export interface SpaceHooks {
  changed(state: JournalState, reason: string): void;
  /** The cap is near, or far again. */
  nearFull(near: boolean, bytes: number): void;
}

/**
 * Watches the two ways to run out of room: the operator's cap and the disk itself. Its state is what
 * the journal says to everyone: `open`, or `full` with the reason.
 */
export class Space {
  readonly #pages: StatementSync;
  readonly #freePages: StatementSync;
  readonly #pageBytes: number;
  readonly #reserve: Reserve;
  readonly #log: string;
  #reason = '';
  #near = false;

  constructor(
    db: DatabaseSync,
    private readonly directory: string,
    private readonly maxBytes: number,
    private readonly hooks: SpaceHooks,
  ) {
    this.#pages = db.prepare('PRAGMA page_count');
    this.#freePages = db.prepare('PRAGMA freelist_count');
    this.#pageBytes = (db.prepare('PRAGMA page_size').get() as { page_size: number }).page_size;
    this.#log = `${journalFiles(directory).database}-wal`;
    const share = Math.round(roomFor(directory, maxBytes) * RESERVE_SHARE);
    this.#reserve = new Reserve(directory, Math.min(RESERVE_BYTES_MAX, Math.max(RESERVE_BYTES_MIN, share)));
    if (!this.#reserve.take()) this.fillDisk();
  }

  get state(): JournalState {
    return this.#reason === '' ? 'open' : 'full';
  }

  get reason(): string {
    return this.#reason;
  }

  /** Live pages and the log. */
  bytes(): number {
    const { page_count: pages } = this.#pages.get() as { page_count: number };
    const { freelist_count: free } = this.#freePages.get() as { freelist_count: number };
    return (pages - free) * this.#pageBytes + this.logBytes();
  }

  logBytes(): number {
    return fileBytes(this.#log);
  }

  pressed(): boolean {
    return this.state === 'full' || this.bytes() >= PRESSURE_SHARE * this.maxBytes;
  }

  /** To be called after each transaction: closes when the cap is reached. */
  check(): void {
    const bytes = this.bytes();
    if (bytes >= (this.#near ? FAR_SHARE : NEAR_SHARE) * this.maxBytes !== this.#near) {
      this.#near = !this.#near;
      this.hooks.nearFull(this.#near, bytes);
    }
    if (this.state === 'open' && bytes >= this.maxBytes)
      this.#become(`journal.maxSize of ${this.maxBytes} bytes is reached`);
  }

  /** The disk has no room: lets go of the reserve. Returns whether that made room. */
  fillDisk(): boolean {
    const before = freeBytes(this.directory);
    this.#reserve.release();
    this.#become('the disk is full');
    return freeBytes(this.directory) > before;
  }

  /** Opens again when there is room under the cap and on the disk. */
  tryResume(): void {
    if (this.state === 'open') return;
    if (this.bytes() < RESUME_SHARE * this.maxBytes && this.#reserve.take()) this.#become('');
  }

  #become(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.hooks.changed(this.state, reason);
  }
}
