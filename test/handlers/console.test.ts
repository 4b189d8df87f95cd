/** The console of a gateway inside a Nest app: the page is there, and shows the app's own handlers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { EventPattern } from '../../src/index.js';
import { startBrowser, type TestBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { appFlow, SOON } from './app-flow.js';

describe('the console in an app', { skip: needs('mosquitto', 'chromium') }, () => {
  let browser: TestBrowser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());

  it('shows its handlers, why one failed, and gives it what it was not given', async (t) => {
    let mended = false;
    const seen: number[] = [];

    @Controller()
    class Meters {
      @EventPattern('devices/+/telemetry', { ...SOON, id: 'meters' })
      reading(@Payload() { watts }: { watts: number }): void {
        if (!mended) throw new Error('no room for it');
        seen.push(watts);
      }
    }
    const flow = await appFlow(t, { controllers: [Meters] });
    const address = `http://127.0.0.1:${flow.ports.httpPort}/console`;
    const page = await browser.openFor(t, `${address}#subscribers`);
    const row = page.getByRole('row', { name: /meters/ });
    await row.getByText('handler', { exact: true }).waitFor();
    await flow.publish('devices/7/telemetry', { watts: 12 });
    await row.getByText('threw').waitFor();
    await row.getByText('Detail').click();
    await row.getByText('no room for it').waitFor();

    await page.goto(`${address}#dead-letters`);
    await page.getByRole('button', { name: /^Look at/ }).click();
    const dialog = page.getByRole('dialog', { name: /^Dead letter/ });
    await dialog.getByText('"watts": 12').waitFor();
    mended = true;
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await page
      .getByRole('dialog', { name: /^Replay/ })
      .getByRole('button', { name: 'Replay' })
      .click();
    await page.getByText('1 given again.').waitFor();
    await until(() => seen.length === 1, { what: 'the handler to be given it' });
    assert.deepEqual(seen, [12]);

    await flow.app.close();
    await page.locator('.verdict').getByText('No answer').waitFor({ timeout: 30_000 });
  });
});
