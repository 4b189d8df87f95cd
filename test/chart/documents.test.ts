import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { read } from '../tidy/tree.js';
import { readmeOf, valuesOf } from './documents.js';
import { documents } from './write-documents.js';

describe('what is made of the chart’s values', () => {
  for (const [name, text] of Object.entries(documents())) {
    it(`${name} is what npm run chart:docs makes`, () => {
      assert.equal(read(`helm/holdfast/${name}`), text);
    });
  }

  it('a value without a description is refused, and an empty list without a schema', () => {
    assert.throws(() => valuesOf('a: 1\n'), /^Error: a has no description/);
    assert.throws(() => valuesOf('b:\n  # -- A list.\n  a: []\n'), /^Error: b.a needs a @schema/);
  });

  it('a table has each value with its default and its description', () => {
    const text = '# @section One\n# -- First,\n# and more.\n# @schema {minimum: 1}\na: 1\nb:\n  # -- a | b\n  c: ""\n';
    const rows = readmeOf(valuesOf(text), '<!-- values -->').split('\n').slice(-2);
    assert.deepEqual(rows, ['| `a` | `1` | First, and more. |', '| `b.c` | `""` | a \\| b |']);
  });
});
