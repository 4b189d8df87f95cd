/** What the log says of a drop, a failed attempt, a rejection and a change, and what it never says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import type { LinkStatus } from '../../src/domain/link.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess, type LogEntry } from '../support/gateway-process.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const SECRETS = { token: 'the-operators-own-token', header: 'the-webhooks-own-key' };
const OPERATOR = { authorization: `Bearer ${SECRETS.token}`, 'x-request-id': 'night-shift-7' };
const HOSTILE = 'devices/\u202e2J/telemetry';

describe('the log of a running gateway', { skip: needs('mosquitto') }, () => {
  it('has one line of each with what tells it apart, changes with who asked, no secret and no control character', async (t) => {
    const broker = await startMosquitto();
    t.after(() => broker.stop('SIGKILL'));
    const receiver = await startReceiver({ answer: () => ({ status: 503 }) });
    t.after(() => receiver.stop());
    const config = await gatewayConfig({
      broker: { url: broker.url },
      contracts: { reading: { format: 'json' } },
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1, contract: 'reading' }],
      subscribers: [
        {
          ...{ id: 'app', url: receiver.url, topics: ['devices/#'], headers: { 'x-key': SECRETS.header } },
          retry: { schedule: ['50ms', '50ms'] },
        },
      ],
      http: { auth: { tokens: [{ name: 'night', token: SECRETS.token, scopes: ['read', 'admin'] }] } },
    });
    const gateway = await startGateway(config, { until: 'link' });
    t.after(() => gateway.kill());
    const subscribed = async (): Promise<boolean> => {
      const link = (await (await gateway.http('/v1/link', { headers: OPERATOR })).json()) as LinkStatus;
      return link.subscribed.length === 1;
    };
    await until(subscribed, { what: () => `the subscription\n${gateway.report}` });
    const device = await connectAsync(broker.url);
    t.after(() => device.endAsync(true));
    await device.publishAsync(HOSTILE, '{}', { qos: 1 });
    await device.publishAsync(HOSTILE, 'no object', { qos: 1 });

    const failed = await lineOf(gateway, 'attempts fail');
    assert.deepEqual([failed['subscriber'], failed['reason'], failed['status']], ['app', 'status', 503]);
    assert.deepEqual([failed['topic'], failed['attempt'], failed['position']], [HOSTILE, 1, 1]);
    assert.match(failed['id'] as string, /^[\da-f-]{36}$/);
    assert.ok(Date.parse(failed['nextAt'] as string) > 0 && (failed['durationMs'] as number) >= 0);

    const rejected = await lineOf(gateway, 'records are rejected');
    assert.deepEqual([rejected['contract'], rejected['topic'], rejected['position']], ['reading', HOSTILE, 2]);
    assert.match(rejected['id'] as string, /^[\da-f-]{36}$/);

    const dead = await lineOf(gateway, 'dead letters; see GET /v1/dead-letters');
    assert.deepEqual([dead['id'], dead['position'], dead['topic']], [failed['id'], 1, HOSTILE]);

    await gateway.http('/v1/subscribers/app/pause', { method: 'POST', headers: OPERATOR });
    const change = await lineOf(gateway, 'a change was asked for over REST');
    const { requestId, caller, route, params, status } = change;
    assert.deepEqual([requestId, caller], ['night-shift-7', 'night']);
    assert.deepEqual([route, params, status], ['/v1/subscribers/:id/pause', { id: 'app' }, 200]);

    await broker.stop('SIGKILL');
    const drop = await lineOf(gateway, 'link dropped');
    assert.deepEqual([drop['clientId'], drop['count'], typeof drop['upSeconds']], ['gateway', 1, 'number']);
    assert.ok(drop['cause'] && drop['mend'] && drop['url'] && 'sessionPresent' in drop);
    await until(async () => (await gateway.metric('holdfast_link_refused_total')) >= 4, { what: 'refused connects' });
    const refusals = gateway.logs.filter(({ msg }) => msg === 'connecting failed');
    const causes = new Set(refusals.map(({ cause }) => cause));
    assert.equal(refusals.length, causes.size, 'an outage is one line, and not one of each attempt');
    assert.ok(refusals.every(({ retryAt }) => Date.parse(retryAt as string) > 0));

    await gateway.stop();
    const written = JSON.stringify(gateway.logs) + gateway.tail;
    for (const secret of Object.values(SECRETS)) assert.ok(!written.includes(secret));
  });
});

function lineOf(gateway: GatewayProcess, wanted: string): Promise<LogEntry> {
  const what = (): string => `the line "${wanted}"\n${gateway.report}`;
  return until(() => gateway.logs.find(({ msg }) => msg === wanted), { what });
}
