/** What `holdfast doctor` finds at the running gateway alone: its link is up, and nothing comes through. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runDoctor } from '../support/doctor.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway } from '../support/gateway-process.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

describe('doctor at a running gateway', { skip: needs('mosquitto') }, () => {
  it('a full journal and a silent canary of the running gateway fail, with what to do', async (t) => {
    const broker = await startMosquitto({
      acl: ['topic readwrite devices/#', 'topic read gateway/canary'],
      lines: ['max_queued_messages 1000'],
    });
    t.after(() => broker.stop('SIGKILL'));
    const config = await gatewayConfig({
      broker: { url: broker.url },
      session: { canary: { topic: 'gateway/canary', every: '1s' } },
      subscribers: [{ id: 'app', url: `http://127.0.0.1:${await freePort()}/`, topics: ['devices/#'] }],
      journal: { directory: './data', maxSize: '16MiB' },
    });
    const gateway = await startGateway(config, { until: 'link' });
    t.after(() => gateway.kill());
    await gateway.answered(1);
    const topics = ['devices/1/telemetry'];
    const publisher = publishNumbered({ url: broker.url, topics, count: 8_000, padBytes: 4_000 });
    t.after(() => publisher.stop());
    await until(async () => (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1, {
      timeoutMs: 60_000,
      what: () => `the journal to be full\n${gateway.report}`,
    });
    const seen = await runDoctor(config);
    assert.equal(seen.code, 1, seen.text);
    assert.equal(seen.row('journal').state, 'failed', seen.text);
    assert.match(seen.row('journal').seen, /the journal is full: journal\.maxSize of 16777216 bytes is reached/);
    assert.match(seen.row('journal').mend, /raise journal\.maxSize/);
    assert.equal(seen.row('canary').state, 'failed', seen.text);
    assert.match(seen.row('canary').seen, /PUBLISH to gateway\/canary was refused: reason code 0x87/);
    assert.match(seen.row('canary').mend, /Let this user publish to gateway\/canary/);
  });
});
