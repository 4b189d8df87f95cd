import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventReader, Lines, type ServerEvent } from './sse.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an event stream', () => {
  const text =
    ': here\n\nevent: status\ndata: {"a":"äöü €"}\n\nid: 7\r\ndata: one\r\ndata:two\r\n\r\nevent: empty\n\ndata\n\ndata: cut off';
  const events: ServerEvent[] = [
    { name: 'status', id: '', data: '{"a":"äöü €"}' },
    { name: 'message', id: '7', data: 'one\ntwo' },
    { name: 'message', id: '7', data: '' },
  ];

  it('is the same however it is cut, also within a character or an end of line', () => {
    const all = bytes(text);
    for (let size = 1; size <= all.length; size++) {
      const reader = new EventReader();
      const read: ServerEvent[] = [];
      for (let at = 0; at < all.length; at += size) read.push(...reader.feed(all.subarray(at, at + size)));
      assert.deepEqual(read, events, `pieces of ${size}`);
    }
  });

  it('whose line never ends is given up', () => {
    const lines = new Lines();
    const piece = bytes('x'.repeat(1024 * 1024));
    assert.throws(() => {
      for (let count = 0; count < 20; count++) lines.feed(piece);
    }, /without an end/);
  });
});
