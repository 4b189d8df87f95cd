import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { unpackMessages, type MessageBatch } from '../domain/message.js';
import { OwnEvents } from './own-events.js';

const AT = Date.UTC(2026, 0, 31, 12, 0, 0);

class Port {
  readonly batches: MessageBatch[] = [];
  readonly answers: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly told: unknown[] = [];
  lostCount = 0;
  lostWhileFull = false;
  isFull = false;

  append = (batch: MessageBatch): Promise<void> => {
    this.batches.push(batch);
    return new Promise((resolve, reject) => this.answers.push({ resolve, reject }));
  };
  wanted = (topic: string): boolean => topic.startsWith('$holdfast/link/');
  journalFull = (): boolean => this.isFull;
  lost = (count: number, why: string): void => {
    this.lostCount += count;
    this.lostWhileFull = why === 'the journal was full';
  };
  failed = (error: unknown): void => void this.told.push(error);

  get written(): [string, unknown][] {
    return this.batches
      .flatMap(unpackMessages)
      .map(({ topic, payload }) => [topic, JSON.parse(Buffer.from(payload).toString())]);
  }
}

function events(): { port: Port; events: OwnEvents } {
  const port = new Port();
  return { port, events: new OwnEvents(port, { now: () => AT }) };
}

describe('own events', () => {
  it('are written as JSON, with the instant', () => {
    const { port, events: it } = events();
    it.tell('link/down', { cause: 'network' });
    assert.deepEqual(port.written, [['$holdfast/link/down', { at: '2026-01-31T12:00:00.000Z', cause: 'network' }]]);
    assert.equal(unpackMessages(port.batches[0]!)[0]!.properties?.contentType, 'application/json');
  });

  it('are not written when nobody asks for them', () => {
    const { port, events: it } = events();
    it.tell('journal/state', {});
    assert.deepEqual(port.batches, []);
  });

  it('that come while one is being written are written together, in order', async () => {
    const { port, events: it } = events();
    for (const n of [1, 2, 3]) it.tell('link/up', { n });
    assert.equal(port.batches.length, 1);
    port.answers[0]!.resolve();
    await setImmediate();
    assert.equal(port.batches.length, 2);
    assert.deepEqual(
      port.written.map(([, body]) => (body as { n: number }).n),
      [1, 2, 3],
    );
  });

  it('are bounded while the journal takes nothing, and what found no place is counted', async () => {
    const { port, events: it } = events();
    for (let n = 0; n < 1_101; n++) it.tell('link/up', { n });
    port.answers[0]!.resolve();
    await setImmediate();
    assert.deepEqual([port.lostCount, port.lostWhileFull], [100, false]);
    assert.equal(port.written.length, 1_001);
    port.isFull = true;
    for (let n = 0; n < 1_002; n++) it.tell('link/up', { n });
    port.isFull = false;
    for (const answer of port.answers.slice(1)) answer.resolve();
    await setImmediate();
    assert.deepEqual([port.lostCount, port.lostWhileFull], [102, true]);
  });

  it('whoever tells of many waits while they are written, and not for a full journal', async () => {
    const { port, events: it } = events();
    assert.equal(it.hasRoom, true);
    let told = 0;
    for (; told < 2_000 && it.hasRoom; told++) it.tell('link/up', {});
    assert.ok(told > 700 && told < 1_000, `${told}`);
    port.isFull = true;
    assert.equal(it.hasRoom, true);
    port.isFull = false;
    port.answers[0]!.resolve();
    await setImmediate();
    assert.equal(it.hasRoom, true);
  });

  it('a failure is told, and the next one is written', async () => {
    const { port, events: it } = events();
    it.tell('link/up', {});
    const flushed = it.flush();
    port.answers[0]!.reject(new Error('closed'));
    await flushed;
    assert.equal(port.told.length, 1);
    it.tell('link/down', {});
    assert.equal(port.batches.length, 2);
  });
});
