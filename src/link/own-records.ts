import { packMessages, type MessageBatch } from '../domain/message.js';
import { ownMessage } from '../domain/own-event.js';

/**
 * A record for subscribers that ask for it: the broker forgot the session, and what it held for us is gone.
 * Payload: `{"from": …, "to": …}` as ISO 8601 instants; `from` is null when nobody knows.
 * @param from wall clock, milliseconds; 0: not known
 */
export function gapRecord(from: number, to: number): MessageBatch {
  const span = { from: from === 0 ? null : new Date(from).toISOString(), to: new Date(to).toISOString() };
  return packMessages([ownMessage('$holdfast/link/gap', to, span)]);
}
