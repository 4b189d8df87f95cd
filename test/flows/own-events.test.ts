/** What the gateway tells of itself reaches whoever asks for it, and nobody else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { startReceiver } from '../support/receiver.js';
import { startProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

type Event = { [name: string]: unknown };

describe('own events', { skip: needs('mosquitto') }, () => {
  it('a drop with its cause, a dead letter and a subscriber that is gone are told, each once', async (t) => {
    const watcher = await startReceiver();
    const failing = await startReceiver({
      answer: ({ body }) => ({ status: body.toString() === 'leave' ? 410 : 400 }),
    });
    const proxy = await startProxy(0);
    t.after(() => Promise.all([watcher.stop(), failing.stop(), proxy.stop()]));
    const { gateway, broker, receiver } = await startFlow(t, {
      config: ({ brokerUrl, receiverUrl }) => {
        proxy.aim(Number(new URL(brokerUrl).port));
        return {
          broker: { url: `mqtt://127.0.0.1:${proxy.port}` },
          subscribers: [
            { id: 'app', url: receiverUrl, topics: ['#'] },
            { id: 'bad', url: failing.url, topics: ['devices/#'], concurrency: 1 },
            { id: 'watcher', url: watcher.url, topics: ['$holdfast/#'], ordering: 'topic' },
          ],
        };
      },
    });
    const told = (topic: string): Event[] =>
      watcher.requests
        .filter((request) => request.topic === `$holdfast/${topic}`)
        .map(({ body }) => JSON.parse(body.toString()) as Event);
    const once = async (topic: string, expected: Event): Promise<void> => {
      await until(() => told(topic).length > 0, { what: () => `${topic}\n${gateway.report}` });
      assert.equal(told(topic).length, 1);
      assert.partialDeepStrictEqual(told(topic)[0], expected);
    };
    const device = await connectAsync(broker.url);
    t.after(() => device.endAsync(true));
    await device.publishAsync('devices/1/telemetry', 'broken', { qos: 1 });
    const letter = { subscriber: 'bad', topic: 'devices/1/telemetry', reason: 'status', status: 400, attempts: 1 };
    await once('subscriber/dead-letter', letter);
    await device.publishAsync('devices/1/telemetry', 'leave', { qos: 1 });
    await once('subscriber/state', { subscriber: 'bad', state: 'gone' });
    proxy.reset();
    await once('link/down', { cause: 'network' });
    await gateway.linkUp();
    await until(() => told('link/up').some(({ reconnect }) => reconnect === true), {
      what: 'the link to be told as up',
    });
    assert.ok(receiver.requests.every(({ topic }) => !topic.startsWith('$holdfast/')));
  });

  it('thousands that expire at once are told, each of them', async (t) => {
    const COUNT = 6_000;
    const watcher = await startReceiver();
    const dead = await startReceiver({ answer: () => ({ status: 429, headers: { 'retry-after': '3600' } }) });
    t.after(() => Promise.all([watcher.stop(), dead.stop()]));
    const { gateway, broker } = await startFlow(t, {
      config: () => ({
        subscribers: [
          {
            ...{ id: 'dead', url: dead.url, topics: ['devices/#'], concurrency: 1 },
            ...{ retry: { maxAge: '3s' }, breaker: { openFor: '1s' } },
          },
          { id: 'watcher', url: watcher.url, topics: ['$holdfast/subscriber/dead-letter'] },
        ],
      }),
    });
    // When it is resumed, all that waits is of the same age.
    await gateway.post('/v1/subscribers/dead/pause', {});
    await publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT }).done;
    await gateway.post('/v1/subscribers/dead/resume', {});
    const positions = (): Set<unknown> =>
      new Set(watcher.requests.map(({ body }) => (JSON.parse(body.toString()) as Event)['position']));
    await watcher.waitFor(COUNT, 60_000);
    assert.equal(positions().size, COUNT);
    assert.ok(!gateway.logs.some(({ msg }) => msg.includes('found no place')));
  });
});
