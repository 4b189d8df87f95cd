import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asHex, asText, bytesOf, SHOWN_BYTES_MAX, shown } from './payload.js';

const base64 = (bytes: number[]): string => Buffer.from(bytes).toString('base64');

describe('a payload', () => {
  it('that is JSON is laid out', () => {
    assert.deepEqual(shown({ payload: '{"a":[1,"x"]}' }), {
      kind: 'JSON',
      text: '{\n  "a": [\n    1,\n    "x"\n  ]\n}',
      left: 0,
    });
  });

  it('whose numbers a browser would change is shown as it came', () => {
    for (const payload of ['{"a":12345678901234567890}', '{"a":1e999}']) {
      assert.deepEqual(shown({ payload }), { kind: 'text', text: payload, left: 0 });
    }
    assert.equal(shown({ payload: '{"a":"12345678901234567890"}' }).kind, 'JSON');
  });

  it('that is no UTF-8 is shown in hex', () => {
    const bytes = [0xff, 0, ...Buffer.from('Holdfast holds fast')];
    assert.deepEqual(bytesOf({ payloadBase64: base64(bytes) }), Uint8Array.from(bytes));
    assert.equal(
      shown({ payloadBase64: base64(bytes) }).text,
      '00000000  ff 00 48 6f 6c 64 66 61  73 74 20 68 6f 6c 64 73  ..Holdfast holds\n' +
        '00000010  20 66 61 73 74                                     fast',
    );
  });

  it('that is empty is empty', () => {
    assert.equal(shown({ payload: '' }).text, '');
    assert.deepEqual(asHex({ payload: '' }), { kind: 'hex', text: '', left: 0 });
  });

  it('that is large is shown in part, and says how much is left', () => {
    const payload = `{"a":"${'é'.repeat(SHOWN_BYTES_MAX)}"}`;
    const size = Buffer.byteLength(payload);
    for (const one of [shown({ payload }), asText({ payload })]) {
      assert.equal(one.text.length, SHOWN_BYTES_MAX);
      assert.equal(one.left, size - Buffer.byteLength(one.text));
    }
    assert.equal(asHex({ payload }).left, size - SHOWN_BYTES_MAX);
  });

  it('with marks that turn writing around shows them', () => {
    assert.equal(asText({ payload: 'a\u202eb' }).text, 'a\\u{202e}b');
    assert.match(shown({ payload: '{"a":"\u202e"}' }).text, /\\u\{202e\}/);
  });
});
