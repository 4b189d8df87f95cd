import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UNANSWERED } from '../domain/journal.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import { broker, wanted, type Broker } from './subscriptions.fixture.js';
import { ANSWER_MS_MAX, Subscriptions } from './subscriptions.js';

describe('subscriptions that change while the link is up', () => {
  /** On a connection whose answers are given by hand. @returns them, by packet, oldest first */
  function live(subscriptions: Subscriptions): Broker & { answer: (packet: string, code?: number) => Promise<void> } {
    const waiting = new Map<string, (code: number) => void>();
    const wait = (packet: string): Promise<number> => {
      port.asked.push(packet);
      return new Promise((resolve) => waiting.set(packet, resolve));
    };
    const port = broker([], {
      subscribe: ({ filter, qos }) => wait(`+${filter}:${qos}`),
      unsubscribe: (filter) => wait(`-${filter}`).then(() => undefined),
    });
    subscriptions.begin(port);
    const answer = async (packet: string, code = 1): Promise<void> => {
      waiting.get(packet)!(code);
      await new Promise(setImmediate);
    };
    return Object.assign(port, { answer });
  }

  async function granted(...filters: string[]): Promise<Subscriptions> {
    const subscriptions = new Subscriptions(filters.map((filter) => wanted(filter)));
    await subscriptions.reconcile(broker());
    return subscriptions;
  }

  it('what is new is asked for, then what is gone is given up; another QoS is asked for, another name is not', async (t) => {
    const subscriptions = await granted('a', 'b', 'c');
    const port = live(subscriptions);
    t.after(() => subscriptions.ended(false, 0));
    await new Promise(setImmediate);
    assert.deepEqual(port.asked, []);
    subscriptions.want([wanted('d'), wanted('a', 0), { ...wanted('b'), name: 'other' }]);
    assert.deepEqual(port.asked, ['+d:1', '+a:0']);
    await port.answer('+a:0', 0);
    await port.answer('+d:1');
    assert.deepEqual(port.asked.slice(2), ['-c']);
    await port.answer('-c');
    assert.deepEqual([port.droppedFilters, subscriptions.granted], [['c'], ['d', 'a', 'other']]);
    assert.equal(subscriptions.wanting, false);
  });

  it('changes while answers are out: the last one counts, in the order sent', async (t) => {
    const subscriptions = await granted('a');
    const port = live(subscriptions);
    t.after(() => subscriptions.ended(false, 0));
    await new Promise(setImmediate);
    subscriptions.want([wanted('a'), wanted('new')]);
    subscriptions.want([{ ...wanted('a'), name: 'other' }]);
    subscriptions.want([wanted('a')]);
    await port.answer('+new:1');
    assert.deepEqual([port.asked, port.answers], [['+new:1', '-new'], []], 'nobody asks for its answer any more');
    subscriptions.want([wanted('a'), wanted('new', 2)]);
    await port.answer('-new', 0);
    assert.deepEqual(port.asked.slice(2), ['+new:2']);
    await port.answer('+new:2', 0x87);
    assert.deepEqual([...subscriptions.denied], [['new', 0x87]]);
    subscriptions.want([wanted('a'), { ...wanted('new', 2), name: 'renamed' }]);
    assert.deepEqual([...subscriptions.denied], [['renamed', 0x87]]);
    await port.answer('+new:2', 2);
    assert.deepEqual(
      [port.answers.at(-1), subscriptions.granted],
      [
        ['renamed', 2],
        ['a', 'renamed'],
      ],
    );
  });

  it('one that is wanted again while it is given up, and that is not answered, is asked for behind it', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    const subscriptions = await granted('a', 'b');
    const port = live(subscriptions);
    t.after(() => subscriptions.ended(false, 0));
    await new Promise(setImmediate);
    subscriptions.want([wanted('a')]);
    await new Promise(setImmediate);
    subscriptions.want([wanted('a'), wanted('b')]);
    t.mock.timers.tick(ANSWER_MS_MAX);
    await new Promise(setImmediate);
    assert.deepEqual(port.asked, ['-b', '+b:1']);
    await port.answer('-b');
    await port.answer('+b:1');
    assert.deepEqual([subscriptions.granted, port.droppedFilters], [['a', 'b'], []], 'the late answer is an old one');
  });

  it('what may be known to the broker is written down first, and given up by whoever comes next', async (t) => {
    const kept = new Map<string, number>();
    const written = Promise.withResolvers<void>();
    const port = broker([], {
      asking: (filters) => {
        for (const filter of filters) kept.set(filter, UNANSWERED);
        return written.promise;
      },
      subscribe: ({ filter }) => {
        port.asked.push(filter);
        return filter === 'own' ? Promise.resolve(0) : new Promise(() => undefined);
      },
    });
    const first = new Subscriptions([wanted('a'), { name: 'canary', filter: 'own', qos: 0, own: true }]);
    t.after(() => first.ended(false, 0));
    first.begin(port);
    assert.deepEqual([[...kept], port.asked], [[['a', UNANSWERED]], ['own']]);
    written.resolve();
    await new Promise(setImmediate);
    assert.deepEqual(port.asked, ['own', 'a']);
    const table = Array.from(kept, ([filter, qos]) => ({ filter, qos }));
    for (const [filters, asked] of [
      [['b'], ['+b', '-a']],
      [['a'], ['+a']],
    ] as const) {
      const next = new Subscriptions(filters.map((filter) => wanted(filter)));
      next.load(table);
      assert.deepEqual(next.granted, []);
      const again = broker();
      await next.reconcile(again);
      assert.deepEqual([again.asked, again.droppedFilters], [asked, filters.includes('b' as never) ? ['a'] : []]);
    }
  });

  it('a broker whose subscriptions are used up is asked again once it has room', async () => {
    const subscriptions = await granted('a');
    subscriptions.want([wanted('b')]);
    const held = new Set(['a']);
    const port = broker([], {
      subscribe: ({ filter, qos }) => {
        port.asked.push(`+${filter}`);
        if (held.size > 0) return Promise.resolve(0x97);
        held.add(filter);
        return Promise.resolve(qos);
      },
      unsubscribe: (filter) => {
        port.asked.push(`-${filter}`);
        held.delete(filter);
        return Promise.resolve();
      },
    });
    await subscriptions.reconcile(port);
    assert.deepEqual([port.asked, subscriptions.granted], [['+b', '-a', '+b'], ['b']]);
  });

  it('a broker that hangs up when a filter is given up is spared that', async () => {
    const subscriptions = await granted('a', 'b');
    subscriptions.want([wanted('a')]);
    const spared: string[] = [];
    const connect = (now: number): string[] => {
      const port = broker([], {
        now: () => now,
        spared: (filter) => void spared.push(filter),
        unsubscribe: (filter) => {
          port.asked.push(`-${filter}`);
          return new Promise(() => undefined);
        },
      });
      void subscriptions.reconcile(port);
      return port.asked;
    };
    for (let hangUps = 1; hangUps <= 2; hangUps++) {
      assert.deepEqual(connect(0), hangUps === 1 ? [] : ['-b']);
      await new Promise(setImmediate);
      subscriptions.ended(true, 0);
      subscriptions.judged(SILENT_CLOSE, 'network', 0);
    }
    assert.deepEqual(connect(1), []);
    assert.deepEqual([subscriptions.wanting, spared], [true, ['b']], 'and tried again later');
    subscriptions.ended(false, 1);
    subscriptions.want([wanted('a'), wanted('b')]);
    const port = broker();
    await subscriptions.reconcile(port);
    assert.deepEqual(port.asked, ['+b'], 'wanted again, it is no suspect');
  });
});
