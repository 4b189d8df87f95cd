/** The journal's files: one database, one lock beside it, one reserve for a full disk. */
import {
  chmodSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  closeSync,
  rmSync,
  statSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../domain/errors.js';
import { migrate } from './schema.js';

const OWNER_ONLY = 0o600; // payloads may be secret
const WRITER_CACHE_KIB = 8_192;
/** An operator's tool may hold the write lock for a moment; a commit that fails for it would be fatal. */
export const WRITER_BUSY_MS = 10_000;

export interface JournalFiles {
  database: string;
  lock: string;
  reserve: string;
}

export function journalFiles(directory: string): JournalFiles {
  return {
    database: join(directory, 'journal.db'),
    lock: join(directory, 'lock.db'),
    reserve: join(directory, 'reserve.bin'),
  };
}

/**
 * Holds the directory for this process. A lock on a file of its own, because an exclusive lock on the
 * journal would shut out its readers. The kernel lets go of it when the process ends, however it ends.
 */
export function takeLock(directory: string): DatabaseSync {
  const file = journalFiles(directory).lock;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', OWNER_ONLY)); // SQLite gives the files it makes beside it the same mode
  } catch (error) {
    throw new HoldfastError('JOURNAL_UNUSABLE', `cannot use ${directory}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    withReserve(directory, () => lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE'));
  } catch (error) {
    lock.close();
    if ((sqliteCode(error) & 0xff) === SQLITE_BUSY) {
      throw new HoldfastError('JOURNAL_LOCKED', `another process owns the data directory ${directory}`, {
        cause: error,
      });
    }
    throw unopened(file, error);
  }
  return lock;
}

/** On a full disk even opening takes some pages: then the reserve is let go of, and it is tried once more. */
function withReserve<T>(directory: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    rmSync(journalFiles(directory).reserve, { force: true });
    return open();
  }
}

function unopened(file: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = isDamage(error) ? 'JOURNAL_DAMAGED' : isDiskFull(error) ? 'JOURNAL_UNUSABLE' : 'JOURNAL_IO';
  return new HoldfastError(code, `cannot open ${file}: ${String((error as Error).message)}`, { cause: error });
}

/** Opens the writer's connection, proves that it is durable, and brings the schema up to date. */
export function openWriter(directory: string): DatabaseSync {
  const file = journalFiles(directory).database;
  const fresh = !existsSync(file);
  if (fresh) closeSync(openSync(file, 'a', OWNER_ONLY));
  try {
    return withReserve(directory, () => openDatabase(file, fresh));
  } catch (error) {
    throw unopened(file, error);
  }
}

function openDatabase(file: string, fresh: boolean): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: WRITER_BUSY_MS });
  try {
    // Before the first table: it cannot be switched on later without rewriting the file.
    if (fresh) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
             PRAGMA cache_size = -${WRITER_CACHE_KIB}; PRAGMA foreign_keys = OFF`);
    proveDurable(db);
    migrate(db);
    db.prepare("INSERT INTO meta VALUES ('journal_id', ?) ON CONFLICT DO NOTHING").run(randomUUID());
    for (const suffix of ['', '-wal', '-shm']) chmodSync(file + suffix, OWNER_ONLY);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** With NORMAL a power cut loses acknowledged records, so the setting is read back and not believed. */
function proveDurable(db: DatabaseSync): void {
  const { journal_mode: mode } = db.prepare('PRAGMA journal_mode').get() as { journal_mode: string };
  const { synchronous } = db.prepare('PRAGMA synchronous').get() as { synchronous: number };
  if (mode !== 'wal' || synchronous < 2) {
    throw new HoldfastError('JOURNAL_NOT_DURABLE', `journal_mode is ${mode}, synchronous is ${synchronous}`);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** Growing the shared-memory index fails this way on a full disk. */
const SQLITE_IOERR_SHMSIZE = SQLITE_IOERR | (19 << 8);

function isDamage(error: unknown): boolean {
  const code = sqliteCode(error) & 0xff;
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

export function isDiskFull(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_FULL || code === SQLITE_IOERR_SHMSIZE;
}

export function isIoError(error: unknown): boolean {
  return (sqliteCode(error) & 0xff) === SQLITE_IOERR;
}

/** SQLite's extended result code, 0 when the error is not SQLite's. */
export function sqliteCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code : 0;
}

/** Bytes an unprivileged process may still write on the file system of `directory`. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Tells whether the journal is still where it was opened, and not deleted or replaced under the process. */
export class Whereabouts {
  readonly #file: string;
  readonly #inode: number;

  constructor(directory: string) {
    this.#file = journalFiles(directory).database;
    this.#inode = statSync(this.#file).ino;
  }

  get unchanged(): boolean {
    return statSync(this.#file, { throwIfNoEntry: false })?.ino === this.#inode;
  }
}

/** Size of the file system of `directory`, in bytes. */
export function diskBytes(directory: string): number {
  const { blocks, bsize } = statfsSync(directory);
  return blocks * bsize;
}

export function fileBytes(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Space set aside on the disk. On a full disk DELETE, UPDATE and checkpoint fail too; letting go of
 * this file gives them room, so that what is settled can be cleared and the journal mends itself.
 */
export class Reserve {
  readonly bytes: number;
  readonly #file: string;
  readonly #directory: string;

  constructor(directory: string, bytes: number) {
    this.#directory = directory;
    this.#file = journalFiles(directory).reserve;
    this.bytes = bytes;
  }

  /** Whether the space is set aside now. Tries to do so when it is not, and as many bytes as `wanted` are free. */
  take(wanted: number): boolean {
    if (fileBytes(this.#file) === this.bytes) return true;
    if (freeBytes(this.#directory) < wanted) return false;
    const descriptor = openSync(this.#file, 'w', OWNER_ONLY);
    try {
      const block = Buffer.alloc(64 * 1024);
      for (let written = 0; written < this.bytes;) {
        written += writeSync(descriptor, block, 0, Math.min(block.length, this.bytes - written));
      }
      fsyncSync(descriptor);
      return true;
    } catch {
      this.release(); // no room for it after all: the caller tries again later
      return false;
    } finally {
      closeSync(descriptor);
    }
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}
