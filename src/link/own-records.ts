import { packMessages, type MessageBatch } from '../domain/message.js';
import { ownMessage } from '../domain/own-event.js';
import { OWN_TOPICS } from '../domain/topic.js';

/** Below it are messages of the broker that must not pass for the gateway's own. */
const FOREIGN_TOPICS = '$broker/';

/**
 * A record for subscribers that ask for it: the broker forgot the session, and what it held for us is gone.
 * Payload: `{"from": …, "to": …}` as ISO 8601 instants; `from` is null when nobody knows.
 * @param from wall clock, milliseconds; 0: not known
 */
export function gapRecord(from: number, to: number): MessageBatch {
  const span = { from: from === 0 ? null : new Date(from).toISOString(), to: new Date(to).toISOString() };
  return packMessages([ownMessage('$holdfast/link/gap', to, span)]);
}

/**
 * Nothing that is subscribed brings a topic of the gateway's own. A session in which somebody else has subscribed
 * does, and so does a broker that errs: it is kept like any message, where nobody takes it for an event.
 * @returns the topic to keep it under; undefined for every other one
 */
export function foreignTopic(topic: string): string | undefined {
  return topic.startsWith(OWN_TOPICS) ? `${FOREIGN_TOPICS}${topic}` : undefined;
}
