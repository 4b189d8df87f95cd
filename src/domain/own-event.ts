/** What the gateway tells of itself, as records: any subscriber may ask for them as for a device's messages. */
import type { Message } from './message.js';
import type { OWN_TOPICS } from './topic.js';

/**
 * The message behind an event. No filter that begins with a wildcard matches its topic [MQTT-4.7.2-1].
 * @param at wall clock, milliseconds
 * @param body becomes the payload, as JSON
 */
export function ownMessage(topic: `${typeof OWN_TOPICS}${string}`, at: number, body: object): Message {
  return {
    topic,
    qos: 1,
    retain: false,
    dup: false,
    packetId: 0,
    receivedAt: at,
    payload: Buffer.from(JSON.stringify(body)),
    properties: { contentType: 'application/json' },
  };
}
