import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { IPublishPacket } from 'mqtt';
import type { MessageBatch } from '../domain/message.js';
import { Intake, PENDING_BYTES_MAX, PENDING_MESSAGES_MAX, type AckWriter } from './intake.js';

/** A journal that commits when it is told to. */
class Journal {
  readonly batches: MessageBatch[] = [];
  readonly released: number[] = [];
  #commits: (() => void)[] = [];

  append(batch: MessageBatch): Promise<void> {
    this.batches.push(batch);
    return new Promise((resolve) => this.#commits.push(resolve));
  }

  release(packetIds: number[]): Promise<void> {
    this.released.push(...packetIds);
    return Promise.resolve();
  }

  get messages(): number {
    return this.batches.reduce((sum, { topics }) => sum + topics.length, 0);
  }

  async commit(which = 0): Promise<void> {
    this.#commits.splice(which, 1)[0]!();
    await setImmediate();
  }
}

class Wire implements AckWriter {
  readonly acks: string[] = [];
  resumed = 0;
  acknowledge(received: readonly { qos: number; packetId: number }[]): void {
    for (const { qos, packetId } of received) this.acks.push(`${qos === 2 ? 'pubrec' : 'puback'} ${packetId}`);
  }
  complete(packetId: number): void {
    this.acks.push(`pubcomp ${packetId}`);
  }
  resume(): void {
    this.resumed++;
  }
}

function packet(messageId: number, options: Partial<IPublishPacket> = {}): IPublishPacket {
  return {
    cmd: 'publish',
    topic: 't',
    payload: Buffer.from(`m${messageId}`),
    qos: 1,
    dup: false,
    retain: false,
    messageId,
    ...options,
  };
}

function intake(): { intake: Intake; journal: Journal; wire: Wire } {
  const journal = new Journal();
  const wire = new Wire();
  const made = new Intake(journal, (error) => assert.fail(error));
  made.begin(wire, false);
  return { intake: made, journal, wire };
}

describe('intake', () => {
  it('acknowledges nothing before it is on disk', async () => {
    const { intake: it, journal, wire } = intake();
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    assert.deepEqual(wire.acks, []);
    await journal.commit();
    assert.deepEqual(wire.acks, ['puback 1']);
  });

  it('acknowledges in the order received, also when a later batch commits first [MQTT-4.6.0-2]', async () => {
    const { intake: it, journal, wire } = intake();
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    it.message(packet(2));
    await setImmediate();
    await setImmediate();
    await journal.commit(1);
    assert.deepEqual(wire.acks, []);
    await journal.commit(0);
    assert.deepEqual(wire.acks, ['puback 1', 'puback 2']);
  });

  it('a commit that comes after the connection ended acknowledges nothing on the next one', async () => {
    const { intake: it, journal, wire } = intake();
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    it.end();
    const next = new Wire();
    it.begin(next, false);
    await journal.commit();
    assert.deepEqual([...wire.acks, ...next.acks], []);
  });

  it('blip: a packet sent again is acknowledged and not journaled twice', async () => {
    const { intake: it, journal } = intake();
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    it.end();
    await journal.commit();
    const next = new Wire();
    it.begin(next, true);
    it.message(packet(1, { dup: true }));
    await setImmediate();
    assert.deepEqual(next.acks, ['puback 1']);
    assert.equal(journal.messages, 1);
    assert.equal(it.counters.suppressed, 1);
  });

  it('blip: a reused packet id with another payload is a message of its own', async () => {
    const { intake: it, journal } = intake();
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    it.end();
    await journal.commit();
    it.begin(new Wire(), true);
    it.message(packet(1, { dup: true, payload: Buffer.from('other') }));
    await setImmediate();
    await setImmediate();
    assert.equal(journal.messages, 2);
  });

  it('blip: the same bytes without DUP are a message of its own', async () => {
    const { intake: it, journal } = intake();
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    it.end();
    await journal.commit();
    it.begin(new Wire(), true);
    it.message(packet(1));
    await setImmediate();
    await setImmediate();
    assert.equal(journal.messages, 2);
  });

  it('QoS 2: PUBREC after the commit, one record until PUBREL, PUBCOMP after the id is forgotten', async () => {
    const { intake: it, journal, wire } = intake();
    it.message(packet(9, { qos: 2 }));
    await setImmediate();
    await setImmediate();
    assert.deepEqual(wire.acks, []);
    await journal.commit();
    it.message(packet(9, { qos: 2, dup: true }));
    await setImmediate();
    assert.equal(journal.messages, 1);
    assert.deepEqual(wire.acks, ['pubrec 9', 'pubrec 9']);
    it.released(9);
    await setImmediate();
    assert.deepEqual(journal.released, [9]);
    assert.deepEqual(wire.acks, ['pubrec 9', 'pubrec 9', 'pubcomp 9']);
    it.message(packet(9, { qos: 2 }));
    await setImmediate();
    await setImmediate();
    assert.equal(journal.messages, 2);
  });

  it('QoS 2: an id the journal knows from before a restart is not journaled again', async () => {
    const { intake: it, journal, wire } = intake();
    it.load([9]);
    it.begin(wire, true);
    it.message(packet(9, { qos: 2, dup: true }));
    await setImmediate();
    assert.equal(journal.messages, 0);
    assert.deepEqual(wire.acks, ['pubrec 9']);
  });

  it('QoS 2: an id that was never released and comes back without DUP is a message of its own', async () => {
    const { intake: it, journal, wire } = intake();
    it.load([9]);
    it.begin(wire, true);
    it.message(packet(9, { qos: 2 }));
    await setImmediate();
    await setImmediate();
    assert.deepEqual(wire.acks, []);
    await journal.commit();
    assert.equal(journal.messages, 1);
    assert.deepEqual(wire.acks, ['pubrec 9']);
  });

  it('at the bound the reader is held, QoS 0 is dropped and counted, and a commit lets the reader go on', async () => {
    const { intake: it, journal, wire } = intake();
    for (let id = 1; id < PENDING_MESSAGES_MAX; id++) assert.equal(it.message(packet(id)), true);
    assert.equal(it.message(packet(PENDING_MESSAGES_MAX)), false);
    assert.equal(it.message(packet(0, { qos: 0 })), true);
    assert.equal(it.counters.dropped, 1);
    await setImmediate();
    await setImmediate();
    await journal.commit();
    assert.equal(wire.resumed, 1);
    assert.equal(wire.acks.length, PENDING_MESSAGES_MAX);
    assert.equal(it.message(packet(1)), true);
  });

  it('the bound counts whole packets, not payloads alone', () => {
    const { intake: it } = intake();
    const large = { length: 1 << 20, properties: { userProperties: { a: 'x'.repeat(10) } } };
    let taken = 1;
    while (it.message(packet(taken, large))) taken++;
    assert.equal(taken, PENDING_BYTES_MAX >> 20);
  });

  it('draining: what comes is left unacknowledged, what came before is finished', async () => {
    const { intake: it, journal, wire } = intake();
    it.message(packet(1));
    it.drain();
    it.message(packet(2));
    await setImmediate();
    await setImmediate();
    assert.equal(it.idle, false);
    await journal.commit();
    assert.deepEqual(wire.acks, ['puback 1']);
    assert.equal(it.idle, true);
    assert.equal(journal.messages, 1);
  });
});
