import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../domain/clock.js';
import type { Publish } from '../domain/publish.js';
import { ACCEPTING_BYTES_MAX, Publisher } from './publisher.js';

const SETTINGS = { allow: ['#'], maxPayloadBytes: 1 << 20, waitMs: 1_000 };

function wanted(bytes: number): Omit<Publish, 'id' | 'acceptedAt'> {
  return { topic: 't', payload: new Uint8Array(bytes), qos: 1, retain: false, properties: null };
}

describe('publisher', () => {
  it('a disk that stalls: publishes on their way to it are bounded, and the rest is told to come again', async () => {
    const commits: (() => void)[] = [];
    const accept = (): Promise<number> => new Promise((resolve) => commits.push(() => resolve(1)));
    const reader = { publishStatus: () => undefined };
    const publisher = new Publisher(SETTINGS, { accept }, reader, systemClock, () => undefined);
    const taken = Array.from({ length: ACCEPTING_BYTES_MAX >> 20 }, () => publisher.publish(wanted(1 << 20), true));
    await assert.rejects(publisher.publish(wanted(1), true), { code: 'OUTBOX_FULL' });
    for (const commit of commits) commit();
    await Promise.all(taken);
    const again = publisher.publish(wanted(1), true);
    commits.at(-1)!();
    assert.equal((await again).status, 'queued');
  });
});
