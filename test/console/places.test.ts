/** Addresses within the page, what is open when they change, and what it says when it is told nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import * as answers from './answers.js';
import { BadNights } from './bad-night.js';

describe('places of the console', { skip: needs('chromium') }, () => {
  const nights = new BadNights();

  it('a finding about dead letters of one subscriber leads to these', async (t) => {
    const page = await nights.open(t);
    const [one] = answers.status().findings;
    nights.gateway.sendStatus({
      findings: [{ ...one!, id: 'dead-letters', subject: 'billing & co', panel: 'dead-letters' }],
    });
    await page.getByRole('link', { name: 'Show dead letters' }).click();
    await until(
      () => nights.gateway.asked.some(({ path }) => path.startsWith('/v1/dead-letters?subscriber=billing%20%26%20co&')),
      {
        what: 'those of the subscriber to be asked for',
      },
    );
    assert.equal(await page.getByLabel('Subscriber').inputValue(), 'billing & co');
    await page.locator('nav a[href="#dead-letters"][aria-current]').click();
    await until(async () => (await page.getByLabel('Subscriber').inputValue()) === '', { what: 'all of them' });
  });

  it('a dialog does not stay when the view changes', async (t) => {
    const page = await nights.open(t, 'dead-letters');
    await page.getByRole('button', { name: 'Look at 39' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog', { name: /^Delete / }).waitFor();
    await page.evaluate('location.hash = "link"');
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.ok(nights.gateway.asked.every(({ method }) => method === 'GET'));
  });

  it('a token that may not read is told so', async (t) => {
    for (const what of ['live', 'status']) nights.gateway.replies.set(`GET /v1/${what}`, { status: 403 });
    const page = await nights.open(t);
    await page.locator('.feed').getByText('may not read').waitFor();
    await page.locator('.verdict').getByText('This token may not do that: refused with REFUSED').waitFor();
  });

  it('is not called live while it says nothing', async (t) => {
    const page = await nights.open(t);
    await page.clock.install();
    await page.reload();
    await page.locator('.feed.live').waitFor();
    await page.clock.fastForward(20_000);
    await page.locator('.verdict').getByText('No answer').waitFor();
    await page.locator('.feed').getByText('silent').waitFor();
    assert.equal(await page.locator('.feed.live').count(), 0);
    nights.gateway.sendStatus({});
    await page.locator('.feed.live').waitFor();
  });
});
