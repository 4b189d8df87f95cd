import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { systemClock } from '../domain/clock.js';
import type { JournalEvents } from '../domain/journal.js';
import type { JournalSettings } from '../domain/settings.js';
import { SqliteJournal } from './journal.sqlite.js';
import type { OpenJournal } from './journal.suite.js';
import { SqliteJournalReader } from './reader.sqlite.js';

const directories: string[] = [];
after(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

/** A directory that is gone when the tests have ended. */
export function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'holdfast-journal-'));
  directories.push(made);
  return made;
}

export interface OpenSqlite extends OpenJournal {
  journal: SqliteJournal;
  damaged: number[];
}

export function open(place: string, settings: Partial<JournalSettings> = {}): Promise<OpenSqlite> {
  return new Promise((resolve) => {
    const events: { event: keyof JournalEvents; value: unknown }[] = [];
    const journal = new SqliteJournal(
      {
        directory: place,
        maxBytes: 1 << 30,
        retentionMs: 0,
        failedRetentionMs: 86_400_000,
        whenFull: 'hold',
        ...settings,
      },
      (event, value) => void events.push({ event, value }),
      systemClock,
      () => undefined,
    );
    const damaged: number[] = [];
    const reader = new SqliteJournalReader(place, (positions) => damaged.push(...positions));
    // A kill lets go of the lock and finishes nothing; closing both connections is as near as one process comes.
    const kill = (): void => {
      reader.close();
      journal.abandon();
    };
    resolve({ journal, reader, events, damaged, kill });
  });
}
