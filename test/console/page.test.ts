/** The page as it is built: whole, small, and loading nothing but itself. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

const PAGE = fileURLToPath(new URL('../../../../dist/console/page/', import.meta.url));
const PACKED_BYTES_MAX = 200 * 1024;

const names = readdirSync(PAGE);
const plain = names.filter((name) => !/\.(br|gz)$/.test(name));
const contents = (name: string): Buffer => readFileSync(join(PAGE, name));
const html = contents('index.html').toString();

describe('the page of the console', () => {
  it('loads what is there, from where it came from, and nothing else', () => {
    const loaded = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
    assert.equal(loaded.length, 3, html);
    for (const address of loaded) {
      assert.match(address, /^console\/[\w.-]+$/);
      assert.ok(plain.includes(address.replace('console/', '')), address);
    }
    const script = loaded.find((address) => address.endsWith('.js')) ?? '';
    const style = loaded.find((address) => address.endsWith('.css')) ?? '';
    for (const address of [script, style]) assert.match(address, /^console\/app-[A-Z0-9]{8}\.(js|css)$/);
    const inStyle = contents(style.replace('console/', '')).toString();
    const fetched = [...inStyle.matchAll(/@import[^;]*|url\(["']?([^"')]{0,80})/g)].map(([all, url]) => url ?? all);
    assert.deepEqual(
      fetched.filter((url) => !url.startsWith('data:')),
      [],
    );
  });

  it('has nothing inline, which its content security policy forbids', () => {
    assert.doesNotMatch(html, /<script[^>]*>[^<]|<style|\s(style|on\w+)=/);
  });

  it('is small, and the same when it comes compressed', () => {
    let packed = 0;
    for (const name of plain) {
      const gzip = contents(`${name}.gz`);
      assert.deepEqual(gunzipSync(gzip), contents(name), name);
      assert.deepEqual(brotliDecompressSync(contents(`${name}.br`)), contents(name), name);
      if (!name.endsWith('.txt')) packed += gzip.length;
    }
    assert.ok(packed < PACKED_BYTES_MAX, `${packed} bytes`);
    assert.equal(names.length, 3 * plain.length);
  });

  it('says whose packages are in it, and under which licence', () => {
    const notices = contents('THIRD-PARTY.txt').toString();
    for (const name of ['preact', '@picocss/pico'])
      assert.match(notices, new RegExp(`^${name} [\\d.]+ \\(MIT\\)$`, 'm'));
    assert.match(notices, /Copyright/);
  });
});
