/** What is published obeys contracts: over REST, and as a webhook's reply. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const directory = scratchDirectory('publish-contracts');
const COMMAND = {
  type: 'object',
  properties: { level: { type: 'number' }, name: { type: 'string', pattern: '^(a+)+$' } },
  required: ['level'],
};

interface Refused {
  status: number;
  code: string;
  contract: string;
  reason: string;
  problems: { pointer: string; rule: string; message: string }[];
}

async function start(t: TestContext, checkWait = '5s'): Promise<{ flow: Flow; arrived: string[] }> {
  const file = join(directory, 'command.schema.json');
  writeFileSync(file, JSON.stringify(COMMAND));
  const flow = await startFlow(t, {
    config: ({ receiverUrl: url }) => ({
      subscribers: [{ id: 'app', url, topics: ['devices/#'], reply: true }],
      contracts: { command: { schema: file }, trial: { schema: file, mode: 'shadow' } },
      publish: {
        allow: ['commands/#', 'trials/#'],
        checkWait,
        contracts: [
          { filter: 'commands/free', contract: 'trial' },
          { filter: 'commands/{deviceId}/set', contract: 'command', parameters: { deviceId: { maxLength: 4 } } },
          { filter: 'trials/#', contract: 'trial' },
        ],
      },
    }),
  });
  const client = await connectAsync(flow.broker.url, { protocolVersion: 5 });
  t.after(() => client.endAsync(true));
  const arrived: string[] = [];
  client.on('message', (topic, payload) => arrived.push(`${topic} ${payload.toString()}`));
  await client.subscribeAsync(['commands/#', 'trials/#'], { qos: 1 });
  return { flow, arrived };
}

async function publish({ gateway }: Flow, topic: string, payload: unknown): Promise<Refused> {
  const answer = await gateway.post('/v1/publish', { topic, payload });
  return { ...((await answer.json()) as Refused), status: answer.status };
}

describe('contracts of publishes', { skip: needs('mosquitto') }, () => {
  it('a payload that fails is a 422 with its problems, and never reaches the broker', async (t) => {
    const { flow, arrived } = await start(t);
    const refused = await publish(flow, 'commands/7/set', { level: 'high' });
    assert.deepEqual(
      [refused.status, refused.code, refused.contract, refused.reason],
      [422, 'CONTRACT_FAILED', 'command', 'schema'],
    );
    assert.deepEqual(refused.problems, [
      { pointer: '/level', rule: 'type', message: 'must be number', expected: 'number', sample: '"high"' },
    ]);
    const named = await publish(flow, 'commands/77777/set', { level: 1 });
    assert.deepEqual([named.status, named.reason], [422, 'parameter']);
    assert.match(named.problems[0]!.message, /deviceId/);
    for (const [topic, payload] of [
      ['commands/7/set', '{"level": 1.0}'],
      ['commands/other', 'any text'],
      ['trials/x', '{}'],
    ] as const) {
      assert.equal((await publish(flow, topic, payload)).status, 200, topic);
    }
    await until(() => arrived.length >= 3, { what: 'three publishes' });
    assert.deepEqual(arrived, ['commands/7/set {"level": 1.0}', 'commands/other any text', 'trials/x {}']);
    const failures = (labels: { [name: string]: string }): Promise<number | undefined> =>
      flow.gateway.metric('holdfast_publish_contract_failures_total', labels);
    assert.equal(await failures({ contract: 'command', reason: 'schema', mode: 'enforce' }), 1);
    assert.equal(await failures({ contract: 'command', reason: 'parameter', mode: 'enforce' }), 1);
    assert.equal(await failures({ contract: 'trial', reason: 'schema', mode: 'shadow' }), 1);
    assert.equal(await flow.gateway.metric('holdfast_publishes_total', { outcome: 'invalid' }), 2);
  });

  it('one that hangs its contract is a 422 timeout; those beside it are checked, and records flow', async (t) => {
    const { flow, arrived } = await start(t);
    const device = await connectAsync(flow.broker.url);
    t.after(() => device.endAsync(true));
    const hanging = publish(flow, 'commands/1/set', { level: 1, name: `${'a'.repeat(40)}!` });
    const beside = Array.from({ length: 5 }, (_, level) => publish(flow, 'commands/2/set', { level }));
    await device.publishAsync('devices/1/telemetry', 'x', { qos: 1 });
    assert.deepEqual([(await hanging).status, (await hanging).reason], [422, 'timeout']);
    assert.deepEqual(
      (await Promise.all(beside)).map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    await flow.receiver.waitFor(1, 10_000);
    await until(() => arrived.length >= 5, { what: 'the others' });
    assert.equal(arrived.length, 5);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1, 'no reconnect');
  });

  it('as long as the thread is replaced again and again: 503 after publish.checkWait, with Retry-After, and nothing is written', async (t) => {
    const { flow, arrived } = await start(t, '3s');
    const hanging = Array.from({ length: 8 }, () =>
      publish(flow, 'commands/1/set', { level: 1, name: `${'a'.repeat(40)}!` }),
    );
    const answer = await flow.gateway.post('/v1/publish', { topic: 'commands/2/set', payload: { level: 1 } });
    assert.equal(answer.status, 503);
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
    const { code, detail } = (await answer.json()) as Refused & { detail: string };
    assert.equal(code, 'CONTRACT_UNCHECKED');
    assert.match(detail, /within 3000 ms/);
    const codes = new Set((await Promise.all(hanging)).map(({ code }) => code));
    assert.deepEqual([...codes].sort(), ['CONTRACT_FAILED', 'CONTRACT_UNCHECKED']);
    await until(async () => (await publish(flow, 'commands/3/set', { level: 3 })).status === 200, {
      what: 'publishes to be checked again',
      timeoutMs: 60_000,
    });
    await until(() => arrived.length >= 1, { what: 'the publish' });
    assert.deepEqual(arrived, ['commands/3/set {"level":3}']);
  });

  it('a reply that fails is refused and told, and its record is delivered', async (t) => {
    const { flow, arrived } = await start(t);
    const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    flow.receiver.answer = ({ body }) => ({ status: 200, body: body.toString() });
    for (const payload of ['{"level":"high"}', '{"level":1}']) {
      const properties = { responseTopic: 'commands/9/set' };
      await device.publishAsync('devices/1/telemetry', payload, { qos: 1, properties });
    }
    await until(() => arrived.length >= 1, { what: 'the reply that fits' });
    assert.deepEqual(arrived, ['commands/9/set {"level":1}']);
    const { gateway } = flow;
    await until(async () => (await gateway.metric('holdfast_attempts_total', { outcome: 'delivered' })) === 2, {
      what: 'both to be delivered',
    });
    assert.equal(await gateway.metric('holdfast_replies_total', { outcome: 'refused' }), 1);
    const told = gateway.logs.filter(({ msg }) => msg === 'a reply is not published');
    assert.deepEqual(
      told.map(({ code }) => code),
      ['CONTRACT_FAILED'],
    );
  });
});
