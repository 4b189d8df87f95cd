import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchDirectory } from '../../test/support/scratch.js';
import { until } from '../../test/support/until.js';
import { ConfigWatch } from './config-watch.js';

const directory = scratchDirectory('config-watch');
const file = join(directory, 'a');
const other = join(directory, 'b');

function watch(t: TestContext, quietMs: number): { watch: ConfigWatch; told: () => number } {
  let told = 0;
  const one = new ConfigWatch(() => void told++, 10, quietMs);
  t.after(() => one.stop());
  return { watch: one, told: () => told };
}

describe('the watch over the configuration', () => {
  it('a file that is still written to is not told of, and then once', async (t) => {
    writeFileSync(file, '');
    const { watch: one, told } = watch(t, 60_000);
    one.follow([file]);
    for (let i = 0; i < 20; i++) {
      writeFileSync(file, 'x'.repeat(i));
      await sleep(20);
    }
    assert.equal(told(), 0);
    one.stop();
  });

  it('tells when it is quiet, of changed files, of files that come to be, and of files followed anew', async (t) => {
    writeFileSync(file, 'one');
    const { watch: one, told } = watch(t, 20);
    const more = async (change: () => void): Promise<void> => {
      await sleep(400); // A file that has just changed is told of once more when that is over.
      const before = told();
      change();
      await until(() => told() > before, { what: 'to be told' });
    };
    await more(() => one.follow([file]));
    await more(() => writeFileSync(file, 'another'));
    await more(() => one.follow([file, other]));
    await more(() => writeFileSync(other, 'there'));
    await sleep(400);
    const before = told();
    one.follow([other, file, file]);
    one.stop();
    one.follow([file]);
    writeFileSync(file, 'again');
    await sleep(100);
    assert.equal(told(), before);
  });
});
