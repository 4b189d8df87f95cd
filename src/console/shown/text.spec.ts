import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clipped, visible, visibleLines } from './text.js';

describe('foreign text', () => {
  it('shows what hides in it', () => {
    assert.equal(visible('a\u202egpj.exe'), 'a\\u{202e}gpj.exe');
    assert.equal(visible('\u009b31m\u0000\u007f'), '\\u{9b}31m\\u{0}\\u{7f}');
    assert.equal(visible('a\nb\u2028c\u200bd\ufeff'), 'a\\u{a}b\\u{2028}c\\u{200b}d\\u{feff}');
    assert.equal(visible('\ud800x\u{e0041}'), '\\u{d800}x\\u{e0041}');
  });

  it('is left alone where nothing hides', () => {
    const text = 'Zähler <img onerror="x"> 日本 🙂 ./#+$';
    assert.equal(visible(text), text);
    assert.equal(visibleLines('a\r\n\tb\nc\r'), 'a\n\tb\nc\\u{d}');
  });

  it('that is long is clipped, and says so', () => {
    assert.equal(clipped('abcdef', 6), 'abcdef');
    assert.equal(clipped('abcdefg', 6), 'abcde…');
  });
});
