import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cause } from '../domain/cause.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import { broker, wanted } from './subscriptions.fixture.js';
import { ANSWER_MS_MAX, Subscriptions } from './subscriptions.js';
import { PROMPT_MS, QUARANTINE_MS } from './suspects.js';

const RESET = { ...SILENT_CLOSE, systemCode: 'ECONNRESET' };

/** One connection that ends while the missing filters are asked for and not answered. */
function cut(subscriptions: Subscriptions, cause: Cause = 'subscribe-denied', ended = SILENT_CLOSE, afterMs = 0): void {
  void subscriptions.reconcile(broker([], { subscribe: () => new Promise<number>(() => undefined) }));
  subscriptions.ended(true, afterMs);
  subscriptions.judged(ended, cause, afterMs);
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
    assert.deepEqual(port.asked, ['+added', '-removed'], 'in this order: both may bring the same');
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
    subscriptions.lost();
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
    assert.deepEqual(port.asked, ['+a', '-old']);
  });

  it('what the broker said it cannot do is not asked, and shows as denied', async () => {
    const subscriptions = new Subscriptions([wanted('a/+'), wanted('$share/g/b'), wanted('c')]);
    const port = broker([], { limits: { wildcardAvailable: false, sharedAvailable: false } });
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['+c']);
    assert.deepEqual([...subscriptions.denied].sort(), [
      ['$share/g/b', 0x9e],
      ['a/+', 0xa2],
    ]);
    await subscriptions.reconcile(broker());
    assert.equal(subscriptions.denied.size, 0, 'another broker can');
  });

  it('a filter on which the broker hangs up is found, and set aside: the others are subscribed', async () => {
    const subscriptions = new Subscriptions([wanted('a'), wanted('bad'), wanted('c')]);
    /** Hangs up at the bad one, as RabbitMQ does. @returns what was asked before */
    const connection = async (now: number): Promise<string[]> => {
      const never = new Promise<number>(() => undefined);
      const hangUp = Promise.withResolvers<void>();
      const port = broker([], {
        now: () => now,
        subscribe: (one) => {
          port.asked.push(one.filter);
          if (one.filter !== 'bad') return Promise.resolve(one.qos);
          hangUp.resolve();
          return never;
        },
      });
      await Promise.race([subscriptions.reconcile(port), hangUp.promise]);
      subscriptions.ended(port.asked.includes('bad'), now);
      subscriptions.judged(SILENT_CLOSE, 'subscribe-denied', now);
      return port.asked;
    };
    assert.deepEqual(await connection(0), ['a', 'bad', 'c']);
    assert.deepEqual(await connection(1), ['bad'], 'the others are subscribed; once may be chance');
    assert.ok(!(await connection(2)).includes('bad'), 'it is left alone');
    assert.deepEqual(subscriptions.granted, ['a', 'c']);
    assert.deepEqual([...subscriptions.denied], [['bad', null]]);
    assert.deepEqual(subscriptions.setAside, [['bad', 1 + QUARANTINE_MS]]);
    assert.deepEqual(await connection(2 + QUARANTINE_MS), ['bad'], 'and asked again much later');
  });

  it('a filter that is never answered does not hold up the others, however many there are', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const names = Array.from({ length: 40 }, (_, i) => `${i}`);
    const subscriptions = new Subscriptions(names.map((name) => wanted(name)));
    const port = broker([], {
      subscribe: ({ filter, qos }) => {
        port.asked.push(filter);
        return filter === '3' ? new Promise<number>(() => undefined) : Promise.resolve(qos);
      },
    });
    const reconciled = subscriptions.reconcile(port);
    await new Promise(setImmediate);
    assert.ok(port.asked.length < names.length);
    t.mock.timers.tick(ANSWER_MS_MAX);
    await reconciled;
    assert.deepEqual(
      subscriptions.granted,
      names.filter((name) => name !== '3'),
    );
    assert.deepEqual([port.silent, subscriptions.unanswered, subscriptions.wanting], [['3'], ['3'], true]);
    assert.deepEqual(subscriptions.outstanding, [], 'what ends the connection now is not the answer to it');
    const again = broker();
    await subscriptions.reconcile(again);
    assert.deepEqual(again.asked, ['+3'], 'and it is asked for again');
    assert.deepEqual([subscriptions.unanswered, subscriptions.wanting], [[], false]);
  });

  it('an answer that comes late counts, and a filter of a connection that is gone is not told as unanswered', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const subscriptions = new Subscriptions([wanted('late'), wanted('cut')]);
    const late = Promise.withResolvers<number>();
    const port = broker([], {
      subscribe: ({ filter }) => (filter === 'late' ? late.promise : new Promise(() => undefined)),
    });
    const reconciled = subscriptions.reconcile(port);
    t.mock.timers.tick(ANSWER_MS_MAX);
    await reconciled;
    late.resolve(1);
    await new Promise(setImmediate);
    assert.deepEqual([subscriptions.granted, subscriptions.unanswered], [['late'], ['cut']]);
    subscriptions.ended(false, 0);
    assert.deepEqual([subscriptions.unanswered, subscriptions.wanting], [[], false]);
    void subscriptions.reconcile(port);
    subscriptions.ended(false, 0);
    t.mock.timers.tick(ANSWER_MS_MAX);
    await new Promise(setImmediate);
    assert.deepEqual(port.silent, ['late', 'cut']);
  });

  it('an UNSUBSCRIBE that is never answered keeps nothing from being asked for', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const subscriptions = new Subscriptions([wanted('a')]);
    subscriptions.load([{ filter: 'old', qos: 1 }]);
    const port = broker([], { unsubscribe: () => new Promise(() => undefined) });
    const reconciled = subscriptions.reconcile(port);
    await new Promise(setImmediate);
    t.mock.timers.tick(ANSWER_MS_MAX);
    await reconciled;
    assert.deepEqual([port.asked, port.droppedFilters, subscriptions.wanting], [['+a'], [], true]);
  });

  it('a line that breaks at a SUBSCRIBE twice costs no subscription', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    for (let connects = 1; connects <= 4; connects++) {
      cut(subscriptions, 'network', RESET, PROMPT_MS);
      if (connects === 2) assert.equal(subscriptions.denied.size, 0);
    }
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual([port.asked, [...subscriptions.denied]], [[], [['a', null]]], 'four times may be its fault');
  });

  it('a reset that follows at once is an answer, as a close is', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    for (let connects = 1; connects <= 2; connects++) cut(subscriptions, 'network', RESET, PROMPT_MS - 1);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual([port.asked, [...subscriptions.denied]], [[], [['a', null]]]);
  });

  for (const anothers of [false, true]) {
    it(`a granted filter that was cut short twice is asked for again once somebody else is known to take the session${anothers ? ', and begins another' : ''}`, async () => {
      const subscriptions = new Subscriptions([wanted('a')]);
      await subscriptions.reconcile(broker());
      const connect = (): void => (anothers ? subscriptions.lost() : subscriptions.doubt());
      for (let cuts = 1; cuts <= 2; cuts++) {
        connect();
        assert.deepEqual(subscriptions.outstanding, []);
        cut(subscriptions);
      }
      connect();
      await subscriptions.reconcile(broker());
      assert.deepEqual([...subscriptions.denied], [['a', null]]);
      subscriptions.ended(true, 0);
      subscriptions.judged(SILENT_CLOSE, 'client-id-conflict', 0);
      const port = broker();
      await subscriptions.reconcile(port);
      assert.deepEqual([port.asked, [...subscriptions.denied]], [['+a'], []]);
    });
  }

  it('what was granted in a session before is told so', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    await subscriptions.reconcile(broker());
    const asked = (): boolean | undefined => {
      void subscriptions.reconcile(broker([], { subscribe: () => new Promise<number>(() => undefined) }));
      return subscriptions.outstanding[0]!.granted;
    };
    subscriptions.lost();
    assert.equal(asked(), true);
    subscriptions.ended(false, 0);
    subscriptions.forgetUser();
    assert.equal(asked(), false, 'to another user');
  });

  it('a granted filter that is set aside is asked for once more when the link has held without it', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    await subscriptions.reconcile(broker());
    const connect = async (): Promise<string[]> => {
      const port = broker();
      await subscriptions.reconcile(port);
      return port.asked;
    };
    subscriptions.lost();
    for (let cuts = 1; cuts <= 2; cuts++) cut(subscriptions);
    assert.deepEqual(await connect(), []);
    subscriptions.reprieve();
    cut(subscriptions);
    assert.deepEqual(await connect(), [], 'the broker hung up on it again');
    subscriptions.reprieve();
    assert.deepEqual(await connect(), [], 'so that it is left alone');
  });

  it('takeovers that are inferred while one filter is asked for, time and again, set it aside to see', async () => {
    const subscriptions = new Subscriptions([wanted('a'), wanted('b')]);
    await subscriptions.reconcile(broker());
    subscriptions.lost();
    for (let cuts = 1; cuts <= 5; cuts++) cut(subscriptions, 'client-id-conflict');
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['+b'], 'it does not keep the other from being asked for');
    subscriptions.ended(false, 0);
    subscriptions.judged(SILENT_CLOSE, 'client-id-conflict', 0);
    const again = broker();
    await subscriptions.reconcile(again);
    assert.deepEqual(again.asked, ['+a'], 'it was not the filter');
  });

  it('what nobody has ever granted stays suspect, whoever takes the session', async () => {
    const subscriptions = new Subscriptions([wanted('a')]);
    for (let cuts = 1; cuts <= 2; cuts++) cut(subscriptions);
    subscriptions.judged(SILENT_CLOSE, 'client-id-conflict', 0);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, []);
  });

  it('what belongs to the gateway itself is subscribed, and not shown as a subscription', async () => {
    const subscriptions = new Subscriptions([wanted('a'), { name: 'canary', filter: 'own', qos: 0, own: true }]);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['+a', '+own']);
    assert.deepEqual(subscriptions.granted, ['a']);
  });
});
