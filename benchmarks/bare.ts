/**
 * The yardstick: mqtt.js with its own acknowledgements → an O(1) queue → the same HTTP sender, the same number of lanes.
 * No journal, no contract, no signature, one thread. With `url` empty it only counts what it receives.
 * Tells its parent `{ up }` when connected, and `{ received, firstAt, lastAt }` when it has `count` messages.
 */
import { connect } from 'mqtt';
import { HttpSender } from '../src/delivery/index.js';
import { systemClock } from '../src/domain/clock.js';
import type { Record } from '../src/domain/record.js';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../src/domain/subscriber.js';
import { uuid7, uuidText } from '../src/domain/uuid.js';

const [brokerUrl, clientId, filter, count, lanes, url] = process.argv.slice(2);
const wanted = Number(count);

const settings: SubscriberSettings = {
  ...structuredClone(SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings),
  id: 'bare',
  url: url || 'http://127.0.0.1:9/',
  topics: [filter!],
  concurrency: Number(lanes),
};
const sender = new HttpSender(settings, { source: 'urn:bare', userAgent: 'bare', clock: systemClock });

const queue: (Record | undefined)[] = [];
let head = 0;
let busy = 0;
let received = 0;
let firstAt = 0;

const client = connect(brokerUrl!, {
  clientId: clientId!,
  clean: false,
  protocolVersion: 5,
  reconnectPeriod: 0,
  resubscribe: false,
  properties: { sessionExpiryInterval: 3_600, receiveMaximum: 1_024 },
});
client.on('connect', ({ sessionPresent }) => process.send?.({ up: sessionPresent }));
client.on('message', (topic, payload, { qos, retain }) => {
  if (received++ === 0) firstAt = performance.timeOrigin + performance.now();
  if (url) {
    const id = uuidText(uuid7(Date.now()));
    queue.push({ position: received, id, topic, qos, retain, receivedAt: Date.now(), payload, properties: null });
    work();
  }
  if (received === wanted) {
    process.send?.({ received, firstAt, lastAt: performance.timeOrigin + performance.now() });
  }
});

function work(): void {
  while (busy < settings.concurrency && head < queue.length) {
    const record = queue[head]!;
    queue[head++] = undefined;
    busy++;
    void sender.send(record, { attempt: 1, replay: false }).then(() => {
      busy--;
      work();
    });
  }
}

process.on('disconnect', () => process.exit(0));
