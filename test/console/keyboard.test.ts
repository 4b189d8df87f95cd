/** The page without a mouse, and for people whom moving things make ill. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { BadNights } from './bad-night.js';

const TABS_MAX = 100;
/** Names of whatever moves, of elements and of what stands before and after them. */
const MOVING = `[...document.querySelectorAll('*')].flatMap((one) =>
  [undefined, '::before', '::after'].flatMap((part) => {
    const { animationName, transitionDuration, backgroundImage, display } = getComputedStyle(one, part);
    const turns = display !== 'none' && /animation/.test(backgroundImage);
    const still = animationName === 'none' && /^(0s(, )?)+$/.test(transitionDuration) && !turns;
    return still ? [] : [one.localName + '.' + one.className + (part ?? '')];
  }))`;

describe('the console by keyboard', { skip: needs('chromium') }, () => {
  const nights = new BadNights();

  /** What a screen reader would call what has the focus. */
  function focused(page: Page): Promise<string> {
    return page.evaluate(`(() => {
      const { ariaLabel, labels, textContent } = document.activeElement;
      return (ariaLabel ?? labels?.[0]?.textContent ?? textContent).trim();
    })()`);
  }

  /** Goes on with Tab until this has the focus. */
  async function reach(page: Page, name: string): Promise<void> {
    const met: string[] = [];
    while (met.length < TABS_MAX) {
      await page.keyboard.press('Tab');
      met.push(await focused(page));
      if (met.at(-1) === name) return;
    }
    assert.fail(`${name} is not reached, but ${met.join(', ')}`);
  }

  it('a dead letter is found, opened, replayed, and its dialog closed', async (t) => {
    nights.gateway.replies.set('POST /v1/dead-letters/replay', { json: { replayed: 1, remaining: 0, skipped: {} } });
    const page = await nights.open(t, 'overview');
    await page.locator('.finding').first().waitFor();
    await reach(page, 'Dead letters37');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
    await reach(page, 'Subscriber');
    await page.keyboard.type('billing');
    await page.keyboard.press('Enter');
    await until(() => nights.gateway.asked.some(({ path }) => path.includes('subscriber=billing')), {
      what: 'the filter',
    });
    await page.getByRole('button', { name: 'Look at 39' }).waitFor();
    await reach(page, 'Look at 39');
    await page.keyboard.press('Enter');
    const viewer = page.getByRole('dialog', { name: 'Dead letter 39' });
    await viewer.waitFor();
    await reach(page, 'Replay');
    await page.keyboard.press('Enter');
    await page.getByText('Replay dead letter 39?').waitFor();
    assert.equal(await focused(page), 'Cancel', 'a key that is pressed by mistake does nothing');
    await reach(page, 'Replay');
    await page.keyboard.press('Enter');
    await page.getByText('1 given again.').waitFor();
    await viewer.waitFor({ state: 'hidden' });
    assert.equal(await focused(page), 'Look at 39', 'it goes on where it was');
    assert.deepEqual(
      nights.gateway.asked.filter(({ method }) => method === 'POST').map(({ path, body }) => `${path} ${body}`),
      ['/v1/dead-letters/replay {"numbers":[39]}'],
    );
    await page.keyboard.press('Enter');
    await viewer.waitFor();
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'hidden' });
    assert.equal(await focused(page), 'Look at 39');
  });

  it('nothing moves for whoever wants that', async (t) => {
    const page = await nights.open(t, 'overview', { reducedMotion: 'reduce' });
    for (const view of ['overview', 'link', 'subscribers', 'dead-letters', 'publish', 'doctor']) {
      await page.goto(`${nights.gateway.address}#${view}`);
      await page.locator('main h2').first().waitFor();
      assert.deepEqual(await page.evaluate(MOVING), [], view);
    }
    await page.evaluate(`document.querySelector('form button').setAttribute('aria-busy', 'true')`);
    assert.deepEqual(await page.evaluate(MOVING), [], 'what is busy');
    assert.equal(await page.evaluate('document.getAnimations().length'), 0);
    const moved = await nights.open(t, 'publish');
    await moved.locator('form button').waitFor();
    await moved.evaluate(`document.querySelector('form button').setAttribute('aria-busy', 'true')`);
    assert.notDeepEqual(await moved.evaluate(MOVING), [], 'it would be seen');
  });
});
