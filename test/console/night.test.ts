/** The page of a gateway with real traffic: what happens at the broker and at receivers is seen, and mended, from there. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import type { Page } from 'playwright-core';
import { barriers, screenshot, startBrowser, type TestBrowser } from '../support/browser.js';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { startReceiver } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const SECRET = 'hush-hush-7f3a';

describe('the console of a gateway with traffic', { skip: needs('mosquitto', 'chromium') }, () => {
  let browser: TestBrowser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());

  function open(t: TestContext, { gateway }: Flow, view = 'overview'): Promise<Page> {
    return browser.openFor(t, `http://127.0.0.1:${gateway.ports.httpPort}/console#${view}`);
  }

  async function show(page: Page, view: string): Promise<void> {
    await page.locator(`nav a[href="#${view}"]`).click();
    await page.locator('main h2').first().waitFor();
  }

  it('a drop and its cause are seen as they happen, and so is a gateway that restarts', async (t) => {
    const flow = await startFlow(t);
    const page = await open(t, flow);
    const verdict = page.locator('.verdict');
    await verdict.getByText('All is well').waitFor();
    const happened = page.locator('.happenings');

    const other = await connectAsync(flow.broker.url, { clientId: 'gateway', reconnectPeriod: 0 });
    t.after(() => other.endAsync(true));
    await happened.getByText(/The link dropped: client-id-conflict \(.*session\.clientId of its own/).waitFor();
    await happened.getByText(/The link is up again after client-id-conflict/).waitFor();
    await show(page, 'link');
    await page.locator('.drops').getByText('client-id-conflict').first().waitFor();
    assert.match(
      (await page.getByRole('img', { name: /in the last 24 h/ }).getAttribute('aria-label'))!,
      /^\d+ outage/,
    );

    await flow.broker.stop('SIGKILL');
    await page.locator('.drops').getByText('broker-unreachable').first().waitFor();
    await show(page, 'overview');
    await page.locator('.verdict.critical, .verdict.warning').waitFor();
    await screenshot(page, 'night-drop');
    await flow.broker.start();
    await page.locator('.card', { hasText: 'Broker' }).locator('.mark.well').waitFor();

    await flow.gateway.kill();
    await verdict.getByText('No answer').waitFor({ timeout: 30_000 });
    await flow.restart();
    await verdict.getByText('No answer').waitFor({ state: 'hidden' });
    await page.getByText('● live').or(page.locator('.feed.live')).first().waitFor();
  });

  it('what was refused is looked at, and given again when the receiver is mended', async (t) => {
    let mended = false;
    const receiver = await startReceiver({
      answer: () => (mended ? undefined : { status: 400, body: '<b>no such meter</b>' }),
    });
    t.after(() => receiver.stop());
    const flow = await startFlow(t, {
      config: () => ({
        contracts: { json: { format: 'json' } },
        subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', contract: 'json' }],
        subscribers: [{ id: 'app', url: receiver.url, topics: ['devices/#'], headers: { authorization: SECRET } }],
        publish: { allow: ['commands/#'] },
      }),
    });
    const device = await connectAsync(flow.broker.url);
    t.after(() => device.endAsync(true));
    const page = await open(t, flow, 'tail');
    await page.getByRole('button', { name: 'Watch' }).click();
    await page.getByText('Watching #.').waitFor();
    await device.publishAsync('devices/9/telemetry', '{"watts":7}', { qos: 1 });
    await device.publishAsync('devices/9/telemetry', Buffer.from([0xff, 0x00, 0x41]), { qos: 1 });
    await page.getByRole('row').getByText('{"watts":7}').waitFor();

    await show(page, 'rejections');
    await page.getByRole('button', { name: /^Look at/ }).click();
    await page.getByRole('dialog').getByText('ff 00 41').waitFor();
    await page.keyboard.press('Escape');

    await show(page, 'dead-letters');
    const row = page.getByRole('row', { name: /no such meter/ });
    await row.waitFor();
    mended = true;
    await row.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Replay selected (1)' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await page.getByText('1 given again.').waitFor();
    await until(() => receiver.requests.some(({ answered }) => answered === 204), { what: 'the replay' });
    await page.getByText('No dead letter is there.').waitFor();

    await show(page, 'subscribers');
    await page.getByText('status 400').first().waitFor();
    await screenshot(page, 'night-subscribers');
    await page.getByRole('button', { name: 'Test app' }).click();
    await page.getByText('Test of app: delivered, status 204').waitFor();
    await page.getByRole('button', { name: 'Pause app' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.getByText('app is paused.').first().waitFor();
    await page.getByRole('button', { name: 'Resume app' }).click();
    await page.getByText('app is active.').first().waitFor();

    await show(page, 'config');
    await page.getByText('devices/+/telemetry').first().waitFor();
    assert.doesNotMatch((await page.locator('body').textContent())!, new RegExp(SECRET));
    await show(page, 'doctor');
    await page.getByRole('button', { name: 'Run the doctor' }).click();
    await page.getByRole('row').nth(1).waitFor();
    await page.getByText(/^Done: /).waitFor({ timeout: 60_000 });
    await page.getByText('nothing is published without a probe topic').waitFor();
    assert.doesNotMatch((await page.locator('main').textContent())!, /--\w/);
    await screenshot(page, 'night-doctor');
    await page.getByLabel('Probe topics').fill('commands/doctor');
    await page.getByRole('button', { name: 'Run the doctor' }).click();
    await page.getByRole('row', { name: 'publish commands/doctor' }).getByText('was acknowledged').waitFor();
    await page.getByText(/^Done: /).waitFor({ timeout: 60_000 });
    await show(page, 'rates');
    await page.locator('canvas').nth(3).waitFor();
    assert.deepEqual(await barriers(page), []);
    await screenshot(page, 'night-rates');
  });

  it('a token that is replaced while the page is open: it asks, and goes on where it was', async (t) => {
    const directory = scratchDirectory('night');
    const file = join(directory, 'night-token');
    writeFileSync(file, 'the-first-token-of-all\n');
    const tokens = [{ name: 'night', token: '${file:night-token}', scopes: ['read'] }];
    const flow = await startFlow(t, {
      gateway: { directory, until: 'startup' },
      config: () => ({ http: { auth: { tokens } } }),
    });
    const page = await open(t, flow, 'subscribers');
    const sign = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token);
      await page.getByLabel('Token').press('Enter');
    };
    await sign('the-first-token-of-all');
    await page.getByText('night (read)').waitFor();
    await page.getByLabel('Id or address').fill('app');
    writeFileSync(file, 'the-second-token-of-all\n');
    await page.getByText('does not know this token any more').waitFor({ timeout: 60_000 });
    await sign('the-first-token-of-all');
    await page.getByText('The gateway does not know this token.').waitFor();
    await sign('the-second-token-of-all');
    await page.getByRole('row', { name: /^app/ }).waitFor();
    assert.equal(await page.getByLabel('Id or address').inputValue(), 'app');
    await page.locator('.feed.live').waitFor();
  });

  it('publishes, and says what became of it', async (t) => {
    const flow = await startFlow(t, { config: () => ({ publish: { allow: ['commands/#'] } }) });
    const page = await open(t, flow, 'publish');
    const publish = async (topic: string): Promise<void> => {
      await page.getByLabel('Topic').fill(topic);
      await page.getByLabel('Payload').fill('{"valve":"shut"}');
      await page.getByRole('button', { name: 'Publish' }).click();
    };
    const app = await connectAsync(flow.broker.url);
    t.after(() => app.endAsync(true));
    const come: string[] = [];
    app.on('message', (topic, payload) => come.push(`${topic} ${payload.toString()}`));
    await app.subscribeAsync('commands/#');
    await publish('commands/1');
    await page.getByText('The broker has it.').waitFor();
    await until(() => come.length === 1, { what: 'the command' });
    assert.deepEqual(come, ['commands/1 {"valve":"shut"}']);
    await publish('elsewhere');
    await page
      .getByRole('alert')
      .getByText(/publish\.allow/)
      .waitFor();
    await flow.broker.stop('SIGKILL');
    await publish('commands/2');
    await page.getByText('It is on disk, and will be sent.').waitFor({ timeout: 40_000 });
  });
});
