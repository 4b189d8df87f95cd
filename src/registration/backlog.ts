import type { JournalReader } from '../domain/journal.js';
import { topicMatches } from '../domain/topic.js';

/** Positions looked at in one turn of the event loop. */
const POSITIONS_PER_TURN = 10_000;
/** Rows whose records are read at once: their payloads are read too. */
const ROWS_PER_TURN = 16;

type Reader = Pick<JournalReader, 'waiting' | 'recordsAt' | 'topicCounts'>;

/** What a subscriber would not be given any more. */
export interface Lost {
  records: number;
  /** Those of them that have waiting rows. */
  waiting: number[];
}

/**
 * What of a backlog other topics would leave behind, while the subscriber stands still.
 * @param at its cursor, and up to where records were dispatched
 */
export async function lostBacklog(
  reader: Reader,
  id: string,
  at: { cursor: number; through: number },
  topics: { before: readonly string[]; after: readonly string[] },
): Promise<Lost> {
  const lost: Lost = { records: 0, waiting: [] };
  if (topics.before.every((filter) => topics.after.includes(filter))) return lost;
  const matches = (filters: readonly string[], topic: string): boolean =>
    filters.some((filter) => topicMatches(filter, topic));
  const isLost = (topic: string): boolean => matches(topics.before, topic) && !matches(topics.after, topic);
  for (let from = at.cursor; from < at.through; from += POSITIONS_PER_TURN) {
    const through = Math.min(from + POSITIONS_PER_TURN, at.through);
    for (const { topic, count } of reader.topicCounts(from, through)) if (isLost(topic)) lost.records += count;
    await turn();
  }
  const rows = reader.waiting(id).map(({ position }) => position);
  for (let first = 0; first < rows.length; first += ROWS_PER_TURN) {
    for (const { position, topic } of reader.recordsAt(rows.slice(first, first + ROWS_PER_TURN))) {
      if (matches(topics.after, topic)) continue;
      lost.waiting.push(position);
      if (position <= at.cursor) lost.records++; // the others are counted above
    }
    await turn();
  }
  return lost;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
