/** The journal on a disk that is full to the last page. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.js';
import { SqliteJournal } from '../../src/journal/index.js';
import { needs } from '../support/needs.js';
import { fillDisk, mountTmpfs } from '../support/tmpfs.js';

function open(directory: string): { journal: SqliteJournal; states: unknown[] } {
  const states: unknown[] = [];
  const journal = new SqliteJournal(
    { directory, maxBytes: 64 << 20, retentionMs: 0, failedRetentionMs: 86_400_000, whenFull: 'hold' },
    (event, value) => event === 'state' && states.push(value),
    systemClock,
    () => undefined,
  );
  return { journal, states };
}

describe('full disk', { skip: needs('tmpfs') }, () => {
  const places: { unmount(): void }[] = [];
  after(() => places.forEach((place) => place.unmount()));

  it('a start on a full disk lives on the reserve, and takes messages again when there is room', async () => {
    const place = mountTmpfs(8 << 20);
    places.push(place);
    const subscribers = [{ id: 'app', topics: ['#'], startFrom: 'now' as const }];
    const before = open(place.directory);
    await before.journal.registerSubscribers(subscribers);
    await before.journal.close();
    const hog = join(place.directory, 'hog');
    fillDisk(hog);
    const { journal, states } = open(place.directory);
    await journal.registerSubscribers(subscribers);
    assert.equal((await journal.stats()).state, 'full');
    rmSync(hog);
    for (let i = 0; i < 100 && states.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await journal.stats()).state, 'open');
    await journal.close();
  });
});
