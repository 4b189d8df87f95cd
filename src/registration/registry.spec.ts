import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HoldfastError } from '../domain/errors.js';
import type { Filter } from '../domain/filter.js';
import { FREE, House, NOW, started, URL_A } from './registry.fixture.js';
import { SUBSCRIBERS_MAX } from './file-change.js';

describe('the registry at the start', () => {
  it('serves the file, what was registered, and holds what nobody serves any more', async () => {
    const house = new House(new Set(['bad']));
    house.rows.set('old', { topics: ['old/#'], hold: FREE });
    house.rows.set('mine', { topics: ['#'], hold: { paused: false, gone: 'status 410' } });
    house.rows.set('bad', { topics: ['bad/#'], hold: FREE });
    for (const id of ['mine', 'bad', 'file']) house.kept.set(id, { url: URL_A, topics: ['#'] });
    await started(house);
    const views = house.registry.list().map(({ id, source, state, topics }) => [id, source, state, ...topics]);
    assert.deepEqual(views.sort(), [
      ['bad', 'absent', 'paused', 'bad/#'],
      ['file', 'file', 'active', '#'],
      ['mine', 'registered', 'gone', '#'],
      ['old', 'absent', 'paused', 'old/#'],
    ]);
    for (const id of ['bad', 'file', 'mine', 'old']) {
      assert.ok(
        house.said.some((line) => line.startsWith(`impaired ${id}:`)),
        id,
      );
    }
    assert.equal(house.registry.get('file').url, `${URL_A}?********`);
    assert.equal((await house.put('bad2')).created, true);
  });

  it('since when each is there goes along; one that nobody served is woken when it is registered anew', async () => {
    const house = new House();
    house.rows.set('old', { topics: ['#'], hold: FREE });
    await started(house);
    assert.equal(house.served.get('file')!.freshAt, NOW);
    await house.put('new');
    assert.deepEqual([house.served.get('new')!.freshAt, house.held], [NOW, []]);
    await house.put('old');
    await house.put('old', { concurrency: 2 });
    assert.deepEqual(house.held, ['old']);
  });

  it('until when one is sent nothing is shown as a time, and only then', async () => {
    const house = await started();
    assert.equal('heldUntil' in house.registry.get('file'), false);
    house.heldUntil = Date.UTC(2026, 0, 31, 12);
    assert.equal(house.registry.get('file').heldUntil, '2026-01-31T12:00:00.000Z');
  });
});

describe('registering', () => {
  it('is kept before it is served; without room nothing is', async () => {
    const house = await started();
    house.disk = 'full';
    await assert.rejects(house.put('app'), { code: 'JOURNAL_FULL' });
    assert.deepEqual([house.served.has('app'), house.registry.list().length], [false, 1]);
    house.disk = 'well';
    const { created, subscriber } = await house.put('app', { headers: { a: 'secret' } });
    assert.deepEqual([created, subscriber.config], [true, { url: URL_A, topics: ['#'], headers: { a: '********' } }]);
    assert.deepEqual(house.kept.get('app'), { url: URL_A, topics: ['#'], headers: { a: 'secret' } });
    assert.equal((await house.put('app', { id: 'app', headers: { a: '********' } })).created, false);
    assert.deepEqual(house.kept.get('app')!['headers'], { a: 'secret' });
    assert.ok(!('id' in house.kept.get('app')!));
  });

  it('is refused where registration.allow has nothing, and changes nothing', async () => {
    const house = await started();
    house.refusal = 'no';
    await assert.rejects(house.put('app'), { code: 'URL_FORBIDDEN' });
    assert.deepEqual([house.kept.size, house.served.size], [0, 1]);
  });

  it('a place that is yet to come is no place to start from; to a subscriber that is there it means nothing', async () => {
    const house = await started();
    for (const startFrom of [{ time: NOW + 3_600_000 }, { position: 22 }]) {
      await assert.rejects(house.put('app', { startFrom }), (error: HoldfastError) => {
        assert.match(JSON.stringify(error.details), /"pointer":"\/startFrom"/);
        return error.code === 'REQUEST_INVALID';
      });
    }
    assert.equal(house.served.has('app'), false);
    assert.equal((await house.put('app', { startFrom: { position: 21 } })).created, true);
    assert.equal((await house.put('app', { startFrom: { time: NOW + 3_600_000 } })).created, false);
    assert.equal((await house.put('late', { startFrom: { time: NOW + 10_000 } })).created, true);
  });

  it('ends at the limit; those that are there may change', async () => {
    const file = Array.from({ length: SUBSCRIBERS_MAX - 1 }, (_, i) => `f${i}`);
    const house = await started(new House(), file);
    await house.put('last');
    await assert.rejects(house.put('more'), { code: 'SUBSCRIBER_LIMIT' });
    assert.equal((await house.put('last')).created, false);
    await house.registry.remove('last', false);
    assert.equal((await house.put('more')).created, true);
  });

  it('a change that hangs holds up no other subscriber', async () => {
    const house = await started();
    await house.put('app');
    let end: () => void = () => undefined;
    house.beforeChange = (): Promise<void> => new Promise((resolve) => (end = resolve));
    const changes = [house.put('app', { n: 1 }), house.registry.pause('app')];
    assert.equal((await house.put('other')).created, true);
    assert.equal((await house.registry.pause('file')).state, 'paused');
    assert.equal(house.registry.get('app').state, 'active');
    end();
    await Promise.all(changes);
    assert.equal(house.registry.get('app').state, 'paused');
  });

  it('changes come one after the other', async () => {
    const house = await started();
    const all = await Promise.all([1, 2, 3].map((n) => house.put('app', { n })));
    assert.deepEqual(
      all.map(({ created }) => created),
      [true, false, false],
    );
    assert.equal(house.kept.get('app')!['n'], 3);
  });
});

describe('what a change would lose', () => {
  it('is counted over backlog and waiting rows, refused, and given up when asked', async () => {
    const house = await started();
    await house.put('app', { topics: ['a/#', 'b'] });
    house.topics.push('', 'b', 'a/1', 'b', 'c', 'b'); // positions 1 to 5, the cursor is at 1
    for (const position of [1, 3]) house.waiting.push({ position } as (typeof house.waiting)[0]);
    await assert.rejects(house.put('app', { topics: ['a/+'] }), (error: HoldfastError) => {
      assert.deepEqual([error.code, error.details], ['BACKLOG_WOULD_BE_LOST', { lagRecords: 3 }]);
      return true;
    });
    assert.deepEqual(house.kept.get('app')!['topics'], ['a/#', 'b']);
    await house.put('app', { topics: ['b', 'a/#', 'c'] });
    assert.deepEqual(house.discarded, []);
    await house.put('app', { topics: ['c', 'a/+'] }, true);
    assert.deepEqual(house.discarded, [1, 3]);
    assert.equal(house.said.at(-2), 'discarded 3 of app');
  });

  it('a narrower content filter leaves behind what it does not select: that is read, record by record', async () => {
    const house = await started();
    const where = (value: string): Filter => ({ kind: 'exact', attribute: '/kind', value });
    await house.put('app', { topics: ['a', 'b'] });
    house.topics.push('', 'a', 'a', 'b', 'c', 'a', 'b'); // positions 1 to 6, the cursor is at 1
    for (const kind of ['', 'x', 'x', 'y', 'y', 'y', 'x']) house.payloads.push(JSON.stringify({ kind }));
    for (const position of [1, 3]) house.waiting.push({ position } as (typeof house.waiting)[0]);
    const lost = (lagRecords: number): object => ({ code: 'BACKLOG_WOULD_BE_LOST', details: { lagRecords } });
    await assert.rejects(house.put('app', { topics: ['a', 'b'], where: where('x') }), lost(2));
    await assert.rejects(house.put('app', { topics: ['a', 'b'], where: where('y') }), lost(3));
    await assert.rejects(house.put('app', { topics: ['b'], where: where('y') }), lost(4));
    await house.put('app', { topics: ['a', 'b'], where: where('x') }, true);
    assert.deepEqual([house.discarded, house.said.at(-2)], [[3], 'discarded 2 of app']);
    house.waiting.pop();
    // As before in other words, and wider: nothing is lost. What the filter before left out cannot be lost any more.
    await house.put('app', { topics: ['b', 'a'], where: where('x'), concurrency: 2 });
    await assert.rejects(house.put('app', { topics: ['b'], where: where('x') }), lost(2));
    await house.put('app', { topics: ['a', 'b', 'c'] });
    assert.deepEqual(house.discarded, []);
  });

  it('what waits and is not wanted any more is counted, also where the file said something else in between', async () => {
    const house = await started();
    await house.put('app', { topics: ['a'] });
    house.topics.push('', '', '', 'b');
    house.waiting.push({ position: 3 } as (typeof house.waiting)[0]);
    await assert.rejects(house.put('app', { topics: ['c'] }), { details: { lagRecords: 1 } });
    assert.deepEqual(house.discarded, []);
  });

  it('removing: refused while it has a backlog, and given up when asked', async () => {
    const house = await started();
    await house.put('app');
    house.lag = 7;
    await assert.rejects(house.registry.remove('app', false), { code: 'BACKLOG_WOULD_BE_LOST' });
    assert.ok(house.kept.has('app') && house.served.has('app'));
    house.replays = [{ from: 1, through: 9, position: 4 }];
    assert.deepEqual(await house.registry.remove('app', true), { id: 'app', discarded: 7, replays: 1 });
    assert.deepEqual(house.said.slice(-4), [
      'removed app',
      'removed app',
      'discarded 7 of app',
      '1 replays of app ended',
    ]);
    assert.throws(() => house.registry.get('app'), { code: 'NOT_FOUND' });
    await assert.rejects(house.registry.remove('app', true), { code: 'NOT_FOUND' });
    await assert.rejects(house.registry.remove('file', true), { code: 'SUBSCRIBER_READ_ONLY' });
    await assert.rejects(house.put('file'), { code: 'SUBSCRIBER_READ_ONLY' });
  });
});

describe('holds', () => {
  it('are kept before they hold, and what is not kept is told', async () => {
    const house = await started();
    house.answers410('file');
    await house.registry.pause('file');
    assert.deepEqual(house.rows.get('file')!.hold, { paused: true, gone: 'status 410' });
    await house.put('app');
    house.disk = 'full';
    await assert.rejects(house.registry.resume('file'), { code: 'JOURNAL_FULL' });
    assert.equal(house.registry.get('file').state, 'paused');
    house.answers410('app');
    house.registry.gone('nobody', 'status 410');
    await assert.rejects(house.registry.pause('app'), { code: 'JOURNAL_FULL' });
    assert.ok(house.said.includes('not saved app'));
    house.disk = 'well';
    assert.equal((await house.registry.resume('file')).state, 'active');
    assert.deepEqual(house.rows.get('file')!.hold, FREE);
  });

  it('a 410 that a change overtook is not kept', async () => {
    const house = await started();
    await house.put('app');
    const change = house.put('app', { url: 'http://b/' });
    house.answers410('app');
    await change;
    await house.put('other');
    assert.deepEqual([house.rows.get('app')!.hold, house.registry.get('app').state], [FREE, 'active']);
  });

  it('another url is not gone; the same one still is; a pause stays', async () => {
    const house = await started();
    await house.put('app');
    house.rows.get('app')!.hold = { paused: true, gone: 'status 410' };
    await house.put('app', { concurrency: 2 });
    assert.deepEqual(house.served.get('app')!.hold, { paused: true, gone: 'status 410' });
    await house.put('app', { url: 'http://b/' });
    assert.deepEqual(house.served.get('app')!.hold, { paused: true, gone: '' });
    assert.deepEqual(house.rows.get('app')!.hold, { paused: true, gone: '' });
  });
});

describe('a test', () => {
  it('is one at a time for each subscriber', async () => {
    const house = await started();
    const [one, other] = await Promise.all([house.registry.test('file'), house.registry.test('file')]);
    assert.deepEqual([one, house.tests], [other, 1]);
    await house.registry.test('file');
    assert.equal(house.tests, 2);
    await assert.rejects(house.registry.test('nobody'), { code: 'NOT_FOUND' });
  });
});
