/** Subscribers of a configuration file that was read again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../domain/subscriber.js';
import { SUBSCRIBERS_MAX } from './file-change.js';
import { FREE, House, started, URL_A } from './registry.fixture.js';

function one(id: string, more: Partial<SubscriberSettings> = {}): SubscriberSettings {
  const defaults = SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings;
  return { ...defaults, id, url: `${URL_A}?key=1`, topics: ['#'], ...more };
}

function shown(house: House): string[] {
  return house.registry.list().map(({ id, source, state }) => `${id} ${source} ${state}`);
}

describe('a file with other subscribers', () => {
  it('new ones start, changed ones change, and those that are as they were are not touched', async () => {
    const house = await started(new House(), ['file', 'other']);
    const before = house.served.get('other');
    const next = [one('new'), one('file', { headers: { a: 'b' } }), one('other')];
    assert.deepEqual(await house.registry.configure(next), []);
    assert.deepEqual(shown(house), ['file file active', 'other file active', 'new file active']);
    assert.equal(house.served.get('other'), before);
    assert.deepEqual(house.served.get('file')!.settings.headers, { a: 'b' });
    assert.deepEqual(house.said, ['added new']);
    assert.deepEqual(house.registry.configured.map(({ id }) => id).sort(), ['file', 'new', 'other']);
    await assert.rejects(house.put('new'), { code: 'SUBSCRIBER_READ_ONLY' });
  });

  it('one that is gone is forgotten when it has had everything, and held while something waits for it', async () => {
    const house = await started(new House(), ['done', 'behind', 'unread']);
    assert.deepEqual(await house.registry.configure([one('behind'), one('unread')]), []);
    assert.deepEqual(house.said, ['removed done']);
    house.lag = 3;
    await house.registry.configure([one('unread')]);
    house.lag = 0;
    house.done = false; // the journal has records that delivery has not been told of
    await house.registry.configure([]);
    assert.deepEqual(shown(house), ['behind absent paused', 'unread absent paused']);
    await assert.rejects(house.registry.resume('behind'), { code: 'SUBSCRIBER_ABSENT' });
    assert.equal((await house.put('behind')).subscriber.source, 'registered');
    await house.registry.configure([one('unread')]);
    assert.deepEqual(shown(house), ['behind registered active', 'unread file active']);
    assert.deepEqual(house.held, ['behind', 'unread'], 'what nobody served is as old as its return');
  });

  it('a pause outlives the absence; another address wakes one that was gone', async () => {
    const house = await started(new House(), ['paused', 'gone']);
    await house.registry.pause('paused');
    house.answers410('gone');
    await house.registry.pause('paused');
    house.lag = 1;
    await house.registry.configure([one('gone', { concurrency: 2 })]);
    assert.deepEqual(shown(house), ['paused absent paused', 'gone file gone']);
    await house.registry.configure([one('gone', { url: 'http://b/' }), one('paused')]);
    assert.deepEqual(shown(house), ['paused file paused', 'gone file active']);
  });

  it('one that is registered, too, is served as the file says, and as it was registered once the file has it no longer', async () => {
    const house = await started(new House(), []);
    await house.put('app', { headers: { a: 'rest' } });
    await house.registry.configure([one('app', { headers: { a: 'file' } })]);
    assert.equal(house.said.at(-1), 'impaired app: it is registered too; the one in the configuration is served');
    assert.deepEqual([house.registry.get('app').source, house.registry.get('app').config], ['file', undefined]);
    await assert.rejects(house.registry.remove('app', true), { code: 'SUBSCRIBER_READ_ONLY' });
    house.lag = 1;
    await house.registry.configure([]);
    assert.deepEqual(house.served.get('app')!.settings.headers, { a: 'rest' });
    assert.deepEqual(house.registry.get('app').config!['headers'], { a: '********' });
  });

  it('what was registered and cannot be used any more keeps its place', async () => {
    const house = new House(new Set(['app']));
    house.kept.set('app', {});
    await started(house, ['app']);
    await house.registry.configure([]);
    assert.deepEqual(shown(house), ['app absent paused']);
  });

  it('narrower topics leave behind what is not read yet, which is told; what waits for a retry is given', async () => {
    const house = await started(new House(), ['file']);
    house.topics.push('', 'b', 'a/1', 'b', 'c', 'b'); // positions 1 to 5, the cursor is at 1
    for (const position of [1, 3]) house.waiting.push({ position } as (typeof house.waiting)[0]);
    await house.registry.configure([one('file', { topics: ['a/+'] })]);
    assert.deepEqual(house.said, ['2 of file passed over']);
    assert.deepEqual(house.discarded, []);
    await house.registry.configure([one('file', { topics: ['a/+', 'x'] })]);
    assert.equal(house.said.length, 1);
  });

  it('what fails stays as it was, the rest is in force, and the next time it is tried again', async () => {
    const house = await started(new House(), ['leaves', 'stays']);
    house.disk = 'full';
    const next = [one('stays', { concurrency: 2 }), one('new')];
    const failed = await house.registry.configure(next);
    assert.deepEqual(
      failed.map(({ id, error }) => [id, (error as { code: string }).code]),
      ['leaves', 'stays', 'new'].map((id) => [id, 'JOURNAL_FULL']),
    );
    assert.deepEqual(shown(house), ['leaves file active', 'stays file active']);
    assert.equal(house.served.get('stays')!.settings.concurrency, 16);
    house.disk = 'well';
    assert.deepEqual(await house.registry.configure(next), []);
    assert.deepEqual(shown(house), ['stays file active', 'new file active']);
    assert.equal(house.served.get('stays')!.settings.concurrency, 2);
  });
});

describe('what a file may not hold', () => {
  it('the id of a handler, whether it is new or not', async () => {
    const house = new House();
    house.rows.set('left', { topics: ['#'], hold: FREE });
    const sender = { send: () => Promise.resolve({ kind: 'delivered' } as const), close: () => Promise.resolve() };
    await house.registry.start([{ settings: one('handler:#'), sender, source: 'handler' }]);
    const unfit = house.registry.unfit([one('left'), one('handler:#')]);
    assert.deepEqual(
      unfit.map(({ index }) => index),
      [1],
    );
    assert.match(unfit[0]!.message, /handler/);
  });

  it('more than may be served with those that are registered; fewer than before always', async () => {
    const file = Array.from({ length: SUBSCRIBERS_MAX - 1 }, (_, i) => `f${i}`);
    const house = await started(new House(), file);
    await house.put('app');
    const all = file.map((id) => one(id));
    assert.equal(house.registry.unfit([...all, one('new')]).length, 1);
    assert.deepEqual(house.registry.unfit([...all, one('app')]), []);
    assert.deepEqual(house.registry.unfit([...all.slice(1), one('new')]), []);
    assert.deepEqual(await house.registry.configure([...all.slice(1), one('new')]), []);
    assert.equal(house.registry.list().length, SUBSCRIBERS_MAX);
  });

  it('more than may be with those that would be held: refused whole, and said how many; a file that only takes out is not', async () => {
    const old = Array.from({ length: 600 }, (_, i) => `old${i}`);
    const next = Array.from({ length: 600 }, (_, i) => one(`new${i}`));
    const house = await started(new House(), old);
    assert.deepEqual(house.registry.unfit(next), [], 'all of the old have had everything');
    house.replays = [{ from: 1, through: 2, position: 0 }];
    assert.equal(house.registry.unfit(next).length, 1);
    house.replays = [];
    house.lag = 1;
    const [problem, ...others] = house.registry.unfit(next);
    assert.match(problem!.message, /^are 600, and 600 more are known .* 600 of those would be held/);
    assert.match(problem!.mend, /DELETE .*discardBacklog=true.*restart/);
    assert.deepEqual(others, []);
    assert.deepEqual(house.registry.unfit([one('old0'), ...next.slice(0, 400)]), [], '599 are held, and 401 served');
    assert.deepEqual(house.registry.unfit([]), []);
    assert.deepEqual(await house.registry.configure([]), []);
    assert.match(house.registry.unfit(next)[0]!.message, /600 of those would be held/);
    assert.deepEqual(house.registry.unfit(next.slice(0, 400)), []);
  });

  it('one that stays against all that was known does not leave the file half in force', async () => {
    const old = Array.from({ length: 600 }, (_, i) => `old${i}`);
    const next = Array.from({ length: 600 }, (_, i) => one(`new${i}`));
    const house = await started(new House(), old);
    house.done = false; // the journal has records that delivery has not been told of
    assert.deepEqual(house.registry.unfit(next), []);
    assert.deepEqual(await house.registry.configure(next), []);
    assert.equal(shown(house).filter((line) => line.includes(' file ')).length, 600);
    assert.equal(house.registry.list().length, 1_200);
    await assert.rejects(house.put('app'), { code: 'SUBSCRIBER_LIMIT' });
    assert.deepEqual(house.registry.unfit(next), [], 'and the same file can be read again');
  });
});
