import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeJson, deeperThan } from './json.js';

function reasonOf(payload: string | Uint8Array): string {
  const decoded = decodeJson(typeof payload === 'string' ? Buffer.from(payload) : payload);
  return decoded.ok ? 'valid' : decoded.reason;
}

describe('decodeJson', () => {
  it('refuses broken UTF-8 as encoding, also inside of a string', () => {
    assert.equal(reasonOf(Uint8Array.of(0xff, 0xfe)), 'encoding');
    assert.equal(reasonOf(Buffer.concat([Buffer.from('"'), Uint8Array.of(0xc3), Buffer.from('"')])), 'encoding');
    assert.equal(reasonOf(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)), 'encoding'); // a lone surrogate
  });

  it('refuses what is not JSON as syntax, and says so for an empty payload and a byte order mark', () => {
    for (const text of ['not json', '{"a":1', "{'a':1}", '[1,]', 'NaN', '1 2', '"\u0001"']) {
      assert.equal(reasonOf(text), 'syntax', text);
    }
    assert.match(JSON.stringify(decodeJson(new Uint8Array())), /the payload is empty/);
    assert.match(JSON.stringify(decodeJson(Buffer.from('\uFEFF{}'))), /syntax.*byte order mark/);
  });

  it('refuses 200 000 levels of arrays or objects as too deep, closed or not', () => {
    const levels = 200_000;
    assert.equal(reasonOf('['.repeat(levels)), 'too-deep');
    assert.equal(reasonOf('['.repeat(levels) + ']'.repeat(levels)), 'too-deep');
    assert.equal(reasonOf('{"a":'.repeat(levels) + '1' + '}'.repeat(levels)), 'too-deep');
    assert.equal(reasonOf('[{"a":'.repeat(levels)), 'too-deep');
  });

  it('accepts exactly the depth limit', () => {
    assert.equal(reasonOf('['.repeat(128) + ']'.repeat(128)), 'valid');
    assert.equal(reasonOf('['.repeat(129) + ']'.repeat(129)), 'too-deep');
  });

  it('does not count brackets in strings, whatever is escaped in them', () => {
    const brackets = '['.repeat(1_000);
    assert.equal(reasonOf(JSON.stringify({ a: brackets })), 'valid');
    assert.equal(reasonOf(JSON.stringify(`\\"${brackets}\\`)), 'valid');
    assert.equal(reasonOf(`["\\\\",${brackets}`), 'too-deep');
  });

  it('does not count values side by side', () => {
    assert.equal(reasonOf(`[${'[],{},'.repeat(10_000)}1]`), 'valid');
  });

  it('counts what a large payload holds before the parser makes anything of it', () => {
    for (const [text, reason] of [
      ['{},'.repeat(100_001), 'too-many'],
      ['[],'.repeat(100_001), 'too-many'],
      ['"":0,'.repeat(20_000), 'too-many'],
      ['"[{:,\\"",'.repeat(20_000), 'syntax'], // in strings they are none
    ] as const) {
      assert.equal(reasonOf(`[${text}`), reason, text.slice(0, 10));
    }
  });

  it('lets through no more than the heap bears, whatever the limits', () => {
    const limits = { maxDepth: 1_000, maxKeys: 10_000_000, maxString: 256 * 2 ** 20 };
    for (const text of [
      `[${'{},'.repeat(2_000_000)}1]`,
      `[${'1,'.repeat(5_000_000)}1]`,
      `{${'"":0,'.repeat(700_000)}"":0}`,
      `"${' '.repeat(65 * 2 ** 20)}"`,
      `"ä${' '.repeat(33 * 2 ** 20)}"`,
    ]) {
      const decoded = decodeJson(Buffer.from(text), limits);
      assert.ok(!decoded.ok, text.slice(0, 10));
      assert.equal(decoded.reason, 'too-large');
      assert.equal(decoded.problem.rule, 'memory');
    }
    assert.ok(decodeJson(Buffer.from(`[${'1.5,'.repeat(1_000_000)}1]`), limits).ok);
  });

  it('keeps __proto__ as an own property and pollutes nothing', () => {
    const decoded = decodeJson(Buffer.from('{"__proto__":{"polluted":1}}'));
    assert.ok(decoded.ok);
    assert.ok(Object.hasOwn(decoded.value as object, '__proto__'));
    assert.equal(Object.getPrototypeOf(decoded.value), Object.prototype);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('any JSON value comes back as it went in, and its depth is what the scan finds', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const decoded = decodeJson(Buffer.from(text));
        assert.ok(decoded.ok);
        assert.deepEqual(decoded.value, JSON.parse(text));
        const depth = depthOf(decoded.value);
        // Shorter than the limit is answered without a look, and rightly so: a level takes two bytes.
        assert.equal(deeperThan(Buffer.from(text), depth), false);
        if (depth > 0) assert.equal(deeperThan(Buffer.from(text), depth - 1), true);
      }),
    );
  });

  it('any bytes end in an answer, never in an exception', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeJson(bytes).ok === 'boolean'));
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
