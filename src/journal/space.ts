import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { JournalState } from '../domain/journal.js';
import { diskBytes, fileBytes, freeBytes, journalFiles, Reserve } from './files.js';

const RESERVE_SHARE = 1 / 16;
const RESERVE_BYTES_MAX = 16 * 1024 * 1024;
const RESERVE_BYTES_MIN = 512 * 1024;
/** Messages are taken again with as many reserves free: one is set aside, and with two left it could close at once. */
const RESUME_RESERVES = 4;
/** Settled records are dropped early from here on, as a share of the cap. */
export const PRESSURE_SHARE = 0.8;
/** From here on the operator is told that the cap is near, until it is below the second one again. */
const NEAR_SHARE = 0.9;
const FAR_SHARE = 0.85;
/** A journal that was full takes messages again below this share, so that it does not flutter. */
const RESUME_SHARE = 0.95;

/** Size of the reserve, in bytes: a share of what there is for the journal. A small volume may be less than the cap. */
export function reserveBytes(directory: string, maxBytes: number): number {
  const share = Math.round(Math.min(maxBytes, diskBytes(directory)) * RESERVE_SHARE);
  return Math.min(RESERVE_BYTES_MAX, Math.max(RESERVE_BYTES_MIN, share));
}

/**
 * What is written at once must fit into the reserve several times over: on a full disk nothing else could ever be written
 * again, not even what makes room. @returns 1 for a reserve of full size, less for a smaller one
 */
export function scaleOf(reserve: number): number {
  return reserve / RESERVE_BYTES_MAX;
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
  readonly #database: string;
  readonly #log: string;
  #reason = '';
  #near = false;

  constructor(
    db: DatabaseSync,
    private readonly directory: string,
    private readonly maxBytes: number,
    reserve: number,
    private readonly hooks: SpaceHooks,
  ) {
    this.#pages = db.prepare('PRAGMA page_count');
    this.#freePages = db.prepare('PRAGMA freelist_count');
    this.#pageBytes = (db.prepare('PRAGMA page_size').get() as { page_size: number }).page_size;
    this.#database = journalFiles(directory).database;
    this.#log = `${this.#database}-wal`;
    this.#reserve = new Reserve(directory, reserve);
    if (!this.#reserve.take(RESUME_RESERVES * reserve)) this.fillDisk();
  }

  get state(): JournalState {
    return this.#reason === '' ? 'open' : 'full';
  }

  get reason(): string {
    return this.#reason;
  }

  /** Live pages and the log. */
  bytes(): number {
    const { freelist_count: free } = this.#freePages.get() as { freelist_count: number };
    return this.#databaseBytes() - free * this.#pageBytes + this.logBytes();
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

  /**
   * To be called before each transaction: closes when it could leave less of the disk than the reserve. With nothing left
   * the log would be full of what a checkpoint then finds no room for in the database.
   */
  plan(bytes: number): void {
    if (this.state === 'open' && freeBytes(this.directory) < this.#needed(1, bytes)) this.fillDisk();
  }

  /**
   * Whether what is left of the disk is only just enough for what the log still has to bring into the database, so that a
   * transaction of so many bytes must wait. It comes to that while a reader keeps a full disk's log from being
   * checkpointed: spent on the log, it would be missing for ever.
   */
  isSpent(bytes: number): boolean {
    const owed = this.state === 'open' ? 0 : this.#owed();
    if (owed === 0) return false;
    const free = freeBytes(this.directory);
    // With less than that, somebody else has it: nothing is left to keep.
    return free >= owed && free < owed + bytes + this.#reserve.bytes / 2;
  }

  /** The disk has no room: lets go of the reserve. Returns whether that made room. */
  fillDisk(): boolean {
    const before = freeBytes(this.directory);
    this.#reserve.release();
    this.#become('the disk is full');
    return freeBytes(this.directory) > before;
  }

  /** Opens again when there is room under the cap, and on the disk for a next transaction of so many bytes. */
  tryResume(bytes: number): void {
    if (this.state === 'open' || this.bytes() >= RESUME_SHARE * this.maxBytes) return;
    const needed = this.#needed(RESUME_RESERVES, bytes);
    if (this.#reserve.take(needed)) this.#become('');
    else if (freeBytes(this.directory) >= this.#needed(RESUME_RESERVES, 0))
      this.#become(`the messages that come next need ${needed} free bytes on the disk`);
  }

  /** Each byte is written to the log and to the database. At worst, which is when they are small, they fill half of a page. */
  #needed(reserves: number, bytes: number): number {
    return this.#owed() + reserves * this.#reserve.bytes + 2 * bytes + Math.min(2 * bytes, this.#reserve.bytes);
  }

  /** By so much the next checkpoint lets the database grow. */
  #owed(): number {
    return Math.max(0, this.#databaseBytes() - fileBytes(this.#database));
  }

  /** As the log has it. */
  #databaseBytes(): number {
    return (this.#pages.get() as { page_count: number }).page_count * this.#pageBytes;
  }

  #become(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.hooks.changed(this.state, reason);
  }
}
