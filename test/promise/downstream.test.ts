/** Nothing downstream of the link drops the link, and no subscriber waits for another. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startFlow, TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { assertNumbered } from '../support/numbered.js';
import { freePort } from '../support/ports.js';
import { publishNumbered } from '../support/publisher.js';
import { startReceiver } from '../support/receiver.js';

const KEEPALIVE_MS = 5_000;
const PER_SECOND = 300;

describe('downstream', { skip: needs('mosquitto') }, () => {
  it('one answers after 30 s, one refuses, one throws sockets away: the healthy one gets everything', async (t) => {
    const slow = await startReceiver({ answer: () => ({ delayMs: 30_000 }) });
    const cutting = await startReceiver({ answer: () => ({ cut: true }) });
    t.after(() => Promise.all([slow.stop(), cutting.stop()]));
    const refusing = `http://127.0.0.1:${await freePort()}/`;
    const flow = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        session: { keepalive: `${KEEPALIVE_MS}ms` },
        subscribers: [
          { id: 'healthy', url: receiverUrl, topics: ['devices/#'], ordering: 'topic' },
          { id: 'slow', url: slow.url, topics: ['devices/#'], timeout: '1m', ordering: 'topic' },
          { id: 'refusing', url: refusing, topics: ['devices/#'] },
          { id: 'cutting', url: cutting.url, topics: ['devices/#'], ordering: 'topic' },
        ],
      }),
    });
    const { gateway, receiver, broker } = flow;
    // For longer than three keepalives.
    const count = (PER_SECOND * 3.4 * KEEPALIVE_MS) / 1_000;
    await publishNumbered({ url: broker.url, topics: TOPICS, count, perSecond: PER_SECOND }).done;
    await receiver.waitFor(count, 5_000);
    assert.equal(assertNumbered(receiver, TOPICS, count), 0);
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'no reconnect');
    assert.equal(await gateway.metric('holdfast_link_up'), 1);
    for (const subscriber of ['slow', 'refusing', 'cutting']) {
      const lag = await gateway.metric('holdfast_subscriber_lag_records', { subscriber });
      assert.equal(lag, count, `all of it waits, visibly, for ${subscriber}`);
    }
    assert.equal(await gateway.metric('holdfast_subscriber_state', { subscriber: 'cutting', state: 'broken' }), 1);
  });
});
