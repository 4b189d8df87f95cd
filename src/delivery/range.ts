import { READ_BYTES_MAX, type JournalReader } from '../domain/journal.js';
import type { Record } from '../domain/record.js';

/** Positions looked at in one step: at about 2 µs each, a step holds the event loop for half a millisecond. */
const STEP_POSITIONS = 256;
/** How far one look ahead goes when a step found nothing. */
const GAP_POSITIONS = 10_000;

/**
 * Reads the next admitted records after `from`. The step is bounded by positions, not by rows found: rows
 * that were rejected cost time too, and damaged ones are missing from a full answer.
 * @returns `through`: everything up to here has been read, at most `last`
 */
export function readRange(
  reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>,
  from: number,
  last: number,
): { records: Record[]; through: number } {
  const through = Math.min(from + STEP_POSITIONS, last);
  const records = reader.admittedAfter(from, through, STEP_POSITIONS);
  const bytes = records.reduce((sum, { payload }) => sum + payload.length, 0);
  if (bytes >= READ_BYTES_MAX) return { records, through: records.at(-1)!.position }; // there may be more
  if (records.length > 0 || through === last) return { records, through };
  // Where retention or rejections left a gap of millions, steps of this size would take long to cross it.
  const beyond = Math.min(from + GAP_POSITIONS, last);
  return { records, through: reader.topicCounts(through, beyond).length === 0 ? beyond : through };
}
