import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome, Sender } from '../../domain/attempt.js';
import type { Record } from '../../domain/record.js';
import { DecodingSender } from './decoding-sender.js';
import { FIRST, recordOf } from './sending.fixture.js';

const DELIVERED: Outcome = { kind: 'delivered' };

class Inner implements Sender {
  readonly given: string[] = [];
  closed = false;

  send({ payload }: Record): Promise<Outcome> {
    this.given.push(Buffer.from(payload).toString());
    return Promise.resolve(DELIVERED);
  }

  sendBatch(records: readonly Record[]): Promise<Outcome> {
    this.given.push(records.map(({ payload }) => Buffer.from(payload).toString()).join());
    return Promise.resolve(DELIVERED);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** What begins with `!` cannot be decoded. */
function decoding(): { inner: Inner; sender: DecodingSender } {
  const inner = new Inner();
  const sender = new DecodingSender(inner, ({ payload }) => {
    const text = Buffer.from(payload).toString();
    return text.startsWith('!') ? { problem: `syntax: ${text}` } : { json: Buffer.from(JSON.stringify(text)) };
  });
  return { inner, sender };
}

function records(...payloads: string[]): Record[] {
  return payloads.map((payload) => recordOf({ payload: Buffer.from(payload) }));
}

describe('DecodingSender', () => {
  it('what cannot be decoded is dead at once, and never sent', async () => {
    const { inner, sender } = decoding();
    const dead = { kind: 'dead', reason: 'payload', status: 0, detail: 'syntax: !a' };
    assert.deepEqual(await sender.send(records('!a')[0]!, FIRST), dead);
    assert.deepEqual(await sender.sendBatch(records('b', '!a', 'c'), FIRST), dead);
    assert.deepEqual(inner.given, []);
  });

  it('gives on what was decoded, and leaves the record alone', async () => {
    const { inner, sender } = decoding();
    const [one, two] = records('a', 'b');
    assert.deepEqual(await sender.send(one!, FIRST), DELIVERED);
    assert.deepEqual(await sender.sendBatch([one!, two!], FIRST), DELIVERED);
    assert.deepEqual(inner.given, ['"a"', '"a","b"']);
    assert.equal(Buffer.from(one!.payload).toString(), 'a');
    await sender.close();
    assert.ok(inner.closed);
  });
});
