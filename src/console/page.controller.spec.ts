import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PAGE_POLICY } from '../domain/security-headers.js';
import { PageController } from './page.controller.js';
import { PageFiles } from './page-files.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-page-'));
for (const name of ['index.html', 'app-ABCD1234.js', 'icon.svg']) {
  writeFileSync(join(folder, name), `${name} as it is`);
  writeFileSync(join(folder, `${name}.br`), `${name} br`);
  writeFileSync(join(folder, `${name}.gz`), `${name} gzip`);
}
writeFileSync(join(folder, 'notes.md'), 'not of the page');
after(() => rmSync(folder, { recursive: true }));
const controller = new PageController(new PageFiles([join(folder, 'nowhere'), folder]));

interface Told {
  text: string;
  headers: { [name: string]: string };
}

function ask(name: string | undefined, accepted?: string): Told {
  let headers: Told['headers'] = {};
  const reply = { headers: (some: Told['headers']) => (headers = some) } as unknown as FastifyReply;
  const asking = accepted === undefined ? {} : { 'accept-encoding': accepted };
  const request = { headers: asking } as unknown as FastifyRequest;
  const body = name === undefined ? controller.page(request, reply) : controller.file(name, request, reply);
  return { text: body.toString(), headers };
}

describe('the files of the console', () => {
  it('the page may load what comes from where it came from, and is kept nowhere', () => {
    const { text, headers } = ask(undefined);
    assert.equal(text, 'index.html as it is');
    assert.deepEqual(headers, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': PAGE_POLICY,
      vary: 'accept-encoding',
    });
  });

  it('only what has a hash in its name may be kept', () => {
    assert.match(ask('app-ABCD1234.js').headers['cache-control']!, /immutable/);
    assert.equal(ask('icon.svg').headers['cache-control'], undefined);
  });

  it('come compressed as the browser can read it', () => {
    const coding = (accepted?: string): (string | undefined)[] => {
      const { text, headers } = ask('icon.svg', accepted);
      return [headers['content-encoding'], text];
    };
    assert.deepEqual(coding('gzip, deflate, br, zstd'), ['br', 'icon.svg br']);
    assert.deepEqual(coding('GZIP'), ['gzip', 'icon.svg gzip']);
    assert.deepEqual(coding('br;q=0, gzip;q=0.5'), ['gzip', 'icon.svg gzip']);
    assert.deepEqual(coding('*'), ['br', 'icon.svg br']);
    for (const none of [undefined, '', 'identity', 'br;q=0', 'compress', 'br;q=x'])
      assert.deepEqual(coding(none), [undefined, 'icon.svg as it is']);
  });

  it('nothing else is there, whatever the address says', () => {
    for (const name of ['notes.md', 'icon.svg.gz', '../page.controller.ts', '..', '', '__proto__', 'constructor'])
      assert.throws(() => ask(name), { code: 'NOT_FOUND' });
  });

  it('a page that was not built is said to be none', () => {
    const none = new PageController(new PageFiles([join(folder, 'nowhere')]));
    assert.throws(() => none.page({ headers: {} } as FastifyRequest, {} as FastifyReply), {
      code: 'CONSOLE_NOT_BUILT',
    });
  });
});
