import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchDirectory } from '../../test/support/scratch.js';
import { FileWatch } from './file-watch.js';

const directory = scratchDirectory('watch');
let made = 0;

function write(text = 'one'): string {
  const file = join(directory, `${made++}`);
  writeFileSync(file, text);
  return file;
}

/** Looks when asked to. @returns whether a change is seen */
async function watch(...files: string[]): Promise<(change: () => void) => Promise<boolean>> {
  let changes = 0;
  const watched = new FileWatch(files, () => void changes++);
  await watched.look();
  assert.equal(changes, 1, 'the first look has nothing to compare with');
  return async (change) => {
    await sleep(150);
    await watched.look();
    const before = changes;
    change();
    await watched.look();
    return changes > before;
  };
}

describe('file watch', () => {
  it('sees a file rewritten, replaced by one as old and as large, removed, made again', async () => {
    const file = write();
    const changedBy = await watch(write(), file);
    assert.equal(await changedBy(() => undefined), false);
    assert.ok(await changedBy(() => writeFileSync(file, 'two')));
    const { atime, mtime } = statSync(file);
    const replace = (): void => {
      const other = write('six');
      utimesSync(other, atime, mtime);
      renameSync(other, file);
    };
    assert.ok(await changedBy(replace));
    assert.ok(await changedBy(() => rmSync(file)));
    assert.equal(await changedBy(() => undefined), false);
    assert.ok(await changedBy(() => writeFileSync(file, 'two')));
    assert.ok(await changedBy(() => chmodSync(file, 0o600)), 'it may be read now');
  });

  it('sees Kubernetes swap the link to a mounted secret', async () => {
    const volume = join(directory, 'volume');
    for (const version of ['..1', '..2']) {
      mkdirSync(join(volume, version), { recursive: true });
      writeFileSync(join(volume, version, 'password'), version);
    }
    symlinkSync('..1', join(volume, '..data'));
    symlinkSync('..data/password', join(volume, 'password'));
    const changedBy = await watch(join(volume, 'password'));
    const swap = (): void => {
      symlinkSync('..2', join(volume, '..data_tmp'));
      renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
    };
    assert.ok(await changedBy(swap));
  });

  it('a change a moment after the one before, to as many bytes, is not missed', async () => {
    const file = write();
    let read = '';
    const watched = new FileWatch([file], () => (read = readFileSync(file, 'utf8')));
    await watched.look();
    writeFileSync(file, 'two');
    await sleep(150);
    await watched.look();
    assert.equal(read, 'two');
  });

  it('looks by itself until it is stopped, and without files never', async (t: TestContext) => {
    const file = write();
    let changes = 0;
    const watched = new FileWatch([file], () => void changes++, 10);
    watched.start();
    t.after(() => watched.stop());
    for (let i = 0; i < 200 && changes < 1; i++) await sleep(5);
    writeFileSync(file, 'changed');
    for (let i = 0; i < 200 && changes < 2; i++) await sleep(5);
    assert.ok(changes >= 2);
    watched.stop();
    const before = changes;
    writeFileSync(file, 'changed again');
    await watched.look();
    assert.equal(changes, before);
    const none = new FileWatch([], () => assert.fail('it has nothing to look at'), 10);
    none.start();
    await none.look();
  });
});
