import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { uuid7, uuidBytes, uuidText } from './uuid.js';

const AT = Date.UTC(2026, 10, 24);

describe('uuid', () => {
  it('a text that is not one has no bytes', () => {
    const text = uuidText(uuid7(AT));
    const wrong = [
      '',
      text.slice(1),
      `${text}0`,
      text.replaceAll('-', ''),
      text.replace(/^./, 'g'),
      `{${text}}`,
      `${text}\n`,
    ];
    for (const one of wrong) assert.equal(uuidBytes(one), undefined, one);
  });

  it('carries version, variant and the millisecond it was made in', () => {
    const instants = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    const property = fc.property(instants, (at) => {
      const text = uuidText(uuid7(at));
      assert.match(text, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.equal(parseInt(text.replaceAll('-', '').slice(0, 12), 16), at);
    });
    fc.assert(property, { seed });
  });

  it('differs each time within one millisecond, also past its pool of random bytes', () => {
    const texts = Array.from({ length: 20_000 }, () => uuidText(uuid7(AT)));
    assert.equal(new Set(texts).size, texts.length);
    assert.equal(new Set(texts.map((text) => text.slice(-12))).size, texts.length);
  });

  it('sorts by time, as text and as bytes', () => {
    const [early, late] = [uuid7(AT), uuid7(AT + 1)];
    assert.ok(uuidText(early) < uuidText(late));
    assert.ok(Buffer.compare(early, late) < 0);
  });

  it('text and bytes are each other’s inverse, in either case', () => {
    const property = fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.deepEqual(uuidBytes(uuidText(bytes)), bytes);
      assert.deepEqual(uuidBytes(uuidText(bytes).toUpperCase()), bytes);
    });
    fc.assert(property, { seed });
  });
});
