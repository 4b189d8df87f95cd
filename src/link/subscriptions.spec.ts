import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AcknowledgedSubscription } from '../domain/journal.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { Subscriptions } from './subscriptions.js';

function wanted(filter: string, qos: 0 | 1 | 2 = 1): SubscriptionSettings {
  return { name: filter, filter, qos, overlap: 'refuse' };
}

/** A broker that refuses what is in `deny` and remembers what it was asked. */
function broker(deny: string[] = []) {
  const asked: string[] = [];
  const saved: AcknowledgedSubscription[] = [];
  const dropped: string[] = [];
  return {
    asked,
    saved,
    droppedFilters: dropped,
    subscribe: (filter: string, qos: number) => {
      asked.push(`+${filter}`);
      return Promise.resolve(deny.includes(filter) ? 0x87 : qos);
    },
    unsubscribe: (filter: string) => {
      asked.push(`-${filter}`);
      return Promise.resolve();
    },
    acknowledged: (subscription: AcknowledgedSubscription) => void saved.push(subscription),
    dropped: (filter: string) => void dropped.push(filter),
  };
}

describe('subscriptions', () => {
  it('a denied filter does not take the others with it, and is asked for again', async () => {
    const subscriptions = new Subscriptions([wanted('a'), wanted('b'), wanted('c')]);
    const port = broker(['b']);
    await subscriptions.reconcile(port);
    assert.deepEqual(
      port.saved.map(({ filter }) => filter),
      ['a', 'c'],
    );
    assert.deepEqual([...subscriptions.denied], [['b', 0x87]]);
    const again = broker();
    await subscriptions.reconcile(again);
    assert.deepEqual(again.asked, ['+b']);
    assert.equal(subscriptions.denied.size, 0);
  });

  it('a filter added while down is subscribed, a removed one is unsubscribed, the rest is left alone', async () => {
    const subscriptions = new Subscriptions([wanted('kept'), wanted('added')]);
    subscriptions.load([
      { filter: 'kept', qos: 1 },
      { filter: 'removed', qos: 1 },
    ]);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['-removed', '+added']);
    assert.deepEqual(port.droppedFilters, ['removed']);
  });

  it('another QoS is asked for', async () => {
    const subscriptions = new Subscriptions([wanted('a', 2)]);
    subscriptions.load([{ filter: 'a', qos: 1 }]);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.saved, [{ filter: 'a', qos: 2 }]);
  });

  it('a new session has everything subscribed again', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    await subscriptions.reconcile(broker());
    subscriptions.load([]);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['+a']);
  });

  it('in doubt asks for everything again, and still drops what is no longer wanted', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    subscriptions.load([
      { filter: 'a', qos: 1 },
      { filter: 'old', qos: 1 },
    ]);
    subscriptions.doubt();
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['-old', '+a']);
  });
});
