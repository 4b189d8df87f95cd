import { hash } from 'node:crypto';
import { parseJsonPointer, partAt } from '../domain/json-pointer.js';
import type { PayloadJson, Ways } from '../domain/payload-json.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';

/** Longer keys are hashed: up to ten thousand of them wait in memory and on disk for each subscriber. */
const KEY_CHARACTERS_MAX = 256;

/**
 * What order is kept by: '' when it is not kept.
 *
 * - `topic`: the topic.
 * - `key`: the text, number or boolean that the pointer leads to; without one, the topic. Of a payload that its
 *   contract decodes the key names the way, too.
 *
 * Keys outlive restarts, and so do the conclusions drawn from them: a row says that all earlier records of its key
 * are settled. So keys of another pointer or way, and values and topics, must never look alike. A topic has no `#`, so what
 * begins with one is no bare topic; after it stands in JSON what the key is made of. With the ways a record may get the
 * key of another: see {@link keyWays}.
 */
export function orderingKey(
  { ordering, key }: Pick<SubscriberSettings, 'ordering' | 'key'>,
  json: Pick<PayloadJson, 'of' | 'wayOf'>,
): (record: Record) => string {
  switch (ordering) {
    case 'none':
      return () => '';
    case 'topic':
      return ({ topic }) => bounded(topic);
    case 'key': {
      const text = key ?? '';
      const pointer = parseJsonPointer(text);
      const plain = `#[${JSON.stringify(text)}`;
      return (record) => {
        const part = partAt(json.of(record), pointer);
        const way = json.wayOf(record);
        const start = way === '' ? plain : `#[${JSON.stringify([text, way])}`;
        if (typeof part === 'string') return bounded(`${start},${JSON.stringify(part)}]`);
        if (typeof part === 'number' || typeof part === 'boolean') return `${start},${String(part)}]`;
        return bounded(`${start}]${record.topic}`);
      };
    }
  }
}

const BY_TOPIC: Ways = { name: 'topic' };

/** How the keys of all topics are made. Made in other ways, two records may share a key that did not before. */
export function keyWays(
  { ordering }: Pick<SubscriberSettings, 'ordering'>,
  json: Pick<PayloadJson, 'ways'>,
): () => Ways {
  return ordering === 'key' ? json.ways : () => BY_TOPIC;
}

/** Pointers may be long, too: then every key is hashed. */
function bounded(key: string): string {
  return key.length <= KEY_CHARACTERS_MAX ? key : `#${hash('sha256', key, 'base64url')}`;
}
