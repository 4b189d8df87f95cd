import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { OutboxEntry, PublishResult } from '../domain/publish.js';
import type { Cause } from '../domain/cause.js';
import type { Ended } from './blame.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import type { BrokerLimits, Connection } from './connection.js';
import { packetOf, Relay } from './relay.js';

const LIMITS: BrokerLimits = {
  sessionPresent: true,
  receiveMaximum: 10,
  maximumPacketBytes: 1_000,
  maximumQoS: 1,
  retainAvailable: true,
  wildcardAvailable: true,
  sharedAvailable: true,
  keepaliveSeconds: undefined,
};

function entry(sequence: number, options: Partial<OutboxEntry> = {}): OutboxEntry {
  return {
    sequence,
    id: `id-${sequence}`,
    topic: 't',
    payload: Buffer.from(String(sequence)),
    qos: 1,
    retain: false,
    properties: null,
    acceptedAt: 0,
    ...options,
  };
}

class Outbox {
  readonly results: PublishResult[] = [];
  constructor(readonly entries: OutboxEntry[]) {}
  outbox(after: number, limit: number): Promise<OutboxEntry[]> {
    const done = new Set(this.results.map(({ sequence }) => sequence));
    const open = this.entries.filter(({ sequence }) => sequence > after && !done.has(sequence));
    return Promise.resolve(open.slice(0, limit));
  }
  confirm(results: PublishResult[]): Promise<void> {
    this.results.push(...results);
    return Promise.resolve();
  }
}

/** A connection that keeps what is published until the test answers it. */
class Wire {
  readonly sent: { text: string; answer: (code: number) => void }[] = [];
  publish(packet: { payload: unknown }, settled: (code: number) => void): void {
    this.sent.push({ text: String(packet.payload), answer: settled });
  }
  get connection(): Connection {
    return this as unknown as Connection;
  }
}

function hungUp(relay: Relay, ended: Ended): void {
  relay.end(true);
  relay.judged(ended, 'publish-denied');
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await setImmediate();
}

describe('relay', () => {
  it('sends in order, within the broker’s receive maximum, and goes on as answers come', async () => {
    const outbox = new Outbox(Array.from({ length: 25 }, (_, i) => entry(i + 1)));
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error));
    relay.begin(wire.connection, LIMITS);
    await settled();
    assert.equal(wire.sent.length, 10);
    assert.equal(relay.idle, false);
    for (let i = 0; i < 25; i++) {
      wire.sent[i]!.answer(0);
      await settled();
    }
    assert.deepEqual(
      wire.sent.map(({ text }) => Number(text)),
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
    assert.equal(outbox.results.length, 25);
    assert.equal(relay.idle, true);
  });

  it('what has no answer when the connection ends is sent again on the next, a late answer counts for nothing', async () => {
    const outbox = new Outbox([entry(1), entry(2)]);
    const first = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error));
    relay.begin(first.connection, LIMITS);
    await settled();
    first.sent[0]!.answer(0);
    relay.end(true);
    first.sent[1]!.answer(0);
    await settled();
    const second = new Wire();
    relay.begin(second.connection, LIMITS);
    await settled();
    assert.deepEqual(
      second.sent.map(({ text }) => text),
      ['2'],
    );
  });

  it('a publish on which the broker hangs up is found, refused, and costs the link no more', async () => {
    const outbox = new Outbox([entry(1), entry(2), entry(3)]);
    const relay = new Relay(outbox, (error) => assert.fail(error));
    const sent: string[][] = [];
    for (let connects = 0; connects < 6; connects++) {
      const wire = new Wire();
      relay.begin(wire.connection, LIMITS);
      await settled();
      // The broker answers in order, and hangs up at the second.
      for (let i = 0; i < wire.sent.length && wire.sent[i]!.text !== '2'; i++) {
        wire.sent[i]!.answer(0);
        await settled();
      }
      sent.push(wire.sent.map(({ text }) => text));
      hungUp(relay, SILENT_CLOSE);
      await settled();
    }
    assert.deepEqual(sent, [['1', '2', '3'], ['2'], ['2'], ['2'], ['3'], []]);
    assert.deepEqual(
      outbox.results.map(({ sequence, outcome, cause }) => [sequence, outcome, cause]),
      [
        [1, 'published', undefined],
        [2, 'refused', 'publish-denied'],
        [3, 'published', undefined],
      ],
    );
  });

  const tries = async (ended: Ended, answeredAfterMs: number): Promise<[number, PublishResult | undefined]> => {
    let now = 0;
    const outbox = new Outbox([entry(1)]);
    const relay = new Relay(
      outbox,
      (error) => assert.fail(error),
      () => now,
    );
    let sent = 0;
    for (let connect = 1; connect <= 8; connect++) {
      const wire = new Wire();
      relay.begin(wire.connection, LIMITS);
      await settled();
      sent += wire.sent.length;
      now += answeredAfterMs;
      hungUp(relay, ended);
      await settled();
    }
    return [sent, outbox.results[0]];
  };

  it('a line that breaks under the same publish three times costs no publish; one that never gets through does end', async () => {
    const [sent, result] = await tries({ ...SILENT_CLOSE, systemCode: 'ECONNRESET' }, 5_000);
    assert.deepEqual([sent, result?.outcome], [6, 'refused']);
  });

  it('three resets in a row, each as soon as the same publish has gone out, are the answer to it', async () => {
    const [sent, result] = await tries({ ...SILENT_CLOSE, systemCode: 'ECONNRESET' }, 20);
    assert.deepEqual([sent, result?.outcome], [3, 'refused']);
  });

  it('a broker that goes away under a publish is hardly its fault', async () => {
    const gone = { kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false } as const;
    const [sent] = await tries({ ...SILENT_CLOSE, afterwards: gone }, 20);
    assert.equal(sent, 6);
  });

  it('a connection that ends for reasons of its own condemns no publish', async () => {
    for (const [ended, cause] of [
      [{ ...SILENT_CLOSE, ended: 'keepalive' }, 'keepalive-timeout'],
      [{ ...SILENT_CLOSE, code: 0x8e }, 'client-id-conflict'],
      [{ ...SILENT_CLOSE, code: 0x8b }, 'broker-shutdown'],
      [SILENT_CLOSE, 'client-id-conflict'],
      [SILENT_CLOSE, 'event-loop-stall'],
    ] satisfies [Ended, Cause][]) {
      const outbox = new Outbox([entry(1)]);
      const relay = new Relay(outbox, (error) => assert.fail(error));
      for (let connects = 0; connects < 5; connects++) {
        relay.begin(new Wire().connection, LIMITS);
        await settled();
        relay.end(true);
        relay.judged(ended, cause);
      }
      await settled();
      assert.deepEqual(outbox.results, []);
    }
  });

  it('a refusal is final and named', async () => {
    const outbox = new Outbox([entry(1)]);
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error));
    relay.begin(wire.connection, LIMITS);
    await settled();
    wire.sent[0]!.answer(0x87);
    await settled();
    assert.deepEqual(outbox.results, [
      { sequence: 1, id: 'id-1', outcome: 'refused', reasonCode: 0x87, cause: 'publish-denied' },
    ]);
  });

  it('what the broker has said it will not take is refused here and never sent', async () => {
    const entries = [
      entry(1, { payload: Buffer.alloc(2_000) }),
      entry(2, { retain: true }),
      entry(3),
      entry(4, { properties: { contentType: 'x'.repeat(2_000) } }),
    ];
    const outbox = new Outbox(entries);
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error));
    relay.begin(wire.connection, { ...LIMITS, retainAvailable: false });
    await settled();
    assert.deepEqual(
      wire.sent.map(({ text }) => text),
      ['3'],
    );
    assert.deepEqual(
      outbox.results.map(({ sequence, cause }) => [sequence, cause]),
      [
        [1, 'packet-too-large'],
        [2, 'unsupported'],
        [4, 'packet-too-large'],
      ],
    );
  });

  it('keeps MQTT 5 properties, also user properties whose names repeat or are hostile', () => {
    const { properties } = packetOf(
      entry(1, {
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
    assert.equal(packetOf(entry(1, { properties: { userProperties: [] } })).properties?.userProperties, undefined);
  });
});
