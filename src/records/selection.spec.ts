import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import {
  deadLetterFilter,
  listOf,
  recordQuery,
  rejectionFilter,
  selectionOfBody,
  selectionOfQuery,
} from './selection.js';

/** The pointers of everything that is wrong with it. */
function wrong(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof HoldfastError && error.code === 'REQUEST_INVALID', String(error));
    return (error.details['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
  }
  assert.fail('it was taken');
}

describe('a list that cannot be meant', () => {
  it('is refused with everything that is wrong at once', () => {
    const query = {
      limit: '0',
      order: 'up',
      after: '-1',
      from: 'yesterday',
      topic: 'a/#/b',
      subscribr: 'x',
      reason: '',
    };
    assert.deepEqual(wrong(() => listOf(query, deadLetterFilter)).sort(), [
      '/after',
      '/from',
      '/limit',
      '/order',
      '/reason',
      '/subscribr',
      '/topic',
    ]);
  });

  it('has a page that is no whole number within its bounds', () => {
    for (const [name, values] of Object.entries({
      limit: ['0', '-1', '1001', '1.5', 'ten', '', ' 5', '1e2', '0x5', ['1', '2'], {}],
      after: ['-1', '1.5', 'x', '', '9007199254740993', '99999999999999999', ['1']],
    })) {
      for (const value of values) {
        assert.deepEqual(
          wrong(() => listOf({ [name]: value }, deadLetterFilter)),
          [`/${name}`],
          JSON.stringify(value),
        );
      }
    }
  });

  it('has a filter that is not known here, or is there twice: without it the answer would be another', () => {
    for (const query of [{ contract: 'a' }, { subscriber: ['a', 'b'] }, { constructor: 'a' }, { 'a/b~': 'a' }]) {
      const pointers = wrong(() => listOf(query, deadLetterFilter));
      assert.equal(pointers.length, 1, JSON.stringify(query));
    }
    assert.deepEqual(
      wrong(() => listOf({ subscriber: 'audit' }, rejectionFilter)),
      ['/subscriber'],
    );
    assert.deepEqual(
      wrong(() => listOf({ reason: 'x' }, recordQuery)),
      ['/reason'],
    );
  });

  it('has topics that no filter is, or times that are none', () => {
    assert.deepEqual(
      wrong(() => listOf({ topic: ['a', 'b#', '$share/g/a'] }, recordQuery)),
      ['/topic/1', '/topic/2'],
    );
    for (const time of ['2026-01-31', '2026-01-31T12:00:00', '2026-13-31T12:00:00Z', '-5', '1.5']) {
      assert.deepEqual(
        wrong(() => listOf({ from: time }, deadLetterFilter)),
        ['/from'],
        time,
      );
    }
    for (const place of ['0', '-1', '1.5', 'now'])
      assert.deepEqual(
        wrong(() => listOf({ to: place }, recordQuery)),
        ['/to'],
      );
    assert.deepEqual(
      wrong(() => listOf({ from: '10', to: '9' }, deadLetterFilter)),
      ['/to'],
    );
    for (const [from, to] of [
      ['3', '2'],
      ['2026-01-31T12:00:00Z', '2026-01-31T11:59:59Z'],
    ] as const) {
      assert.deepEqual(
        wrong(() => listOf({ from, to }, recordQuery)),
        ['/to'],
      );
    }
    assert.deepEqual(listOf({ from: '3', to: '3' }, recordQuery).filter.to, { position: 3 });
  });
});

describe('a list that is asked for', () => {
  it('is of a hundred, newest first, unless it says otherwise', () => {
    const { filter, request } = listOf({}, deadLetterFilter);
    assert.deepEqual(request, { order: 'desc', limit: 100, after: undefined });
    assert.deepEqual(
      Object.values(filter).filter((value) => value !== undefined),
      [],
    );
    const other = listOf({ order: 'asc', limit: '1000', after: '7' }, deadLetterFilter).request;
    assert.deepEqual(other, { order: 'asc', limit: 1_000, after: 7 });
  });

  it('takes times as they are written, also where a query made a space of the plus', () => {
    const time = Date.parse('2026-01-31T11:00:00Z');
    for (const from of ['2026-01-31T11:00:00Z', '2026-01-31T12:00:00 01:00', String(time)]) {
      assert.equal(listOf({ from }, deadLetterFilter).filter.from, time);
    }
    const { filter } = listOf({ from: '17', to: '2026-01-31T11:00:00Z', topic: 'a/+' }, recordQuery);
    assert.deepEqual(filter, { topics: ['a/+'], from: { position: 17 }, to: { time } });
  });
});

describe('what is to be changed', () => {
  it('everything is only meant by who says so', () => {
    assert.deepEqual(
      wrong(() => selectionOfQuery({}, deadLetterFilter)),
      ['/all'],
    );
    assert.deepEqual(
      wrong(() => selectionOfQuery({ all: 'yes' }, deadLetterFilter)),
      ['/all'],
    );
    assert.deepEqual(
      wrong(() => selectionOfQuery({ all: 'true', reason: 'status' }, deadLetterFilter)),
      ['/all'],
    );
    assert.deepEqual(
      wrong(() => selectionOfBody({}, 'numbers', deadLetterFilter)),
      ['/all'],
    );
    assert.equal(selectionOfQuery({ all: 'true' }, deadLetterFilter).after, 0);
    assert.equal(selectionOfBody({ all: true, after: 5 }, 'numbers', deadLetterFilter).after, 5);
  });

  it('a filter that is wrong does not become a filter that is not there', () => {
    assert.deepEqual(
      wrong(() => selectionOfQuery({ all: 'true', topic: '#/a' }, deadLetterFilter)),
      ['/topic'],
    );
    assert.ok(wrong(() => selectionOfQuery({ topic: '#/a' }, deadLetterFilter)).includes('/topic'));
  });

  it('is named by keys or ids, or by a filter', () => {
    const read = (body: unknown): ReturnType<typeof selectionOfBody> =>
      selectionOfBody(body, 'numbers', deadLetterFilter);
    assert.deepEqual(read({ numbers: [2, 1] }).keys, [2, 1]);
    assert.deepEqual(read({ ids: ['A-B'] }).ids, new Set(['a-b']));
    assert.equal((read({ subscriber: 'app' }).filter as { subscriber: string }).subscriber, 'app');
    for (const numbers of [[], [0], ['1'], 5, [1.5], Array.from({ length: 1_001 }, (_, i) => i + 1)]) {
      assert.ok(wrong(() => read({ numbers })).includes('/numbers'), JSON.stringify(numbers).slice(0, 20));
    }
    assert.deepEqual(
      wrong(() => read({ numbers: [1], subscriber: 'app' })),
      ['/numbers'],
    );
    assert.deepEqual(
      wrong(() => read({ numbers: [1], ids: ['a'] })),
      ['/numbers'],
    );
    assert.deepEqual(
      wrong(() => read({ positions: [1] })),
      ['/all', '/positions'],
    );
    for (const body of [undefined, null, [], 'all', 5])
      assert.deepEqual(
        wrong(() => read(body)),
        [''],
      );
  });
});
