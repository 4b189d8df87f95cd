import { packMessages, type MessageBatch } from '../domain/message.js';

/** Where the gateway's own events go: a topic that no broker can send. */
export const GAP_TOPIC = '$holdfast/link/gap';

/**
 * A record for subscribers that ask for it: the broker forgot the session, and what it held for us is gone.
 * Payload: `{"from": …, "to": …}` as ISO 8601 instants; `from` is null when nobody knows.
 * @param from wall clock, milliseconds; 0: not known
 */
export function gapRecord(from: number, to: number): MessageBatch {
  const span = { from: from === 0 ? null : new Date(from).toISOString(), to: new Date(to).toISOString() };
  return packMessages([
    {
      topic: GAP_TOPIC,
      qos: 1,
      retain: false,
      dup: false,
      packetId: 0,
      receivedAt: to,
      payload: Buffer.from(JSON.stringify(span)),
      properties: { contentType: 'application/json' },
    },
  ]);
}
