/** A thread that stands still: the gateway still says how it is, from when that is, and the page shows it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import type { Finding, Status } from '../../src/console/shown/types.js';
import { screenshot, startBrowser, type TestBrowser } from '../support/browser.js';
import { startFlow } from '../support/flow.js';
import { freezeDisk } from '../support/frozen-disk.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const FROZEN_MS = 45_000;
/** Said to be about a second: far less than the disk takes, and enough for a machine that has much to do. */
const ANSWERED_MS_MAX = 3_000;

describe(
  'the console of a gateway whose disk does not answer',
  { skip: needs('mosquitto', 'chromium', 'strace') },
  () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await startBrowser();
    });
    after(() => browser.close());

    it('says that the journal stands still, since when, and how old what it knows of it is', async (t) => {
      const { gateway, broker } = await startFlow(t);
      const device = await connectAsync(broker.url);
      t.after(() => device.endAsync(true));
      const page = await browser.openFor(t, `http://127.0.0.1:${gateway.ports.httpPort}/console`);
      await page.locator('.verdict').getByText('All is well').waitFor();
      const status = async (): Promise<Status> => {
        const asked = performance.now();
        const answer = (await (await gateway.http('/v1/status')).json()) as Status;
        const took = performance.now() - asked;
        assert.ok(took < ANSWERED_MS_MAX, `answered after ${took} ms`);
        return answer;
      };
      const stalled = ({ findings }: Status): Finding | undefined =>
        findings.find(({ id, subject }) => id === 'thread-stalled' && subject === 'journal');
      const known = (await status()).journal;

      const strace = await freezeDisk(t, gateway.pid, FROZEN_MS);
      const frozenAt = Date.now();
      const publishing = device.publishAsync('devices/1/telemetry', '{}', { qos: 1 });
      await until(async () => stalled(await status()) !== undefined, { what: 'the finding' });
      const seen = await status();
      const { severity, what, why, since, mend } = stalled(seen)!;
      assert.deepEqual(
        [severity, what],
        ['critical', 'The journal thread stands still: messages wait at the broker, and publishes are not taken.'],
      );
      assert.match(why, /^It is late by \d+\.\d s\.$/);
      assert.match(mend, /disk of journal\.directory/);
      assert.ok(Math.abs(Date.parse(since!) - frozenAt) < 5_000, `since ${since}, frozen at ${frozenAt}`);
      const age = Date.parse(seen.now) - Date.parse(seen.journal.asOf);
      assert.ok(age > 3_000, `of a thread that does not answer, ${age} ms old`);
      assert.equal(seen.journal.bytes, known.bytes, 'it is the last that the thread said');
      assert.ok(Date.parse(seen.now) - Date.parse(seen.link!.asOf) < age, 'of one that does answer it is fresh');

      await page.locator('.verdict.critical').getByText('The journal thread stands still').waitFor();
      const card = page.locator('.card', { has: page.getByRole('link', { name: 'Journal', exact: true }) });
      await card.getByText('Its thread does not answer. This is from').waitFor();
      assert.equal(await card.locator('.mark.unknown').count(), 1, 'the page does not call well what it does not know');
      await screenshot(page, 'night-stall');
      await page.locator('nav a[href="#journal"]').click();
      await page.locator('main').getByText('Its thread does not answer.').waitFor();
      await status();

      await strace.stop();
      await publishing;
      await until(async () => stalled(await status())?.severity !== 'critical', { what: 'the journal to go on' });
      await page.locator('main').getByText('Its thread does not answer.').waitFor({ state: 'hidden' });
    });
  },
);
