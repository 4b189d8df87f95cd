import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { jsonPointerProblem, parseJsonPointer, partAt } from './json-pointer.js';

/** RFC 6901, 5. */
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

describe('JSON pointers', () => {
  it('lead where RFC 6901 says', () => {
    const cases: [string, unknown][] = [
      ['/foo', DOCUMENT.foo],
      ['/foo/0', 'bar'],
      ['/', 0],
      ['/a~1b', 1],
      ['/c%d', 2],
      ['/e^f', 3],
      ['/g|h', 4],
      ['/i\\j', 5],
      ['/k"l', 6],
      ['/ ', 7],
      ['/m~0n', 8],
    ];
    for (const [pointer, part] of cases) assert.deepEqual(partAt(DOCUMENT, parseJsonPointer(pointer)), part, pointer);
  });

  it('lead nowhere where nothing is, and to nothing that JavaScript adds', () => {
    const nowhere = ['/foo/2', '/foo/-', '/foo/00', '/foo/length', '/bar', '/a', '/foo/0/0', '/__proto__', '/toString'];
    for (const pointer of nowhere) assert.equal(partAt(DOCUMENT, parseJsonPointer(pointer)), undefined, pointer);
    for (const document of [undefined, null, 1, 'text', true]) assert.equal(partAt(document, ['a']), undefined);
    assert.equal(partAt(JSON.parse('{"__proto__":{"a":1}}'), ['__proto__', 'a']), 1);
  });

  it('that are none, or too long, have a problem', () => {
    for (const text of ['a', '', 'a/b', '/~', '/~2', '/a~', `/${'x'.repeat(1_024)}`, '/a'.repeat(33)]) {
      assert.ok(jsonPointerProblem(text), text);
    }
    for (const text of ['/', '/a', '/~0~1', '/a'.repeat(32)]) assert.equal(jsonPointerProblem(text), undefined, text);
  });

  it('find every value at any path of names', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 8 }), fc.jsonValue(), (names, value) => {
        const document = names.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), value);
        const pointer = names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
        assert.equal(jsonPointerProblem(pointer), undefined);
        assert.deepEqual(partAt(document, parseJsonPointer(pointer)), value);
      }),
      { seed },
    );
  });
});
