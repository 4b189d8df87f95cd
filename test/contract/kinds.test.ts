/** Several contracts on one topic, topic parameters and shadow mode, from a device to a webhook. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

interface Rejected {
  topic: string;
  contract: string;
  reason: string;
  problems: { pointer: string; rule: string; message: string }[];
}

const directory = scratchDirectory('kinds');

function schema(required: string): string {
  const file = join(directory, `${required}.schema.json`);
  writeFileSync(file, JSON.stringify({ type: 'object', properties: { type: {} }, required: [required] }));
  return file;
}

async function start(
  t: TestContext,
  config: (receiverUrl: string) => GatewayConfig,
): Promise<{ flow: Flow; send: (topic: string, payload: unknown) => Promise<unknown> }> {
  const flow = await startFlow(t, { config: ({ receiverUrl }) => config(receiverUrl) });
  const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  return { flow, send: (topic, payload) => device.publishAsync(topic, JSON.stringify(payload), { qos: 1 }) };
}

async function rejections({ gateway }: Flow): Promise<Rejected[]> {
  return ((await (await gateway.http('/v1/rejections?order=asc')).json()) as { items: Rejected[] }).items;
}

describe('kinds of contracts', { skip: needs('mosquitto') }, () => {
  it('a discriminator picks the contract; a payload that says none is rejected at its pointer', async (t) => {
    const { flow, send } = await start(t, () => ({
      subscriptions: [{ filter: 'devices/+/telemetry', contract: 'telemetry' }],
      contracts: {
        telemetry: { oneOf: ['v1', 'v2'], discriminator: '/type' },
        v1: { schema: schema('one') },
        v2: { schema: schema('two') },
      },
    }));
    const good = [
      { type: 'v1', one: 1 },
      { type: 'v2', two: 2 },
    ];
    for (const payload of [good[0], { type: 'v1', two: 2 }, { two: 2 }, { type: 'v3' }, good[1]]) {
      await send('devices/1/telemetry', payload);
    }
    await flow.receiver.waitFor(2, 10_000);
    assert.deepEqual(
      flow.receiver.requests.map(({ body }) => JSON.parse(body.toString()) as unknown),
      good,
    );
    const told = (await rejections(flow)).map(({ contract, reason, problems: [one] }) => [
      contract,
      reason,
      one!.pointer,
      one!.rule,
    ]);
    assert.deepEqual(told, [
      ['telemetry', 'schema', '', 'required'],
      ['telemetry', 'one-of', '/type', 'discriminator'],
      ['telemetry', 'one-of', '/type', 'discriminator'],
    ]);
    const counted = { contract: 'telemetry', reason: 'one-of' };
    assert.equal(await flow.gateway.metric('holdfast_rejections_total', counted), 2);
  });

  it('named levels are asked of the broker as +, checked, filtered by, and sent in a header', async (t) => {
    const { flow, send } = await start(t, (url) => ({
      subscriptions: [
        {
          filter: 'devices/{deviceId}/{kind}',
          contract: 'any',
          parameters: { deviceId: { pattern: '^[a-z0-9-]+$' } },
        },
      ],
      contracts: { any: {} },
      subscribers: [
        { id: 'all', url, topics: ['devices/#'], ordering: 'topic' },
        { id: 'one', url, topics: ['devices/#'], where: { exact: { 'parameter:deviceId': 'b-1' } } },
        { id: 'json', url, topics: ['devices/a/#'], format: 'cloudevents-structured' },
      ],
    }));
    await send('devices/UPPER/state', {});
    await send('devices/a/état', {});
    await send('devices/b-1/state', {});
    const { requests } = flow.receiver;
    await until(() => requests.length >= 4, { what: () => `four requests, not ${requests.length}` });
    const headers = requests.map((one) => one.headers['mqtt-topic-parameter']).sort();
    assert.deepEqual(headers, [
      'deviceId=a, kind=%C3%A9tat',
      'deviceId=b-1, kind=state',
      'deviceId=b-1, kind=state',
      undefined,
    ]);
    const structured = requests.find((one) => one.headers['mqtt-topic-parameter'] === undefined)!;
    const event = JSON.parse(structured.body.toString()) as { [name: string]: unknown };
    assert.equal(event['mqtttopicparameter'], 'deviceId=a,kind=%C3%A9tat');
    const [rejected, ...more] = await rejections(flow);
    assert.deepEqual(more, []);
    assert.deepEqual([rejected!.topic, rejected!.reason], ['devices/UPPER/state', 'parameter']);
    assert.match(rejected!.problems[0]!.message, /^topic parameter deviceId must match pattern/);
    const link = (await (await flow.gateway.http('/v1/link')).json()) as { subscribed: string[] };
    assert.deepEqual(link.subscribed, ['devices/{deviceId}/{kind}'], 'the name is the filter as written');
  });

  it('a pattern that hangs on a topic costs that record, and the next one flows', async (t) => {
    const { flow, send } = await start(t, () => ({
      subscriptions: [
        { filter: 'devices/{deviceId}/telemetry', contract: 'any', parameters: { deviceId: { pattern: '^(a+)+$' } } },
      ],
      contracts: { any: {} },
    }));
    await send(`devices/${'a'.repeat(40)}!/telemetry`, {});
    await send('devices/aa/telemetry', {});
    await flow.receiver.waitFor(1, 20_000);
    assert.deepEqual(
      (await rejections(flow)).map(({ reason }) => reason),
      ['timeout'],
    );
  });

  it('shadow: failures are counted, a sample is logged, and all are delivered', async (t) => {
    const { flow, send } = await start(t, () => ({
      subscriptions: [{ filter: 'devices/+/telemetry', contract: 'trial' }],
      contracts: { trial: { schema: schema('one'), mode: 'shadow' } },
    }));
    for (let i = 0; i < 20; i++) await send(`devices/${i}/telemetry`, i === 0 ? { one: 1 } : { i });
    await flow.receiver.waitFor(20, 10_000);
    const labels = { contract: 'trial', reason: 'schema', mode: 'shadow' };
    const { gateway } = flow;
    await until(async () => (await gateway.metric('holdfast_contract_failures_total', labels)) === 19, {
      what: 'nineteen failures',
    });
    assert.equal(await gateway.metric('holdfast_rejections_total', { contract: 'trial', reason: 'schema' }), 0);
    assert.deepEqual(await rejections(flow), []);
    const told = gateway.logs.filter(({ msg }) => msg.includes('shadow mode'));
    assert.ok(told.length >= 1 && told.length < 5, `${told.length} lines`);
    assert.deepEqual(
      [told[0]!['contract'], told[0]!['reason'], told[0]!['rule'], told[0]!['count']],
      ['trial', 'schema', 'required', 1],
    );
    assert.match(String(told[0]!['problem']), /'one'/);
  });
});
