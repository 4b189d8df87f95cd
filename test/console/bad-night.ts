/** A gateway on a bad night: everything that the page reads is there. */
import { after, before, beforeEach, type TestContext } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { startBrowser, type TestBrowser } from '../support/browser.js';
import * as answers from './answers.js';
import { startFakeGateway, type FakeGateway } from './fake-gateway.js';

const LETTER = { ...answers.deadLetters().items[1]!, record: record('{"watts":"many","id":12345678901234567890}') };
const REJECTION = {
  ...answers.rejections().items[0]!,
  record: { ...record(''), payload: undefined, payloadBase64: Buffer.from([0xff, 0, 0x48, 0x69]).toString('base64') },
};
const DOCTOR = [
  { kind: 'broker', url: 'mqtts://broker.example:8883' },
  { kind: 'row', check: 'TCP', state: 'ok', seen: 'connected in 3 ms', mend: '' },
  { kind: 'row', check: 'TLS', state: 'warning', seen: 'the certificate ends in 9 days', mend: 'Renew it.' },
  { kind: 'end', ok: true, interrupted: false, leftBehind: [] },
];

function record(payload: string) {
  const base = { position: 7, id: '0199aaaa-0000-7000-8000-000000000001', topic: `devices/${answers.HOSTILE}`, qos: 1 };
  return { ...base, retain: false, receivedAt: answers.ago(1), payload };
}

export async function startBadNight(): Promise<FakeGateway> {
  const gateway = await startFakeGateway(answers.status());
  const config = {
    broker: { url: 'mqtts://broker.example:8883', password: '********' },
    subscribers: [{ id: 'billing' }],
  };
  for (const [what, json] of Object.entries({
    'GET /v1/link': answers.link(),
    'GET /v1/rates': answers.rates(),
    'GET /v1/subscribers': answers.subscribers(),
    'GET /v1/activity': answers.activity(),
    'GET /v1/dead-letters': answers.deadLetters(),
    'GET /v1/dead-letters/39': LETTER,
    'GET /v1/rejections': answers.rejections(),
    'GET /v1/rejections/4711': REJECTION,
    'GET /v1/config': { file: '/etc/holdfast/gateway.yaml', settings: config, needsRestart: ['ops.port'] },
    'GET /v1/caller': { name: 'night', scopes: ['read', 'admin', 'publish'] },
  })) {
    gateway.replies.set(what, { json });
  }
  gateway.replies.set('POST /v1/doctor', { lines: DOCTOR });
  return gateway;
}

/** For the tests of a suite: one browser for all of them, and for each a bad night of its own. */
export class BadNights {
  gateway!: FakeGateway;
  #browser!: TestBrowser;

  constructor() {
    before(async () => {
      this.#browser = await startBrowser();
    });
    after(() => this.#browser.close());
    beforeEach(async () => {
      this.gateway = await startBadNight();
    });
  }

  /** A page of the console; at the end of the test it must not have complained. */
  open(t: TestContext, view = 'overview', options: BrowserContextOptions = {}): Promise<Page> {
    const { gateway } = this;
    return this.#browser.openFor(t, `${gateway.address}#${view}`, options, () => gateway.stop());
  }
}
