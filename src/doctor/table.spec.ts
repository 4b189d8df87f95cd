import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Row } from './row.js';
import { rowText, skippedText, summaryText, wrap, type Look } from './table.js';

const PLAIN: Look = { width: 100, colour: false };
const row = (more: Partial<Row> = {}): Row => ({ check: 'TLS', state: 'ok', seen: 'fine', mend: '', ...more });

describe('doctor: table', () => {
  it('no line is wider than asked, and never wider than 100 columns', () => {
    const long = row({
      seen: 'word '.repeat(60).trim(),
      mend: 'x'.repeat(300),
      check: 'subscription '.repeat(5).trim(),
    });
    for (const width of [60, 80, 100, 400]) {
      const lines = rowText(long, { width, colour: false }).split('\n');
      assert.ok(Math.max(...lines.map((line) => line.length)) <= Math.min(width, 100), `${width}`);
    }
    assert.equal(rowText(long, PLAIN).replaceAll(/\s/g, '').match(/x/g)!.length, 300);
  });

  it('each finding has a line, and what to do stands below', () => {
    assert.equal(
      rowText(row({ state: 'failed', seen: 'one; two', mend: 'Mend it.' }), PLAIN),
      [`failed   TLS${' '.repeat(21)}one`, `${' '.repeat(33)}two`, `${' '.repeat(33)}→ Mend it.`, ''].join('\n'),
    );
  });

  it('colours only where they are wanted', () => {
    const escape = String.fromCharCode(27);
    assert.ok(!rowText(row(), PLAIN).includes(escape));
    assert.ok(rowText(row(), { ...PLAIN, colour: true }).includes(`${escape}[32m`));
  });

  it('what comes from outside cannot move the cursor', () => {
    const text = rowText(row({ seen: 'bad\u001b[2Jnews\r\nhere\u2028' }), PLAIN);
    assert.ok(text.includes('bad?[2Jnews??here?'));
  });

  it('many that were skipped for one reason are one line that names them', () => {
    const checks = ['keepalive', ...[1, 2, 3, 4].map((n) => `subscription s${n}`)];
    const text = skippedText(
      checks.map((check) => row({ check, state: 'skipped', seen: 'not reached' })),
      PLAIN,
    );
    assert.match(text, /^skipped {2}5 checks {16}not reached \(keepalive, 4 subscriptions\)\n$/);
    assert.equal(skippedText([], PLAIN), '');
  });

  it('the last line counts', () => {
    const rows = [row(), row({ state: 'warning' }), row({ state: 'failed' }), row({ state: 'failed' })];
    assert.equal(summaryText(rows, PLAIN), '1 ok, 1 warning, 2 failed, 0 skipped.\n');
  });

  it('wrapping breaks at spaces, and only words that are too long inside', () => {
    assert.deepEqual(wrap('aa bb cc', 5), ['aa bb', 'cc']);
    assert.deepEqual(wrap('abcdefgh', 5), ['abcde', 'fgh']);
    assert.deepEqual(wrap('', 5), ['']);
    assert.deepEqual(wrap('→ aa bb cc', 6, '  '), ['→ aa', '  bb', '  cc']);
  });
});
