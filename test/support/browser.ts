/** Debian's Chromium, for pages: whatever a page complains of fails the test. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { atExit } from './children.js';
import { findProgram } from './needs.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ARTEFACTS = process.env['HOLDFAST_ARTEFACTS'] ?? '.cache/artefacts';
const TIMEOUT_MS = 15_000;

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** A page that is watched. */
export interface Watched {
  page: Page;
  /** Errors of scripts, what the content security policy forbids, and what the browser logs as an error. */
  complaints: string[];
}

export class TestBrowser {
  constructor(readonly browser: Browser) {}

  async open(address: string, options: BrowserContextOptions = {}): Promise<Watched> {
    const context = await this.browser.newContext({ viewport: DESKTOP, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // A read that is refused is shown by the page; that the browser says so as well is no complaint of the page.
      const refused = /^Failed to load resource/.test(message.text());
      if (message.type() === 'error' && !refused) complaints.push(message.text());
    });
    await page.goto(address);
    return { page, complaints };
  }

  /** A page for one test, which fails when the page complains. @param last what is done when it is closed */
  async openFor(
    t: TestContext,
    address: string,
    options: BrowserContextOptions = {},
    last = (): Promise<void> => Promise.resolve(),
  ): Promise<Page> {
    const { page, complaints } = await this.open(address, options);
    t.after(async () => {
      await page.context().close();
      await last();
      assert.deepEqual(complaints, []);
    });
    return page;
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}

/** Close it when the tests are done. */
export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = findProgram('chromium');
  if (executablePath === undefined) throw new Error("chromium is not installed; say skip: needs('chromium')");
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  atExit(() => void browser.close());
  return new TestBrowser(browser);
}

interface Findings {
  violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

/** What keeps people from using the page, as axe finds it: the serious and the critical. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<Findings>('axe.run()');
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => {
      return `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`;
    });
}

/** Kept outside of git, to be looked at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = join(ARTEFACTS, 'console');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
