/** Malformed and hostile packets: no crash, no wedge, and after each a valid message gets through. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { seed } from '../support/seed.js';
import { accept, goodAnswer, startScriptedBroker, type ScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';
import { startLink, type LinkInProcess } from './link-in-process.js';

const HOSTILE: { [name: string]: number[] } = {
  'a reserved packet type': [0x00, 0x00],
  'a PUBLISH of QoS 3': [0x36, 0x07, 0x00, 0x01, 0x61, 0x00, 0x01, 0x78, 0x79],
  'a PUBLISH without a topic': [0x30, 0x02, 0x00, 0x00],
  'a PUBLISH whose topic is longer than it': [0x30, 0x04, 0xff, 0xff, 0x61, 0x61],
  'a PUBLISH of QoS 1 with packet id 0': [0x32, 0x06, 0x00, 0x01, 0x61, 0x00, 0x00, 0x00],
  'a topic that is not UTF-8': [0x30, 0x06, 0x00, 0x02, 0xff, 0xfe, 0x00, 0x78],
  'an unsolicited topic alias': [0x30, 0x07, 0x00, 0x00, 0x03, 0x23, 0x00, 0x05, 0x78],
  'a topic alias of 0': [0x30, 0x07, 0x00, 0x01, 0x61, 0x03, 0x23, 0x00, 0x00],
  'a remaining length of five bytes': [0x30, 0xff, 0xff, 0xff, 0xff, 0x7f],
  'an acknowledgement of nothing': [0x40, 0x02, 0x12, 0x34],
  'a PUBREC of nothing': [0x50, 0x02, 0x12, 0x34],
  'a PUBREL of nothing': [0x62, 0x02, 0x12, 0x34],
  'a PUBCOMP of nothing': [0x70, 0x02, 0x12, 0x34],
  'a SUBACK of nothing': [0x90, 0x04, 0x12, 0x34, 0x00, 0x00],
  'an UNSUBACK of nothing': [0xb0, 0x04, 0x12, 0x34, 0x00, 0x00],
  'a second CONNACK': [0x20, 0x03, 0x00, 0x00, 0x00],
  'a CONNECT from the broker': [
    0x10, 0x0d, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0x05, 0x02, 0x00, 0x0a, 0x00, 0x00, 0x00,
  ],
  'a SUBSCRIBE from the broker': [0x82, 0x07, 0x00, 0x01, 0x00, 0x00, 0x01, 0x61, 0x00],
  'a PINGREQ from the broker': [0xc0, 0x00],
  'an AUTH': [0xf0, 0x02, 0x18, 0x00],
  'an HTTP answer': [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
};

describe('hostile bytes', () => {
  for (const [name, bytes] of Object.entries(HOSTILE)) {
    it(`${name}: a valid message gets through afterwards`, async (t) => {
      const { broker, link } = await start();
      t.after(async () => {
        await link.stop();
        await broker.stop();
      });
      broker.client.bytes(Buffer.from(bytes));
      await getsThrough(broker, link, name);
    });
  }

  it('half a packet and then nothing: found by the pings, and a valid message gets through', async (t) => {
    const { broker, link } = await start();
    t.after(async () => {
      await link.stop();
      await broker.stop();
    });
    broker.answers.pingreq = () => undefined;
    broker.client.bytes(Buffer.from([0x30, 0x7f, 0x00, 0x01]));
    await until(() => link.session.status().drops[0]?.cause === 'keepalive-timeout', {
      timeoutMs: 9_000,
      what: 'the silent broker to be given up',
    });
    delete broker.answers.pingreq;
    await getsThrough(broker, link, 'after half a packet');
  });

  it('any bytes at any time: a valid message gets through afterwards', async (t) => {
    const { broker, link } = await start();
    t.after(async () => {
      await link.stop();
      await broker.stop();
    });
    let run = 0;
    const packet = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
      fc
        .constantFrom(...Object.values(HOSTILE))
        .chain((bytes) =>
          fc
            .tuple(fc.nat(bytes.length - 1), fc.nat(255))
            .map(([at, value]) => Uint8Array.from(bytes).fill(value, at, at + 1)),
        ),
    );
    await fc.assert(
      fc.asyncProperty(packet, async (bytes) => {
        broker.client.bytes(bytes);
        broker.client.end(); // what is left of a packet would swallow the next
        await getsThrough(broker, link, `run ${run++}`);
      }),
      { numRuns: 150, seed, endOnFailure: true },
    );
  });
});

async function start(): Promise<{ broker: ScriptedBroker; link: LinkInProcess }> {
  const broker = await startScriptedBroker();
  broker.answers.connect = (_, client) => accept(client, { sessionPresent: broker.clients.length > 1 });
  broker.answers.publish = (packet, client) => goodAnswer(packet, client);
  const link = startLink(broker.url, '5', { keepaliveMs: 3_000 });
  await link.up();
  await broker.connection(1, 'subscribe');
  return { broker, link };
}

/** Sends it on whatever connection there is, again and again, as a broker would until it is acknowledged. */
async function getsThrough(broker: ScriptedBroker, link: LinkInProcess, payload: string): Promise<void> {
  const packet = generate(
    { cmd: 'publish', topic: 'a', payload, qos: 1, dup: false, retain: false, messageId: 7 },
    { protocolVersion: 5 },
  );
  await until(
    () => {
      if (link.journaled.includes(payload)) return true;
      if (link.session.status().state === 'up') broker.client.bytes(packet);
      return false;
    },
    {
      timeoutMs: 8_000,
      everyMs: 10,
      what: () => `"${payload}", not ${JSON.stringify(link.session.status().drops[0])}`,
    },
  );
  assert.equal(link.session.status().state, 'up');
}
