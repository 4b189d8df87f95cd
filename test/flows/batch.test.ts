/** Batches, filters and a bounded backlog, from a real client over a real broker to webhooks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HTTP, type CloudEventV1 } from 'cloudevents';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { startReceiver, type Received } from '../support/receiver.js';
import { until } from '../support/until.js';

const COUNT = 2_000;
/** On a topic that is selected. */
const BAD = 764;
/** On one that is not, and selected all the same. */
const EXTRA = 821;

type Event = CloudEventV1<{ n: number }>;

function eventsOf({ headers, body }: Pick<Received, 'headers' | 'body'>): Event[] {
  return HTTP.toEvent({ headers, body: body.toString() }) as Event[];
}

describe('batches', { skip: needs('mosquitto') }, () => {
  it('every selected message comes in a batch, in order per topic; a bad one is a dead letter and holds nothing back', async (t) => {
    const receiver = await startReceiver({
      answer: ({ headers, body }) => ({
        status: eventsOf({ headers, body }).some(({ data }) => data!.n === BAD) ? 422 : 204,
      }),
    });
    t.after(() => receiver.stop());
    const where = { any: [{ not: { prefix: { topic: 'devices/1' } } }, { exact: { '/n': EXTRA } }] };
    const batch = { format: 'cloudevents-batch', batch: { maxMessages: 50, maxWait: '30ms' } };
    const app = { id: 'app', url: receiver.url, topics: ['devices/#'], ordering: 'topic', where, ...batch };
    const { broker, gateway } = await startFlow(t, { config: () => ({ subscribers: [app] }) });
    await publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT }).done;

    const selected = (n: number): boolean => !TOPICS[n % 20]!.startsWith('devices/1') || n === EXTRA;
    const wanted = Array.from({ length: COUNT }, (_, n) => n).filter((n) => n !== BAD && selected(n));
    const delivered = (): Event[] => receiver.requests.filter(({ answered }) => answered === 204).flatMap(eventsOf);
    await until(() => delivered().length >= wanted.length, { what: () => `${delivered().length} of ${wanted.length}` });
    const numbers = delivered().map(({ data }) => data!.n);
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      wanted,
    );
    for (const topic of TOPICS) {
      const own = delivered()
        .filter(({ subject }) => subject === topic)
        .map(({ data }) => data!.n);
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
        topic,
      );
    }
    assert.ok(receiver.requests.length < COUNT / 4, `${receiver.requests.length} requests`);
    await until(async () => (await gateway.metric('holdfast_dead_letters', { subscriber: 'app' })) === 1, {
      what: 'one dead letter',
    });
    const ids = receiver.requests.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'no two batches share an id');
  });
});

describe('a bounded backlog', { skip: needs('mosquitto') }, () => {
  it('of an app that is away gives up the oldest, says and counts it; the app gets the rest', async (t) => {
    const { broker, gateway, receiver } = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        subscribers: [
          {
            id: 'app',
            url: receiverUrl,
            topics: ['devices/#'],
            maxBacklog: { records: 300 },
            breaker: { openFor: '500ms' },
          },
        ],
      }),
    });
    let away = true;
    receiver.answer = () => (away ? { status: 503, headers: { 'retry-after': '1' } } : {});
    await publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT }).done;
    const discarded = (): Promise<number> =>
      gateway.metric('holdfast_discarded_records_total', { subscriber: 'app', reason: 'backlog-full' });
    const lag = (): Promise<number> => gateway.metric('holdfast_subscriber_lag_records', { subscriber: 'app' });
    await until(async () => (await discarded()) + (await lag()) === COUNT && (await lag()) <= 316, {
      what: async () => `${await discarded()} given up, ${await lag()} waiting`,
    });
    away = false;
    const kept = COUNT - (await discarded());
    await receiver.waitFor(kept);
    assert.equal(receiver.deliveredIds().size, COUNT - (await discarded()));
    assert.ok(kept >= 300);
    assert.ok(gateway.logs.some(({ msg, level }) => level === 'error' && msg.includes('backlog were given up')));
  });
});
