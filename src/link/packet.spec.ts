import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import type { OutboxEntry } from '../domain/publish.js';
import { packetBytes, packetOf } from './packet.js';

const RUNS = 500;

function entry(options: Partial<OutboxEntry>): OutboxEntry {
  return {
    sequence: 1,
    id: 'id-1',
    topic: 't',
    payload: Buffer.from('1'),
    qos: 1,
    retain: false,
    properties: null,
    acceptedAt: 0,
    ...options,
  };
}

describe('the PUBLISH of a publish', () => {
  it('keeps MQTT 5 properties, also user properties whose names repeat or are hostile', () => {
    const { properties } = packetOf(
      entry({
        properties: {
          contentType: 'application/json',
          correlationData: Buffer.from('abc').toString('base64'),
          userProperties: [
            ['a', '1'],
            ['a', '2'],
            ['__proto__', 'x'],
          ],
        },
      }),
    );
    assert.equal(properties?.contentType, 'application/json');
    assert.deepEqual(properties?.correlationData, Buffer.from('abc'));
    const user = properties?.userProperties as { [name: string]: string[] };
    assert.deepEqual(user['a'], ['1', '2']);
    assert.deepEqual(Object.getOwnPropertyDescriptor(user, '__proto__')?.value, ['x']);
  });

  it('leaves empty user properties out: mqtt-packet writes nothing at all for them', () => {
    assert.equal(packetOf(entry({ properties: { userProperties: [] } })).properties?.userProperties, undefined);
  });

  it('is exactly as long as it is said to be', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.nat(10_000).map((count) => 'é'.repeat(count)),
    );
    const name = fc.oneof(text, fc.constantFrom('a', '__proto__', 'constructor', '7'));
    const all = {
      payloadFormatIndicator: fc.boolean(),
      messageExpiryInterval: fc.integer({ min: 0, max: 0xffff_ffff }),
      contentType: text,
      responseTopic: text,
      correlationData: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      userProperties: fc.array(fc.tuple(name, text), { maxLength: 5 }),
    };
    const entries = fc.record({
      topic: fc.oneof(fc.constantFrom('t', 'é/€/😀'), fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })),
      // Around where the length takes one byte more.
      payload: fc
        .tuple(fc.constantFrom(0, 0, 0x7f, 0x7f, 0x3fff, 0x3fff, 0x1f_ffff), fc.integer({ min: -40, max: 10 }))
        .map(([bytes, more]) => Buffer.alloc(Math.max(0, bytes + more))),
      qos: fc.constantFrom(0 as const, 1 as const),
      retain: fc.boolean(),
      properties: fc.option(fc.record(all, { requiredKeys: [] })),
    });
    const property = fc.property(entries, fc.constantFrom(4 as const, 5 as const), (made, protocolVersion) => {
      const packet = packetOf(made, made.properties?.messageExpiryInterval);
      const written = mqttPacket.generate({ cmd: 'publish', messageId: 1, dup: false, ...packet }, { protocolVersion });
      assert.equal(packetBytes(packet, protocolVersion), written.length);
    });
    fc.assert(property, { numRuns: RUNS });
  });
});
