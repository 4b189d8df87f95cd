import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { READ_BYTES_MAX } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import { readRange } from './range.js';

function record(position: number, bytes: number): Record {
  const payload = new Uint8Array(bytes);
  return { position, id: '', topic: 't', qos: 1, retain: false, receivedAt: 0, payload, properties: null };
}

function reader(records: Record[]) {
  return { admittedAfter: () => records, topicCounts: () => [] };
}

describe('reading a range', () => {
  it('goes no further than the last record when an answer ended for its bytes', () => {
    const records = [record(3, READ_BYTES_MAX / 2), record(4, READ_BYTES_MAX / 2)];
    assert.equal(readRange(reader(records), 0, 200).through, 4);
  });

  it('goes through the whole step when it did not', () => {
    assert.equal(readRange(reader([record(3, 10)]), 0, 200).through, 200);
  });
});
