/** A thousand subscribers, ten thousand dead letters: the page shows a part, and everything can be found from it. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import type { DeadLetter } from '../../src/console/shown/rest.js';
import { startBrowser, type TestBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import * as answers from './answers.js';
import { startBadNight } from './bad-night.js';
import type { FakeGateway } from './fake-gateway.js';

const [SUBSCRIBERS, LETTERS] = [1_000, 10_000];
/** Of the whole page. */
const ELEMENTS_MAX = 4_000;

describe('the console of a large gateway', { skip: needs('chromium') }, () => {
  let browser: TestBrowser;
  let gateway: FakeGateway;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());

  async function open(t: TestContext, view: string): Promise<Page> {
    gateway = await startBadNight();
    const [one] = answers.subscribers().items;
    const items = Array.from({ length: SUBSCRIBERS }, (_, n) => ({ ...one!, id: `app-${n}` }));
    items[777] = { ...items[777]!, state: 'broken', reason: 'status 503' };
    gateway.replies.set('GET /v1/subscribers', { json: { items } });
    const none = { delivered: 0, retry: 0, throttled: 0, dead: 0 };
    gateway.replies.set('GET /v1/activity', {
      json: { now: answers.ago(0), items: items.map(({ id }) => ({ id, attempts: none, deadLetters: 10 })) },
    });
    gateway.replies.set('GET /v1/dead-letters', { of: lettersOf });
    return browser.openFor(t, `${gateway.address}#${view}`, {}, () => gateway.stop());
  }

  const elements = (page: Page): Promise<number> => page.evaluate<number>('document.querySelectorAll("*").length');

  it('shows the subscribers that are unwell first, and finds the others', async (t) => {
    const page = await open(t, 'subscribers');
    await page.getByText('1 000 of 1 000').waitFor();
    await page.getByText('900 more: narrow them above.').waitFor();
    assert.match((await page.locator('tbody tr').first().textContent())!, /app-777/);
    assert.ok((await elements(page)) < ELEMENTS_MAX, `${await elements(page)} elements`);
    await page.getByLabel('Id or address').fill('app-998');
    await page.getByRole('button', { name: 'Test app-998' }).waitFor();
    assert.equal(await page.locator('tbody tr').count(), 1);
  });

  it('goes through dead letters page by page, and keeps what was selected', async (t) => {
    const page = await open(t, 'dead-letters');
    await page.getByLabel(`Select ${LETTERS}`).check();
    for (let newest = LETTERS - 50, pages = 0; pages < 20; newest -= 50, pages++) {
      await page.getByRole('button', { name: 'Older' }).click();
      await page.getByRole('button', { name: `Look at ${newest}` }).waitFor();
    }
    assert.equal(await page.locator('tbody tr').count(), 50);
    assert.ok((await elements(page)) < ELEMENTS_MAX, `${await elements(page)} elements`);
    await page.getByRole('button', { name: 'Replay selected (1)' }).waitFor();
    await page.getByRole('button', { name: 'Newest' }).click();
    await page.getByRole('button', { name: `Look at ${LETTERS}` }).waitFor();
    await page.getByLabel('Subscriber').fill('app-3');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('10 shown').waitFor();
    assert.equal(await page.getByRole('button', { name: /Older|Newest/ }).count(), 0);
  });
});

/** As the gateway pages them: the newest first. */
function lettersOf({ searchParams }: URL): { items: DeadLetter[]; next?: number } {
  const [one] = answers.deadLetters().items;
  const [limit, wanted] = [Number(searchParams.get('limit') ?? 100), searchParams.get('subscriber')];
  const items: DeadLetter[] = [];
  let number = Number(searchParams.get('after') ?? LETTERS + 1) - 1;
  for (; number > 0 && items.length < limit; number--) {
    const subscriber = `app-${number % SUBSCRIBERS}`;
    if (wanted === null || wanted === subscriber) items.push({ ...one!, number, subscriber });
  }
  return { items, ...(number > 0 ? { next: number + 1 } : {}) };
}
