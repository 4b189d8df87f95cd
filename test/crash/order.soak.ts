/** SIGKILL at random times, before an app that fails at random: order per topic and per key holds, nothing is lost. */
import { describe, it } from 'node:test';
import { TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';
import { killAtRandom, startCrashFlow } from './crash-flow.js';
import { OrderWatch, type Numbered } from './order-watch.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 100);
const PER_SECOND = 300;
const KEYS = 13;

const byTopic = (_: Numbered, topic: string): string => topic;
const byKey = ({ k }: Numbered, topic: string): string => (k === undefined ? topic : `key ${k}`);
const batch = { format: 'cloudevents-batch', batch: { maxMessages: 50, maxWait: '20ms' } };
const keyed = { ordering: 'key', key: '/k' };
const odd = (n: number): boolean => n % KEYS === 1;

const APPS = [
  { id: 'topic', settings: { ordering: 'topic' }, keyOf: byTopic },
  { id: 'topic-batch', settings: { ordering: 'topic', ...batch }, keyOf: byTopic },
  { id: 'key', settings: keyed, keyOf: byKey },
  { id: 'key-batch', settings: { ...keyed, ...batch }, keyOf: byKey },
  {
    id: 'key-filtered',
    settings: { ...keyed, ...batch, where: { not: { exact: { '/k': 1 } } }, rateLimit: { perSecond: 200 } },
    keyOf: byKey,
    filtered: odd,
  },
];

/** Every thirteenth has no key. */
function payload(n: number): string {
  const k = n % KEYS;
  return JSON.stringify({ gwId: 'gw-7', n, ...(k > 0 && { k }) } satisfies Numbered);
}

describe('order through random kills', { skip: needs('mosquitto') }, () => {
  it(`${KILLS} kills: first occurrences in order, per topic and per key, one by one and in batches`, async (t) => {
    const watches = await Promise.all(APPS.map((app, i) => OrderWatch.start(app, i + 1)));
    t.after(() => Promise.all(watches.map(({ receiver }) => receiver.stop())));
    const subscribers = APPS.map(({ id, settings }, i) => ({
      id,
      url: watches[i]!.receiver.url,
      topics: ['devices/#'],
      retry: { schedule: Array<string>(30).fill('100ms') },
      breaker: { openFor: '200ms' },
      ...settings,
    }));
    const flow = await startCrashFlow(t, {}, subscribers);
    const publisher = publishNumbered({
      ...{ url: flow.broker.url, topics: TOPICS, count: 1_000_000, perSecond: PER_SECOND, timeoutMs: 3_600_000 },
      payload,
    });
    await killAtRandom(flow, KILLS, () => watches.map(({ receiver }) => receiver.requests.length).join(' '));
    const { acknowledged } = await publisher.stop();
    const count = acknowledged.reduce((most, n) => Math.max(most, n), -1) + 1;
    const what = (): string => APPS.map(({ id }, i) => `${id} lacks ${watches[i]!.missing(count).length}`).join(', ');
    await until(() => watches.every((watch) => watch.hasAll(count)), {
      timeoutMs: 60_000 + 10 * count,
      everyMs: 1_000,
      what,
    });
    for (const watch of watches) watch.verify(count);
    console.log(`${count} messages, ${KILLS} kills, ${KEYS} keys on ${TOPICS.length} topics`);
  });
});
