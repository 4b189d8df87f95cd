import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import type { MessageProperties } from '../domain/message.js';
import { Decoders } from './decoders.js';
import { record, subscription } from './scratch.fixture.js';

const decoders = await Decoders.load(
  [subscription('cbor', 'cbor'), subscription('packed', 'packed'), subscription('free'), subscription('#', 'text')],
  [
    { name: 'cbor', format: 'cbor', mode: 'enforce' },
    { name: 'packed', format: 'json', compression: 'gzip', mode: 'enforce' },
    { name: 'text', format: 'text', mode: 'enforce' },
  ],
);

function jsonOf(topic: string, payload: string | Uint8Array, properties: MessageProperties | null = null): string {
  const found = decoders.jsonOf({ ...record(1, topic, payload), properties });
  return 'json' in found ? Buffer.from(found.json).toString() : found.problem;
}

describe('Decoders', () => {
  it('makes JSON of what the first contract of the topic reads', () => {
    assert.equal(jsonOf('cbor', encode({ a: [1, 2n ** 63n] })), '{"a":[1,"9223372036854775808"]}');
    assert.equal(jsonOf('any', '21 °C'), '"21 °C"');
  });

  it('JSON is what came, to the byte, whatever was around it', () => {
    const json = ' { "b" : 12345678901234567890, "a":1e3, "a":"\\u00e9" } ';
    assert.equal(jsonOf('packed', gzipSync(json)), json);
    assert.equal(jsonOf('free', json), json);
  });

  it('without a contract the content type decides', () => {
    assert.equal(jsonOf('free', encode([1]), { contentType: 'application/cbor' }), '[1]');
    assert.match(jsonOf('free', '<x/>', { contentType: 'application/xml' }), /^content-type: /);
  });

  it('says why there is none', () => {
    assert.match(jsonOf('cbor', '{}'), /^syntax: /);
    assert.match(jsonOf('packed', '{}'), /^compression: /);
    assert.match(jsonOf('free', ''), /^syntax: the payload is empty/);
  });
});
