import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchDirectory } from '../../test/support/scratch.js';
import { loadAndTell } from './check.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const directory = scratchDirectory('check');

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

/** What is told on standard error, and whether there are settings. */
async function told(t: TestContext, file: string): Promise<{ text: string; loaded: boolean }> {
  let text = '';
  const written = t.mock.method(process.stderr, 'write', (chunk: string) => {
    text += chunk;
    return true;
  });
  const settings = await loadAndTell(file);
  written.mock.restore();
  return { text, loaded: settings !== undefined };
}

describe('holdfast check', () => {
  it('contracts that do not compile are problems with a path, a line and a mend', async (t) => {
    write('broken.json', '{"type": "objec"}');
    write('broken.mjs', 'export class Other {}');
    const file = write(
      'contracts.yaml',
      `broker: { url: mqtt://localhost }
contracts:
  one:
    schema: broken.json
  two: { class: broken.mjs#Two }
`,
    );
    const { text, loaded } = await told(t, file);
    assert.equal(loaded, false);
    assert.match(text, /contracts\.yaml:4:13 {2}contracts\.one\.schema {2}\S.*\n {4}mend: \S/);
    assert.match(text, /contracts\.yaml:5:17 {2}contracts\.two\.class {2}\S.*\n {4}mend: \S/);
    assert.match(text, /contracts\.yaml: 2 problems\.\n$/);
  });

  it('warnings are told, and are no problems', async (t) => {
    const file = write('warned.yaml', 'broker: { url: mqtt://localhost, wsHeaders: { a: b } }\n');
    const { text, loaded } = await told(t, file);
    assert.equal(loaded, true);
    assert.match(text, /^Warnings:\n.*warned\.yaml:1:\d+ {2}broker\.wsHeaders {2}has no effect/);
    assert.doesNotMatch(text, /problem/);
  });

  it('exits 2 when there are problems and 0 when there are none, and starts nothing', () => {
    const check = (file: string): { code: number | null; out: string; err: string } => {
      const args = [MAIN, 'check', '--config', file];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: directory });
      return { code: status, out: stdout, err: stderr };
    };
    const fine = check(write('fine.yaml', 'broker: { url: mqtt://localhost }\njournal: { directory: made }\n'));
    assert.deepEqual([fine.code, fine.err], [0, '']);
    assert.match(fine.out, /fine\.yaml: fine\. 0 subscriptions, 0 contracts, 0 subscribers\.\n$/);
    const one =
      'broker: { url: mqtt://localhost }\nsubscriptions: [{ filter: a }]\ncontracts: { any: { format: json } }\n';
    assert.match(check(write('one.yaml', one)).out, /fine\. 1 subscription, 1 contract, 0 subscribers\.\n$/);
    assert.equal(existsSync(join(directory, 'made')), false);
    const wrong = check(write('wrong.yaml', 'broker: { url: mqtt://localhost }\nsesion: {}\n'));
    assert.deepEqual([wrong.code, wrong.out], [2, '']);
    assert.match(
      wrong.err,
      /wrong\.yaml:2:1 {2}sesion {2}unknown key\n {4}mend: Did you mean "session"\?\n.*: one problem\.\n$/,
    );
  });
});
