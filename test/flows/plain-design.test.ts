/** Three failures that a plain design has: positions that repeat, filters nobody subscribes, a topic that holds all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

describe('what a plain design gets wrong', { skip: needs('mosquitto') }, () => {
  it('the journal empties and the gateway restarts: no position comes twice, and what is new is delivered', async (t) => {
    const flow = await startFlow(t, { config: () => ({ journal: { directory: './data', retention: '0s' } }) });
    const { broker, receiver } = flow;
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 100 }).done;
    await receiver.waitFor(100);
    const records = (): Promise<number> => flow.gateway.metric('holdfast_journal_records');
    await until(async () => (await records()) === 0, { what: async () => `an empty journal, not ${await records()}` });
    assert.deepEqual(await flow.gateway.stop(), { code: 0, signal: null });
    await flow.restart();
    assert.equal(await records(), 0);
    await publishNumbered({ url: broker.url, topics: TOPICS, from: 100, count: 100 }).done;
    await receiver.waitFor(200);
    assert.equal(assertNumbered(receiver, TOPICS, 200), 0);
    const positions = receiver.requests.map(({ sequence }) => sequence);
    assert.equal(new Set(positions).size, 200);
    assert.ok(Math.min(...positions.slice(100)) > Math.max(...positions.slice(0, 100)), 'positions only grow');
  });

  it('a filter added while the gateway is down is subscribed after the restart, a removed one is unsubscribed', async (t) => {
    const flow = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        subscriptions: [{ filter: 'old/+' }, { filter: 'kept/+' }],
        subscribers: [{ id: 'app', url: receiverUrl, topics: ['#'] }],
      }),
    });
    const { broker, receiver, config } = flow;
    await flow.gateway.stop();
    config['subscriptions'] = [{ filter: 'kept/+' }, { filter: 'new/+' }];
    await flow.restart();
    assert.equal(await flow.gateway.metric('holdfast_link_session_resumes_total', { result: 'resumed' }), 1);
    // Its answer shows that what was asked before it is settled at the broker.
    await until(
      async () => {
        await publishNumbered({ url: broker.url, topics: ['old/1', 'new/1', 'kept/1'], count: 3 }).done;
        return receiver.requests.some(({ topic }) => topic === 'new/1');
      },
      { everyMs: 100, what: 'a message of the new filter' },
    );
    receiver.requests.length = 0;
    await publishNumbered({ url: broker.url, topics: ['old/1', 'kept/1', 'new/1'], count: 3 }).done;
    await receiver.waitFor(({ requests }) => requests.some(({ topic }) => topic === 'new/1'));
    assert.ok(receiver.requests.some(({ topic }) => topic === 'kept/1'));
    assert.ok(!receiver.requests.some(({ topic }) => topic === 'old/1'), 'the removed filter is silent');
  });

  it('an ordered subscriber, one failing topic with more than a window of traffic: the other topics flow', async (t) => {
    const flow = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        subscribers: [
          {
            id: 'app',
            url: receiverUrl,
            topics: ['devices/#'],
            ordering: 'topic',
            retry: { schedule: ['5m'] },
            breaker: { failures: 1_000 },
          },
        ],
      }),
    });
    const { broker, receiver, gateway } = flow;
    const failing = 'devices/13/telemetry';
    receiver.answer = ({ topic }) => (topic === failing ? { status: 500 } : undefined);
    // A window is 1 024 records; the failing topic alone fills it twice.
    await publishNumbered({ url: broker.url, topics: [failing], count: 2_100 }).done;
    const healthy = TOPICS.filter((topic) => topic !== failing);
    await publishNumbered({ url: broker.url, topics: healthy, count: 500 }).done;
    await receiver.waitFor(500);
    assert.equal(await gateway.metric('holdfast_subscriber_lag_records'), 2_100, 'the failing topic waits, visibly');
    assert.equal(receiver.requests.filter(({ topic }) => topic === failing).length, 1, 'held behind its first');
    await flow.gateway.stop();
    await flow.restart();
    assert.equal(await flow.gateway.metric('holdfast_subscriber_lag_records'), 2_100, 'also after a restart');
  });
});
