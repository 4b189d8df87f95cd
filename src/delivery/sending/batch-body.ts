import { hash } from 'node:crypto';
import type { Record } from '../../domain/record.js';
import { structuredText, type EventOptions } from './structured.js';

export const BATCH_CONTENT_TYPE = 'application/cloudevents-batch+json';

/** Records as CloudEvents in one JSON array, in order. */
export function batchBody(records: readonly Record[], options: EventOptions): Buffer {
  // One text, encoded at once: a buffer for each piece would cost as much as all the rest.
  return Buffer.from(`[${records.map((record) => structuredText(record, options)).join(',')}]`);
}

/** `webhook-id` of a batch: the same for the same records in the same order, and for no others. */
export function batchId(records: readonly Record[]): string {
  return hash('sha256', records.map(({ id }) => id).join(','), 'hex');
}
