import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import type { DeadLetterQuery, ListedDeadLetter, ListedRejection } from '../domain/journal.js';
import type { LinkStatus } from '../domain/link.js';
import { SCOPE_METADATA } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';
import { ReadController } from './read.controller.js';

/** A gateway with this many dead letters, every third of `audit`, and as many rejections. */
class View extends GatewayView {
  status: LinkStatus | undefined;

  constructor(private readonly count: number) {
    super();
  }
  override link(): Promise<LinkStatus | undefined> {
    return Promise.resolve(this.status);
  }
  override deadLetters({ subscriber, afterNumber = 0, limit }: DeadLetterQuery): ListedDeadLetter[] {
    return this.#numbers()
      .map((number) => ({ number, subscriber: number % 3 === 0 ? 'audit' : 'billing' }) as ListedDeadLetter)
      .filter((one) => one.number > afterNumber && (subscriber === undefined || one.subscriber === subscriber))
      .slice(0, limit);
  }
  override rejections({ after = 0, limit }: { after?: number; limit: number }): ListedRejection[] {
    return this.#numbers()
      .map((number) => ({ position: number * 10 }) as ListedRejection)
      .filter(({ position }) => position > after)
      .slice(0, limit);
  }
  #numbers(): number[] {
    return Array.from({ length: this.count }, (_, i) => i + 1);
  }
}

type Query = { [name: string]: unknown };
type Call = (query: Query) => { items: unknown[]; next?: number };

function calls(view: GatewayView): [deadLetters: Call, rejections: Call] {
  const controller = new ReadController(view);
  return [(query) => controller.deadLetters(query), (query) => controller.rejections(query)];
}

/** Every item there is, page by page, and how many pages that took. */
function walk(call: Call, query: Query): { items: unknown[]; pages: number } {
  const items: unknown[] = [];
  let after: number | undefined;
  for (let pages = 1; pages < 100; pages++) {
    const page = call({ ...query, ...(after !== undefined && { after: String(after) }) });
    items.push(...page.items);
    if (page.next === undefined) return { items, pages };
    assert.ok(page.items.length > 0, 'a page is empty, and says there is another');
    after = page.next;
  }
  assert.fail('the pages do not end');
}

describe('what is asked for in a way that cannot be meant', () => {
  it('a page that is no whole number within its bounds is refused', () => {
    for (const call of calls(new View(3))) {
      for (const [name, values] of Object.entries({
        limit: ['0', '-1', '1001', '1.5', 'ten', '', ' 5', '1e2', '0x5', ['1', '2'], {}],
        after: ['-1', '1.5', 'x', '', '9007199254740993', '99999999999999999', ['1']],
      })) {
        for (const value of values) {
          assert.throws(
            () => call({ [name]: value }),
            (error) => {
              assert.ok(error instanceof HoldfastError && error.code === 'REQUEST_INVALID', String(error));
              const [problem] = error.details['errors'] as [{ pointer: string }];
              return problem.pointer === `/${name}`;
            },
          );
        }
      }
    }
  });

  it('a filter that is not known, or given twice, is refused: without it the answer would be another', () => {
    const [deadLetters, rejections] = calls(new View(3));
    for (const query of [{ topic: 'a' }, { subscriber: ['a', 'b'] }, { constructor: 'a' }, { subscribr: 'a' }]) {
      assert.throws(() => deadLetters(query), { code: 'REQUEST_INVALID' }, JSON.stringify(query));
    }
    assert.throws(() => rejections({ subscriber: 'audit' }), { code: 'REQUEST_INVALID' });
  });

  it('a link that has not started is NOT_FOUND', async () => {
    await assert.rejects(new ReadController(new View(0)).link(), { code: 'NOT_FOUND' });
  });
});

describe('pages', () => {
  it('together they hold everything once, and the last one names no next, also when it is full', () => {
    for (const count of [0, 1, 4, 5, 6, 10, 11]) {
      for (const call of calls(new View(count))) {
        const { items, pages } = walk(call, { limit: '5' });
        assert.equal(new Set(items.map((item) => JSON.stringify(item))).size, count);
        assert.deepEqual([items.length, pages], [count, Math.max(1, Math.ceil(count / 5))], `${count} items`);
      }
    }
  });

  it('hold 100 unless asked, and never more than 1000', () => {
    const [deadLetters] = calls(new View(2_000));
    assert.equal(deadLetters({}).items.length, 100);
    assert.equal(deadLetters({ limit: '1000' }).items.length, 1_000);
    assert.equal(deadLetters({ after: String(Number.MAX_SAFE_INTEGER) }).items.length, 0);
  });

  it('dead letters can be those of one subscriber', () => {
    const [deadLetters] = calls(new View(10));
    const { items } = walk(deadLetters, { subscriber: 'audit', limit: '2' });
    assert.deepEqual(
      items.map((item) => (item as { number: number }).number),
      [3, 6, 9],
    );
    assert.deepEqual(deadLetters({ subscriber: 'nobody' }), { items: [] });
  });
});

describe('what is read', () => {
  it('needs the scope read', () => {
    for (const name of ['link', 'deadLetters', 'rejections']) {
      const method = Object.getOwnPropertyDescriptor(ReadController.prototype, name);
      assert.equal(Reflect.getMetadata(SCOPE_METADATA, method?.value as object), 'read', name);
    }
  });

  it('is what the gateway shows', async () => {
    const view = new View(0);
    view.status = { phase: 'up' } as LinkStatus;
    const controller = new ReadController(view);
    assert.deepEqual(await controller.link(), view.status);
  });
});
