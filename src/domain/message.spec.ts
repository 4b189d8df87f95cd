import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { flagsOf, packMessages, qosOf, retainOf, unpackMessages, type Message, type QoS } from './message.js';

const properties = fc.record(
  {
    messageExpiryInterval: fc.nat(),
    contentType: fc.string(),
    correlationData: fc.base64String(),
    userProperties: fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 3 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const messages: fc.Arbitrary<Message> = fc.record(
  {
    topic: fc.string({ unit: 'grapheme', minLength: 1 }),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetId: fc.integer({ min: 0, max: 65_535 }),
    receivedAt: fc.integer({ min: 0, max: 2 ** 48 }),
    payload: fc.uint8Array({ maxLength: 300 }),
    properties: fc.option(properties),
  },
  { noNullPrototype: true },
);

describe('message batches', () => {
  it('an empty batch is one', () => {
    assert.deepEqual(unpackMessages(packMessages([])), []);
  });

  it('what is unpacked is what was packed, byte for byte and in order', () => {
    const property = fc.property(fc.array(messages, { maxLength: 20 }), (list) => {
      assert.deepEqual(unpackMessages(packMessages(list)), list);
    });
    fc.assert(property, { seed });
  });

  it('survives the way to another thread, payloads moved', () => {
    const property = fc.property(fc.array(messages, { maxLength: 20 }), (list) => {
      const batch = packMessages(list);
      const moved = structuredClone(batch, { transfer: [batch.payloads.buffer] });
      assert.equal(batch.payloads.length, 0);
      assert.deepEqual(unpackMessages(moved), list);
    });
    fc.assert(property, { seed, numRuns: 30 });
  });

  it('owns its bytes: a payload that changes later does not change it', () => {
    const payload = Buffer.from('before');
    const batch = packMessages([
      { topic: 't', qos: 1, retain: false, dup: false, packetId: 1, receivedAt: 0, payload, properties: null },
    ]);
    payload.write('after!');
    assert.equal(Buffer.from(unpackMessages(batch)[0]!.payload).toString(), 'before');
  });

  it('flags keep qos, retain and dup apart', () => {
    const all = new Set<number>();
    for (const qos of [0, 1, 2] as const) {
      for (const retain of [false, true]) {
        for (const dup of [false, true]) {
          const flags = flagsOf({ qos, retain, dup });
          all.add(flags);
          assert.equal(qosOf(flags), qos);
          assert.equal(retainOf(flags), retain);
        }
      }
    }
    assert.equal(all.size, 12);
  });
});
