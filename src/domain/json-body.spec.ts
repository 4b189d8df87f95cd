import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJsonBody, withoutByteOrderMark } from './json-body.js';

describe('a JSON body', () => {
  it('loses one byte order mark, and nothing else', () => {
    for (const [bytes, left] of [
      ['\ufeff{}', '{}'],
      ['\ufeff\ufeff1', '\ufeff1'],
      ['{"\ufeff":1}', '{"\ufeff":1}'],
      ['\ufeff', ''],
      ['', ''],
    ] as const) {
      assert.equal(withoutByteOrderMark(Buffer.from(bytes)).toString(), left);
    }
    assert.deepEqual(withoutByteOrderMark(Buffer.from([0xef, 0xbb])), Buffer.from([0xef, 0xbb]));
  });

  it('that is none, or no UTF-8, is refused without a word of it', () => {
    for (const body of ['', '{secret', '{"a":1}}', '\ufeff1', "{'a':1}"]) {
      assert.throws(() => parseJsonBody(Buffer.from(body)), {
        code: 'REQUEST_INVALID',
        message: 'the body is not JSON',
      });
    }
    assert.throws(() => parseJsonBody(Buffer.from([0x22, 0xff, 0x22])), { message: 'the body is not UTF-8' });
  });

  it('may have names that mean something to JavaScript: they are members of its own and change no prototype', () => {
    const body = parseJsonBody(Buffer.from('{"__proto__":{"a":1},"constructor":{"prototype":1}}')) as object;
    assert.deepEqual(Object.keys(body), ['__proto__', 'constructor']);
    assert.equal(Object.getPrototypeOf(body), Object.prototype);
  });
});
