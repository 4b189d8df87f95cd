/** The page in many tabs, and in one whose token is gone: what is open at the gateway, and what somebody was at. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { BadNights } from './bad-night.js';

/** Longer than a hidden tab keeps its stream. */
const LONG_MS = 31_000;

describe('tabs of the console', { skip: needs('chromium') }, () => {
  const nights = new BadNights();

  /** As if it went into the background, or came back. */
  function hide(page: Page, hidden: boolean): Promise<unknown> {
    return page.evaluate(`
      Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  }

  it('three are live at once; one that is hidden lets go of its stream, and is live again when it is seen', async (t) => {
    const first = await nights.open(t);
    const tabs = [first, await first.context().newPage(), await first.context().newPage()];
    for (const tab of tabs) {
      await tab.clock.install();
      await tab.goto(`${nights.gateway.address}#overview`);
      await tab.reload();
      await tab.locator('.feed.live').waitFor();
    }
    await until(() => nights.gateway.listeners === 3, {
      what: () => `three streams, and not ${nights.gateway.listeners}`,
    });
    nights.gateway.sendStatus({ findings: [] });
    for (const tab of tabs) await tab.locator('.verdict').getByText('All is well').waitFor();
    for (const tab of tabs) {
      await tab.goto(`${nights.gateway.address}#dead-letters`);
      await tab.getByRole('button', { name: 'Look at 40' }).waitFor();
    }

    const hidden = tabs[1]!;
    await hide(hidden, true);
    await hidden.clock.fastForward(LONG_MS);
    await until(() => nights.gateway.listeners === 2, {
      what: () => `two streams, and not ${nights.gateway.listeners}`,
    });
    const before = nights.gateway.asked.length;
    await hide(hidden, false);
    await until(() => nights.gateway.listeners === 3, { what: 'the tab to be live again' });
    await hidden.locator('.feed.live').waitFor();
    assert.ok(nights.gateway.asked.slice(before).some(({ path }) => path === '/v1/live'));
    await tabs[2]!.close();
    await until(() => nights.gateway.listeners === 2, { what: 'the stream of the tab that was closed to end' });
  });

  it('tells in its title how the gateway is', async (t) => {
    const page = await nights.open(t);
    await until(async () => (await page.title()) === 'Critical · plant-7 · Holdfast', { what: () => page.title() });
  });

  it('asks again when its token is revoked, and what somebody was at is still there', async (t) => {
    nights.gateway.token = 'first';
    const page = await nights.open(t, 'publish');
    const sign = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token);
      await page.getByLabel('Token').press('Enter');
    };
    await sign('first');
    await page.getByLabel('Topic').fill('commands/valve');
    nights.gateway.revoke('second');
    await page.getByText('does not know this token any more').waitFor();
    assert.equal(await page.getByLabel('Topic').isVisible(), false);
    const asked = nights.gateway.asked.length;
    await sign('third');
    await page.getByText('The gateway does not know this token.').waitFor();
    await sign('second');
    await page.getByLabel('Topic').waitFor();
    assert.equal(await page.getByLabel('Topic').inputValue(), 'commands/valve');
    assert.match(page.url(), /#publish$/);
    await page.locator('.feed.live').waitFor();
    // Until there was a token again nothing was asked for but with the one that was typed.
    assert.ok(nights.gateway.asked.length - asked < 10);
  });

  it('shows nothing more once somebody signs out', async (t) => {
    nights.gateway.token = 'first';
    const page = await nights.open(t, 'subscribers');
    await page.getByLabel('Token').fill('first');
    await page.getByLabel('Token').press('Enter');
    await page.getByRole('button', { name: 'Pause dashboard' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    assert.doesNotMatch((await page.locator('body').textContent())!, /dashboard|billing/);
    await page.reload();
    await page.getByLabel('Token').waitFor();
  });
});
