import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { List, page, type Page, type PageRequest } from './list.js';
import { Rows } from './shelf.fixture.js';

interface Item {
  key: number;
  id: string;
}

/** Items at every third key. */
function rows(count: number): Rows<Item> {
  const items = Array.from({ length: count }, (_, i) => ({ key: 3 * (i + 1), id: `id-${i + 1}` }));
  return new Rows(items, ({ key }) => key);
}

function listOf(table: Rows<Item>, matches: (item: Item) => boolean = () => true): List<Item, object> {
  return new List(
    (look) => table.look(look, matches),
    () => 3 * table.items.length,
    ({ key }) => key,
  );
}

/** Every item, page by page. */
async function walk(
  list: List<Item, object>,
  request: Omit<PageRequest, 'after'>,
): Promise<{ keys: number[]; pages: number }> {
  const keys: number[] = [];
  let after: number | undefined;
  for (let pages = 1; pages < 1_000; pages++) {
    const { items, next }: Page<Item> = await list.page({}, { ...request, after });
    keys.push(...items.map(({ key }) => key));
    if (next === undefined) return { keys, pages };
    after = next;
  }
  assert.fail('the pages do not end');
}

describe('pages', () => {
  it('together hold everything once, in order, and the last one names no next, also when it is full', async () => {
    for (const count of [0, 1, 4, 5, 6, 10, 11]) {
      const wanted = rows(count).items.map(({ key }) => key);
      for (const order of ['asc', 'desc'] as const) {
        const { keys, pages } = await walk(listOf(rows(count)), { order, limit: 5 });
        assert.deepEqual(keys, order === 'asc' ? wanted : wanted.toReversed());
        assert.equal(pages, Math.max(1, Math.ceil(count / 5)), `${count} items`);
      }
    }
  });

  it('with a filter that matches nothing cost a bounded look each, lead on, and let the event loop turn', async () => {
    const table = rows(50_000);
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const first = await listOf(table, () => false).page({}, { order: 'desc', limit: 10 });
    clearInterval(counting);
    assert.deepEqual(first.items, []);
    assert.ok(first.next !== undefined && first.next < 150_000, 'it says where to go on');
    assert.ok(table.looked <= 20_000 && table.rowsMost <= 500, `${table.looked} rows in looks of ${table.rowsMost}`);
    assert.ok(turns > 0, 'timers ran in between');
  });

  it('find the one that matches behind any number of empty pages', async () => {
    const table = rows(50_000);
    const { keys, pages } = await walk(
      listOf(table, ({ key }) => key === 3),
      { order: 'desc', limit: 10 },
    );
    assert.deepEqual([keys, pages], [[3], 3]);
  });

  it('that were asked for past the end are empty', async () => {
    assert.deepEqual(await listOf(rows(3)).page({}, { order: 'asc', limit: 5, after: 9 }), { items: [] });
    assert.deepEqual(await listOf(rows(3)).page({}, { order: 'desc', limit: 5, after: 0 }), { items: [] });
    const look = rows(3);
    const whole = { low: 4, high: 9 };
    const { items } = await page(
      (one) => look.look(one),
      whole,
      { order: 'asc', limit: 5, after: 0 },
      ({ key }) => key,
    );
    assert.deepEqual(
      items.map(({ key }) => key),
      [6, 9],
    );
  });
});

describe('a change of many', () => {
  const seen = async (
    selection: object,
    table = rows(100),
  ): Promise<{ keys: number[]; missing: number; most: number }> => {
    const keys: number[] = [];
    let most = 0;
    const { missing } = await listOf(table).each({ filter: {}, after: 0, ...selection }, (slice) => {
      keys.push(...slice.map(({ key }) => key));
      most = Math.max(most, slice.length);
      return Promise.resolve();
    });
    return { keys, missing, most };
  };

  it('is for all that the filter lets through, in slices, oldest first', async () => {
    const { keys, missing, most } = await seen({});
    assert.deepEqual([keys, missing, most], [rows(100).items.map(({ key }) => key), 0, 16]);
  });

  it('is for those that were named, each once, and says how many are not there', async () => {
    assert.deepEqual(await seen({ keys: [9, 3, 4, 9] }), { keys: [3, 9], missing: 1, most: 2 });
  });

  it('is for those with the ids, and for those after the key', async () => {
    assert.deepEqual(await seen({ ids: new Set(['id-2', 'id-50', 'x']) }), { keys: [6, 150], missing: 1, most: 2 });
    assert.equal((await seen({ ids: new Set(['x', 'y']) })).missing, 2);
    assert.equal((await seen({ ids: new Set(['id-2', 'id-50']), after: 10 })).missing, 0, 'it may have been before');
    assert.deepEqual((await seen({ after: 294 })).keys, [297, 300]);
  });

  it('never meets what comes in while it runs', async () => {
    const table = rows(3);
    let met = 0;
    await listOf(table).each({ filter: {}, after: 0 }, (slice) => {
      met += slice.length;
      table.items.push({ key: 3 * (table.items.length + 1), id: 'new' });
      return Promise.resolve();
    });
    assert.equal(met, 3);
  });
});
