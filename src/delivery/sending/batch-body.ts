import { hash } from 'node:crypto';
import type { Record } from '../../domain/record.js';
import type { ParametersOf } from '../../domain/topic-parameters.js';
import { structuredEvent } from './structured.js';

export const BATCH_CONTENT_TYPE = 'application/cloudevents-batch+json';

const START = Buffer.from('[');
const BETWEEN = Buffer.from(',');
const END = Buffer.from(']');

/** Records as CloudEvents in one JSON array, in order. @param source value of their attribute `source` @param type of `type` */
export function batchBody(
  records: readonly Record[],
  source: string,
  type?: string,
  parametersOf?: ParametersOf,
): Buffer {
  const pieces = records.flatMap((record, i) => [
    i === 0 ? START : BETWEEN,
    structuredEvent(record, source, type, parametersOf),
  ]);
  return Buffer.concat([...pieces, END]);
}

/** `webhook-id` of a batch: the same for the same records in the same order, and for no others. */
export function batchId(records: readonly Record[]): string {
  return hash('sha256', records.map(({ id }) => id).join(','), 'hex');
}
