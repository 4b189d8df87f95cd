import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OutboxEntry, PublishResult } from '../domain/publish.js';
import type { Cause } from '../domain/cause.js';
import type { Ended } from './blame.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import { packetBytes, packetOf } from './packet.js';
import { AMBIENT, entry, LIMITS, Outbox, settled, Wire } from './relay.fixture.js';
import { Relay } from './relay.js';

function hungUp(relay: Relay, ended: Ended): void {
  relay.end(true);
  relay.judged(ended, 'publish-denied');
}

describe('relay', () => {
  it('sends in order, within the broker’s receive maximum, and goes on as answers come', async () => {
    const outbox = new Outbox(Array.from({ length: 25 }, (_, i) => entry(i + 1)));
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
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
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
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
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
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
    const clock = { now: () => 0, monotonic: () => now };
    const relay = new Relay(outbox, (error) => assert.fail(error), { clock });
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
      const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
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
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
    relay.begin(wire.connection, LIMITS);
    await settled();
    wire.sent[0]!.answer(0x87);
    await settled();
    assert.deepEqual(outbox.results, [
      { sequence: 1, id: 'id-1', outcome: 'refused', reasonCode: 0x87, cause: 'publish-denied' },
    ]);
  });

  it('knows for a moment what the broker has refused, and of this connection alone', async () => {
    let now = 0;
    const clock = { now: () => 0, monotonic: () => now };
    const relay = new Relay(new Outbox([entry(1), entry(2)]), (error) => assert.fail(error), { clock });
    const wire = new Wire();
    relay.begin(wire.connection, LIMITS);
    await settled();
    wire.sent[0]!.answer(0);
    assert.equal(relay.refused, undefined);
    wire.sent[1]!.answer(0x87);
    now = 999;
    relay.end(true);
    assert.deepEqual(relay.refused, { topic: 't', reasonCode: 0x87 });
    now = 1_000;
    assert.equal(relay.refused, undefined);
    now = 0;
    relay.begin(new Wire().connection, LIMITS);
    assert.equal(relay.refused, undefined);
  });

  it('what is on the way when the broker hangs up for another that it has just refused is hardly why', async () => {
    const [sent] = await tries({ ...SILENT_CLOSE, refused: { topic: 'other', reasonCode: 0x87 } }, 20);
    assert.equal(sent, 6);
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
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
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

  it('what is as large as the broker takes is sent, and one byte more is not: properties count as they are sent', async () => {
    const properties: OutboxEntry['properties'] = {
      correlationData: Buffer.alloc(300).toString('base64'),
      userProperties: [['"', '"']],
    };
    const sized = (sequence: number, more: number): OutboxEntry =>
      entry(sequence, { payload: Buffer.alloc(500 + more), properties });
    const maximumPacketBytes = packetBytes(packetOf(sized(1, 0)), 5);
    const outbox = new Outbox([sized(1, 0), sized(2, 1)]);
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
    relay.begin(wire.connection, { ...LIMITS, maximumPacketBytes });
    await settled();
    assert.deepEqual(
      relay.outstanding.map(({ bytes, sequence }) => [sequence, bytes]),
      [[1, maximumPacketBytes]],
    );
    assert.deepEqual(
      outbox.results.map(({ sequence, cause }) => [sequence, cause]),
      [[2, 'packet-too-large']],
    );
  });

  it('what comes in fresh is sent as it is; what does not follow what was sent is read from the outbox', async () => {
    const outbox = new Outbox([]);
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
    relay.begin(wire.connection, LIMITS);
    await settled();
    const come = async (...sequences: number[]): Promise<void> => {
      const entries = sequences.map((sequence) => entry(sequence));
      outbox.entries.push(...entries);
      relay.fresh(entries);
      await settled();
    };
    const sent = (): number[] => wire.sent.map(({ text }) => Number(text));
    await come(1, 2);
    const asked = outbox.asked;
    await come(3, 4);
    assert.deepEqual([sent(), outbox.asked], [[1, 2, 3, 4], asked], 'without asking the journal');
    outbox.entries.push(entry(5));
    await come(6); // 5 was never told
    assert.deepEqual(sent(), [1, 2, 3, 4, 5, 6]);
    outbox.entries.push(entry(7));
    relay.fresh([]);
    await settled();
    await come(...Array.from({ length: 6 }, (_, i) => 8 + i));
    assert.deepEqual(sent(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 'the window is full');
    for (const { answer } of wire.sent.slice(0, 10)) answer(0);
    await settled();
    assert.deepEqual(sent().slice(10), [11, 12, 13]);
  });

  it('fresh ones wait for a connection, and for those before them', async () => {
    const outbox = new Outbox([entry(1)]);
    const relay = new Relay(outbox, (error) => assert.fail(error), AMBIENT);
    relay.fresh([entry(1)]);
    await settled();
    const wire = new Wire();
    relay.begin(wire.connection, LIMITS);
    relay.fresh([entry(2)]);
    outbox.entries.push(entry(2));
    await settled();
    assert.deepEqual(
      wire.sent.map(({ text }) => text),
      ['1', '2'],
    );
  });

  it('the answers are told before the journal has them', async () => {
    const outbox = new Outbox([entry(1)]);
    const stuck = Promise.withResolvers<void>();
    outbox.confirm = () => stuck.promise;
    const told: PublishResult[] = [];
    const ambient = { ...AMBIENT, answered: (results: PublishResult[]) => told.push(...results) };
    const wire = new Wire();
    const relay = new Relay(outbox, (error) => assert.fail(error), ambient);
    relay.begin(wire.connection, LIMITS);
    await settled();
    wire.sent[0]!.answer(0);
    await settled();
    assert.deepEqual(told, [{ sequence: 1, id: 'id-1', outcome: 'published', reasonCode: 0 }]);
    assert.equal(relay.idle, false);
  });
});
