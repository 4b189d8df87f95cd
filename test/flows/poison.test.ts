/** The classic poison of this field: each is rejected with its reason, and the next message flows. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const POISON: { [reason: string]: string | Buffer } = {
  syntax: 'temperature=21.5',
  schema: '{"temperature":20}',
  encoding: Buffer.from([0x7b, 0x22, 0x67, 0x77, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  'too-deep': '['.repeat(200_000),
};
const MORE: readonly (string | Buffer)[] = [
  '',
  Buffer.alloc(64),
  '{"__proto__":{"gwId":"x"}}',
  '{"gwId":1e999999}',
  `{"gwId":"${'x'.repeat(100_000)}`,
  '{"gwId":null}',
  ']'.repeat(200_000),
  '"\\ud800"',
];

interface Rejected {
  contract: string;
  reason: string;
  problems: { pointer: string; rule: string; message: string; expected?: string; sample?: string }[];
}

describe('poison', { skip: needs('mosquitto') }, () => {
  it('is rejected with its reason and a valid message after each of them is delivered', async (t) => {
    const schema = join(scratchDirectory('contract'), 'reading.schema.json');
    writeFileSync(
      schema,
      JSON.stringify({ type: 'object', required: ['gwId'], properties: { gwId: { type: 'string' } } }),
    );
    const { gateway, receiver, broker } = await startFlow(t, {
      config: () => ({
        subscriptions: [{ filter: 'devices/+/telemetry', contract: 'reading' }],
        contracts: { reading: { schema } },
      }),
    });
    const device = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    const send = (payload: string | Buffer): Promise<unknown> =>
      device.publishAsync('devices/1/telemetry', payload, { qos: 1 });
    const poison = [...Object.values(POISON), ...MORE];
    for (const [i, payload] of poison.entries()) {
      await send(payload);
      await send(`{"gwId":"after ${i}"}`);
      await receiver.waitFor(i + 1, 10_000);
    }
    const bodies = receiver.requests.map(({ body }) => body.toString());
    assert.deepEqual(
      bodies,
      poison.map((_, i) => `{"gwId":"after ${i}"}`),
    );

    const { items } = (await (await gateway.http('/v1/rejections?order=asc')).json()) as { items: Rejected[] };
    assert.equal(items.length, poison.length);
    assert.deepEqual(
      items.slice(0, Object.keys(POISON).length).map(({ reason }) => reason),
      Object.keys(POISON),
    );
    const [{ problems }] = items.filter(({ reason }) => reason === 'schema') as [Rejected];
    assert.equal(problems[0]!.rule, 'required');
    assert.match(problems[0]!.message, /gwId/);
    assert.deepEqual([problems[0]!.expected, problems[0]!.sample], ['property "gwId"', '{"temperature":20}']);
    for (const reason of Object.keys(POISON)) {
      const counted = await gateway.metric('holdfast_rejections_total', { contract: 'reading', reason });
      assert.equal(counted, items.filter((item) => item.reason === reason).length, reason);
    }
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'no reconnect');
    await until(async () => (await gateway.metric('holdfast_link_pending_acks')) === 0, { what: 'all acknowledged' });
  });

  it('a window full of poison does not stop the flow', async (t) => {
    const schema = join(scratchDirectory('contract'), 'reading.schema.json');
    writeFileSync(schema, '{"type":"object"}');
    const { receiver, broker } = await startFlow(t, {
      broker: { maxInflight: 20 },
      config: () => ({
        subscriptions: [{ filter: 'devices/+/telemetry', contract: 'reading' }],
        contracts: { reading: { schema } },
      }),
    });
    const device = await connectAsync(broker.url);
    t.after(() => device.endAsync(true));
    for (let i = 0; i < 21; i++) await device.publishAsync('devices/1/telemetry', 'poison', { qos: 1 });
    await device.publishAsync('devices/1/telemetry', '{}', { qos: 1 });
    await receiver.waitFor(1, 10_000);
  });
});
