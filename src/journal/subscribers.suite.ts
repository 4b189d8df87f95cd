/** What every adapter of the Journal port must keep of subscribers. Called as `journalSuite` is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { packMessages } from '../domain/message.js';
import { messages, until, type OpenJournal } from './journal.suite.js';
import { LATER_LOOKED_AT_MAX } from './subscribers.js';

export function subscribersSuite(
  name: string,
  open: (directory: string) => Promise<OpenJournal>,
  directory: () => string,
): void {
  const subscriber = { id: 'app', topics: ['#'], startFrom: 'earliest' as const };

  describe(`${name}: who the subscribers are`, () => {
    it('a registration outlives a kill, keeps its place when it changes, and is gone once it is removed', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.append(packMessages(messages(0, 10)));
      const body = { url: 'http://a', topics: ['#'], signing: { secrets: ['s'] } };
      const { journal } = first;
      const added = await journal.saveRegistration({ id: 'app', body }, { ...subscriber, startFrom: 'now' }, []);
      const { freshAt } = added;
      assert.ok(Date.now() - freshAt < 10_000 && freshAt <= Date.now(), `${freshAt}`);
      assert.deepEqual(added, { id: 'app', topics: ['#'], cursor: 10, hold: { paused: false, gone: '' }, freshAt });
      assert.deepEqual((await journal.stats()).deadLetters, { app: 0 });
      first.kill();
      const second = await open(place);
      assert.deepEqual(second.reader.registrations(), [{ id: 'app', body }]);
      const changed = { id: 'app', body: { ...body, url: 'http://b' } };
      await second.journal.settle([
        {
          subscriber: 'app',
          cursor: 10,
          waiting: [4, 5].map((position) => ({
            ...{ subscriber: 'app', position, key: '', attempts: 1, dueAt: 1, reason: 'status' },
          })),
          released: [],
          dead: [],
        },
      ]);
      const again = await second.journal.saveRegistration(changed, { ...subscriber, topics: ['devices/1/#'] }, [4]);
      assert.deepEqual([again.cursor, again.topics, again.freshAt], [10, ['devices/1/#'], freshAt]);
      assert.deepEqual(second.reader.registrations(), [changed]);
      assert.deepEqual(
        second.reader.waiting('app').map(({ position }) => position),
        [5],
      );
      await second.journal.removeSubscriber('app');
      second.kill();
      const third = await open(place);
      assert.deepEqual(
        [third.reader.registrations(), third.reader.progress(), third.reader.waiting('app')],
        [[], [], []],
      );
      await until(
        async () => (await third.journal.stats()).records === 0 || (await third.journal.admit(10, []), false),
      );
      third.kill();
    });

    it('a hold outlives a kill and a registration anew', async () => {
      const place = directory();
      const first = await open(place);
      await first.journal.registerSubscribers([subscriber]);
      await first.journal.holdSubscriber('app', { paused: true, gone: 'status 410' });
      first.kill();
      const second = await open(place);
      const [known] = await second.journal.registerSubscribers([subscriber]);
      assert.deepEqual(known!.hold, { paused: true, gone: 'status 410' });
      await second.journal.holdSubscriber('app', { paused: false, gone: '' });
      assert.deepEqual(second.reader.progress()[0]!.hold, { paused: false, gone: '' });
      second.kill();
    });

    it('since when it is there, or was woken, outlives a kill; nothing else is that', async () => {
      const place = directory();
      const first = await open(place);
      const [added] = await first.journal.registerSubscribers([subscriber]);
      const freshAt = (opened: OpenJournal): number => opened.reader.progress()[0]!.freshAt;
      assert.equal(freshAt(first), added!.freshAt);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await first.journal.holdSubscriber('app', { paused: true, gone: '' });
      await first.journal.holdSubscriber('app', { paused: false, gone: 'status 410' });
      first.kill();
      const second = await open(place);
      await second.journal.registerSubscribers([subscriber]);
      assert.equal(freshAt(second), added!.freshAt);
      await second.journal.holdSubscriber('app', { paused: false, gone: '' });
      const woken = freshAt(second);
      assert.ok(woken > added!.freshAt);
      second.kill();
      const third = await open(place);
      assert.equal(freshAt(third), woken);
      third.kill();
    });

    it('another ordering: rows that wait keep nothing of the keys of the one before', async () => {
      const opened = await open(directory());
      await opened.journal.append(packMessages(messages(0, 4)));
      const sent = messages(0, 4);
      const bytes = sent[0]!.payload.length; // the same for all of them
      const row = { subscriber: 'app', key: 'k', attempts: 1, dueAt: 5, reason: 'status', bytes };
      const waiting = [
        { ...row, position: 1, receivedAt: sent[0]!.receivedAt },
        { ...row, position: 4, attempts: 0, dueAt: null, receivedAt: sent[3]!.receivedAt },
      ];
      const loose = [
        { ...waiting[0]!, key: '' },
        { ...waiting[1]!, key: '', dueAt: 0 },
      ];
      const byA = { ordering: 'key', key: '/a' };
      for (const ordering of [{ ordering: 'topic' }, byA, { ...byA, key: '/b' }, { ordering: 'none' }]) {
        await opened.journal.registerSubscribers([{ ...subscriber, ...ordering }]);
        assert.deepEqual(opened.reader.waiting('app'), ordering.ordering === 'topic' ? [] : loose);
        await opened.journal.settle([{ subscriber: 'app', cursor: 4, waiting, released: [], dead: [] }]);
        await opened.journal.registerSubscribers([{ ...subscriber, ...ordering }]);
        assert.deepEqual(opened.reader.waiting('app'), waiting);
      }
      opened.kill();
    });

    it('one that is taken out while others are served: so many later records are looked at, and all of them at a start', async () => {
      const place = directory();
      const first = await open(place);
      const none = (id: string): typeof subscriber => ({ ...subscriber, id, topics: ['none'] });
      await first.journal.registerSubscribers([none('near'), none('far'), subscriber]);
      await first.journal.append(packMessages(messages(0, LATER_LOOKED_AT_MAX + 1)));
      assert.equal(await first.journal.retireSubscriber('far', 0), false, 'nobody has looked at the last');
      assert.equal(await first.journal.retireSubscriber('near', 1), true);
      first.kill();
      const second = await open(place);
      await second.journal.registerSubscribers([subscriber]);
      assert.deepEqual(
        second.reader.progress().map(({ id }) => id),
        ['app'],
      );
      second.kill();
    });
  });
}
