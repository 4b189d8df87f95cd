/** The page on a bad night, in a real browser: what it shows, asks and sends, and what it does when reads fail. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BrowserContextOptions } from 'playwright-core';
import { barriers, PHONE, screenshot } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import * as answers from './answers.js';
import { BadNights } from './bad-night.js';

/** Each view, and what is there when all of it is. */
const VIEWS = {
  overview: '.finding',
  link: '.drops',
  rates: 'canvas >> nth=3',
  journal: 'canvas >> nth=1',
  subscribers: 'tbody tr >> nth=2',
  'dead-letters': 'tbody tr',
  rejections: 'tbody tr',
  tail: 'form',
  publish: 'form',
  config: 'pre',
  doctor: 'form',
};
describe('the console', { skip: needs('chromium') }, () => {
  const nights = new BadNights();

  it('says first what is wrong, since when, why and what to do', async (t) => {
    const page = await nights.open(t);
    const verdict = page.locator('.verdict');
    await verdict.getByText('Critical').waitFor();
    assert.match(
      (await verdict.textContent())!,
      /Another client takes the session away\..*2 more findings.*since .* 14 min/,
    );
    const first = page.locator('.finding').first();
    const text = (await first.textContent())!;
    assert.match(text, /Why.*0x8e.*Do.*Find the other client/);
    await first.getByRole('link', { name: 'Show link' }).click();
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    assert.match(
      (await page.getByRole('img', { name: /outages in the last 24 h/ }).getAttribute('aria-label'))!,
      /^3 outages in the last 24 h, down for .*: up for /,
    );
    nights.gateway.sendStatus({ startedAt: answers.ago(60) });
    await page
      .getByText(
        /^3 outages known in the last 24 h\. Up for 96\.\d % of the last 1 h, down for 2 min.*; what was before is not known\.$/,
      )
      .waitFor();
    assert.match(
      (await page.locator('.drops > li').first().textContent())!,
      /client-id-conflict.*Find it at the broker/,
    );
  });

  for (const [look, options] of Object.entries<BrowserContextOptions>({
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    phone: { colorScheme: 'light', viewport: PHONE, hasTouch: true },
  })) {
    it(`keeps nobody out: ${look}`, async (t) => {
      const page = await nights.open(t, 'overview', { ...options, reducedMotion: 'reduce' }); // no colour on its way to another
      for (const [view, whole] of Object.entries(VIEWS)) {
        await page.goto(`${nights.gateway.address}#${view}`);
        await page
          .locator(`nav a[aria-current]`)
          .and(page.locator(`[href="#${view}"]`))
          .waitFor();
        if (view === 'doctor') await page.getByRole('button', { name: 'Run the doctor' }).click();
        if (view === 'doctor') await page.getByText('Done: nothing failed.').waitFor();
        await page.locator(`main ${whole}`).first().waitFor();
        assert.deepEqual(await barriers(page), [], view);
        const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
        assert.equal(wide, false, `${view} is wider than the window`);
        await screenshot(page, `${look}-${view}`);
      }
    });
  }

  it('shows foreign text as text', async (t) => {
    const page = await nights.open(t, 'dead-letters');
    await page.getByRole('button', { name: 'Look at 39' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('\\u{202e}').first().waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.match((await dialog.locator('pre').last().textContent())!, /"id":12345678901234567890/);
    assert.deepEqual(await barriers(page), []);
    await screenshot(page, 'light-viewer');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.goto(`${nights.gateway.address}#rejections`);
    await page.getByRole('button', { name: 'Look at 4711' }).click();
    assert.match((await dialog.locator('pre').last().textContent())!, /^00000000 {2}ff 00 48 69 .* {2}\.\.Hi$/);
  });

  it('asks before it does what cannot be taken back, and does nothing when the answer is no', async (t) => {
    const page = await nights.open(t, 'dead-letters');
    nights.gateway.replies.set('POST /v1/dead-letters/replay', {
      json: { replayed: 2, remaining: 0, skipped: { contract: 1 } },
    });
    nights.gateway.replies.set('DELETE /v1/dead-letters', { json: { deleted: 9 } });
    const sent = (): string[] =>
      nights.gateway.asked
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path, body }) => `${method} ${path} ${body}`);
    await page.getByLabel('Select 40').check();
    await page.getByLabel('Select 38').check();
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Replay selected (2)' }).click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.deepEqual(sent(), []);
    await page.getByRole('button', { name: 'Replay selected (2)' }).click();
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('2 given again. 1 stay (they fail the contract of today).').waitFor();
    await page.getByLabel('Subscriber').fill('billing');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('button', { name: 'Delete all that match' }).click();
    await dialog.getByRole('heading', { name: 'Delete all 12 dead letters with subscriber “billing”?' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Delete all that match' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('9 dead letters deleted.').waitFor();
    assert.deepEqual(sent(), [
      'POST /v1/dead-letters/replay {"numbers":[40,38]}',
      'DELETE /v1/dead-letters?subscriber=billing ',
    ]);
  });

  it('gives up the one that is open, or those selected, after it has asked', async (t) => {
    const page = await nights.open(t, 'dead-letters');
    nights.gateway.replies.set('DELETE /v1/dead-letters/39', { status: 204 });
    nights.gateway.replies.set('DELETE /v1/rejections/4711', { status: 204 });
    await page.getByRole('button', { name: 'Look at 39' }).click();
    const viewer = page.getByRole('dialog', { name: 'Dead letter 39' });
    const question = page.getByRole('dialog', { name: /^Delete / });
    await viewer.getByRole('button', { name: 'Delete' }).click();
    await question.getByText('Delete dead letter 39?').waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'hidden' });
    await viewer.getByRole('button', { name: 'Delete' }).click();
    await question.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 dead letter deleted.').waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.getByLabel('Select 39').check();
    await page.getByLabel('Select 38').check(); // which is gone: the gateway answers 404
    await page.getByRole('button', { name: 'Delete selected (2)' }).click();
    await question.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 dead letter deleted. 1 was gone already.').waitFor();
    await page.goto(`${nights.gateway.address}#rejections`);
    await page.getByRole('button', { name: 'Look at 4711' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await question.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 rejection deleted.').waitFor();
    const letters = ['/v1/dead-letters/39', '/v1/dead-letters/39', '/v1/dead-letters/38'];
    assert.deepEqual(
      nights.gateway.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path),
      [...letters, '/v1/rejections/4711'],
    );
  });

  it('says in each view what may not be read, cannot be read, or is not there', async (t) => {
    for (const [index, what] of ['link', 'rates', 'subscribers', 'dead-letters', 'rejections', 'config'].entries()) {
      nights.gateway.replies.set(`GET /v1/${what}`, { status: [403, 503, 404][index % 3] });
    }
    const page = await nights.open(t);
    for (const view of ['link', 'rates', 'subscribers', 'dead-letters', 'rejections', 'config']) {
      await page.goto(`${nights.gateway.address}#${view}`);
      await page.getByRole('alert').first().getByText('refused with').waitFor();
    }
  });

  it('asks by itself where the gateway does not tell, and never calls well what it does not hear of', async (t) => {
    nights.gateway.replies.set('GET /v1/live', { status: 503 });
    nights.gateway.replies.set('GET /v1/status', { json: { ...answers.status(), findings: [] } });
    const page = await nights.open(t);
    await page.locator('.verdict').getByText('All is well').waitFor();
    await page.getByText('every 5 s').waitFor();
    await page.getByText('Shown only while the page is live. refused with REFUSED').waitFor();
    nights.gateway.replies.set('GET /v1/status', { status: 503 });
    await page.locator('.verdict').getByText('No answer').waitFor({ timeout: 30_000 });
  });

  it('shows at once what happens', async (t) => {
    const page = await nights.open(t);
    await page.getByText('Nothing since the gateway started.').waitFor();
    nights.gateway.send('told', {
      at: new Date().toISOString(),
      name: 'link/down',
      cause: 'broker-shutdown',
      confidence: 'certain',
      evidence: [],
      mend: 'The broker is restarting.',
    });
    const dropped = page.getByText('The link dropped: broker-shutdown (certain). The broker is restarting.');
    await dropped.waitFor();
    nights.gateway.sendStatus({ findings: [] });
    await page.locator('.verdict').getByText('All is well').waitFor();
    await page.reload();
    await dropped.waitFor();
    nights.gateway.send('missed', {}); // as after a restart: what is kept is asked for anew
    await until(() => nights.gateway.asked.filter(({ path }) => path === '/v1/live').length === 3, {
      what: 'another stream',
    });
    await dropped.waitFor();
    assert.equal(await dropped.count(), 1);
  });

  it('asks for a token, keeps it in the tab, and asks again when it is no longer known', async (t) => {
    nights.gateway.token = 'right';
    const page = await nights.open(t, 'link');
    const field = page.getByLabel('Token');
    await field.fill('wrong');
    await field.press('Enter');
    await page.getByText('The gateway does not know this token.').waitFor();
    assert.deepEqual(await barriers(page), []);
    await screenshot(page, 'light-sign-in');
    await field.fill('right');
    await field.press('Enter');
    await page.getByText('plant-7').first().waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    assert.doesNotMatch(nights.gateway.asked.map(({ path }) => path).join(' '), /right/);
    nights.gateway.token = 'another';
    await page.getByText('does not know this token any more').waitFor();
  });

  it('offers what the token may do, and nothing else', async (t) => {
    nights.gateway.replies.set('GET /v1/caller', { json: { name: 'eyes', scopes: ['read'] } });
    const page = await nights.open(t, 'dead-letters');
    await page.getByText('eyes (read)').waitFor();
    await page.getByRole('button', { name: 'Look at 40' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(Replay|Delete)/ }).count(), 0);
    await page.goto(`${nights.gateway.address}#publish`);
    await page.getByText('This token may not publish.').waitFor();
  });

  it('can be used with the keyboard alone', async (t) => {
    const page = await nights.open(t, 'subscribers');
    nights.gateway.replies.set('POST /v1/subscribers/dashboard/pause', {
      json: { ...answers.subscribers().items[0]!, state: 'paused' },
    });
    await page.getByRole('button', { name: 'Pause dashboard' }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent.trim()'), 'To the content');
    const focused = (): Promise<string> =>
      page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent');
    await until(
      async () => {
        await page.keyboard.press('Tab');
        return (await focused()) === 'Pause dashboard';
      },
      { what: 'the button to be reached' },
    );
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    assert.equal(await focused(), 'Cancel');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('dashboard is paused.').waitFor();
  });
});
