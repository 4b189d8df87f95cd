import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OutboxEntry } from '../domain/publish.js';
import { AMBIENT, entry, LIMITS, Outbox, settled, Wire } from './relay.fixture.js';
import { Relay } from './relay.js';

const TICK_MS = 250;
const FAILED = (error: Error): never => assert.fail(error);

describe('a publish whose time runs out', () => {
  it('what is left of its time goes with it; what has none left is never sent', async () => {
    const timed = (sequence: number, acceptedAt: number): OutboxEntry =>
      entry(sequence, { acceptedAt, properties: { messageExpiryInterval: 10 } });
    const ended = { ...timed(5, 9_000), sendUntil: 10_000 };
    const ending = { ...timed(6, 9_000), sendUntil: 10_001 };
    const outbox = new Outbox([timed(1, 0), timed(2, 4_001), timed(3, 90_000), entry(4), ended, ending]);
    const wire = new Wire();
    const relay = new Relay(outbox, FAILED, { clock: { ...AMBIENT.clock, now: () => 10_000 } });
    relay.begin(wire.connection, LIMITS);
    await settled();
    assert.deepEqual(
      wire.sent.map(({ text, expiry }) => [text, expiry]),
      [
        ['2', 5],
        ['3', 10],
        ['4', undefined],
        ['6', 1],
      ],
    );
    assert.deepEqual(
      outbox.results,
      [1, 5].map((sequence) => ({ sequence, id: `id-${sequence}`, outcome: 'expired', reasonCode: 0 })),
    );
    assert.deepEqual([relay.counters.published, relay.counters.refused], [0, 0]);
  });

  it('while there is no connection is ended by the journal; while nothing waits it is not asked', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const outbox = new Outbox([]);
    const relay = new Relay(outbox, FAILED, { clock: { ...AMBIENT.clock, now: () => 7 } });
    const tick = async (): Promise<void> => {
      t.mock.timers.tick(TICK_MS);
      await settled();
    };
    await tick();
    assert.deepEqual(outbox.expiries, [[7, 0]]);
    relay.begin(new Wire().connection, LIMITS);
    await settled();
    await tick();
    assert.deepEqual(outbox.expiries, [[7, 0]]);
    relay.end(true);
    await tick();
    assert.deepEqual(outbox.expiries.slice(1), [[7, 0]]);
  });

  it('while the broker does not answer is ended as well, but for what is on its way', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const outbox = new Outbox(Array.from({ length: 12 }, (_, i) => entry(i + 1)));
    const relay = new Relay(outbox, FAILED, AMBIENT);
    const wire = new Wire();
    relay.begin(wire.connection, LIMITS);
    await settled();
    t.mock.timers.tick(TICK_MS);
    await settled();
    wire.sent[0]!.answer(0);
    await settled();
    t.mock.timers.tick(TICK_MS);
    await settled();
    relay.end(true);
    t.mock.timers.tick(TICK_MS);
    assert.deepEqual(outbox.expiries, [
      [0, 10],
      [0, 11],
      [0, 0],
    ]);
  });

  it('is not ended once the broker has answered, also when the journal cannot be told', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const outbox = new Outbox([entry(1), entry(2), entry(3)]);
    outbox.confirm = () => new Promise(() => undefined);
    const relay = new Relay(outbox, FAILED, AMBIENT);
    const wire = new Wire();
    relay.begin(wire.connection, LIMITS);
    await settled();
    wire.sent[0]!.answer(0);
    wire.sent[1]!.answer(0);
    relay.end(true);
    t.mock.timers.tick(TICK_MS);
    assert.deepEqual(outbox.expiries, [[0, 2]]);
  });

  it('is asked after once at a time', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const outbox = new Outbox([]);
    const full = Promise.withResolvers<void>();
    let asked = 0;
    outbox.expireOutbox = () => (asked++, full.promise);
    const relay = new Relay(outbox, FAILED, AMBIENT);
    t.mock.timers.tick(3 * TICK_MS);
    assert.equal(asked, 1);
    full.reject(new Error('no room'));
    await settled();
    t.mock.timers.tick(TICK_MS);
    assert.equal(asked, 2);
    assert.ok(relay.idle);
  });
});
