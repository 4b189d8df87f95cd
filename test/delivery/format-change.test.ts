/** The format of a topic changes while records of it are in flight or in a backlog: none of them is lost. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { connectAsync } from 'mqtt';
import { stringify } from 'yaml';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

function write({ config, gateway }: Flow): void {
  writeFileSync(join(gateway.directory, 'gateway.yaml'), stringify(config));
}

async function asked({ gateway }: Flow, path: string): Promise<void> {
  const answer = await gateway.http(path, { method: 'POST' });
  assert.equal(answer.status, 200, await answer.text());
}

describe('a change of format', { skip: needs('mosquitto') }, () => {
  for (const how of ['reload', 'kill and restart'] as const) {
    it(`${how}: what is in flight gets the key of a record that waits behind it, and is given all the same`, async (t) => {
      const keyed = {
        id: 'app',
        topics: ['#'],
        ordering: 'key',
        key: '/deviceId',
        retry: { schedule: Array(9).fill('1s') },
      };
      const flow = await startFlow(t, {
        config: ({ receiverUrl: url }) => ({
          contracts: { packed: { format: 'msgpack' } },
          subscriptions: [
            { name: 'x', filter: 'x/+', contract: 'packed' },
            { name: 'y', filter: 'y/+' },
          ],
          subscribers: [{ ...keyed, url }],
        }),
      });
      const { receiver, config, broker } = flow;
      let broken = true;
      receiver.answer = ({ topic }) => (!broken ? {} : topic === 'y/1' ? { hang: true } : { status: 500 });
      const device = await connectAsync(broker.url, { protocolVersion: 5 });
      t.after(() => device.endAsync(true));
      const payload = Buffer.from(encode({ deviceId: 'd1' }));
      await device.publishAsync('y/1', payload, { qos: 1 });
      await until(() => receiver.requests.some(({ topic }) => topic === 'y/1'), { what: 'y/1 to be in flight' });
      await device.publishAsync('x/1', payload, { qos: 1 });
      await until(() => receiver.requests.some(({ topic, attempt }) => topic === 'x/1' && attempt > 1), {
        what: 'x/1 to wait', // its row was saved long before its second attempt
      });
      const subscriptions = ['x', 'y'].map((name) => ({ name, filter: `${name}/+`, contract: 'packed' }));
      Object.assign(config, { subscriptions, subscribers: [{ ...keyed, url: receiver.url, timeout: '14s' }] });
      if (how === 'reload') {
        write(flow);
        await asked(flow, '/v1/reload');
      } else {
        await flow.gateway.kill();
        await flow.restart();
      }
      broken = false;
      const given = (): Set<number> =>
        new Set(receiver.requests.filter(({ answered }) => answered === 204).map(({ sequence }) => sequence));
      await until(() => given().has(1) && given().has(2), {
        what: () => `both, not ${[...given()].join()}`,
        timeoutMs: 20_000,
      });
    });
  }

  it('a backlog in the format of before is not passed over by a filter that looks into payloads', async (t) => {
    const count = 600;
    const flow = await startFlow(t, {
      config: ({ receiverUrl: url }) => ({
        contracts: { one: { format: 'json' } },
        subscriptions: [{ name: 'all', filter: 'devices/#', contract: 'one' }],
        subscribers: [{ id: 'app', url, topics: ['devices/#'], where: { exact: { '/t': 10 } } }],
      }),
    });
    const { receiver, config, broker } = flow;
    await asked(flow, '/v1/subscribers/app/pause');
    const text = (n: number): string => JSON.stringify({ t: 10, n });
    await publishNumbered({ url: broker.url, topics: ['devices/1'], count, payload: text }).done;
    const lag = async (): Promise<number> => {
      const answer = await flow.gateway.http('/v1/subscribers/app');
      return ((await answer.json()) as { lagRecords: number }).lagRecords;
    };
    await until(async () => (await lag()) === count, { what: 'the backlog to be there' });
    Object.assign(config, { contracts: { one: { format: 'msgpack' } } });
    write(flow);
    await asked(flow, '/v1/reload');
    await flow.gateway.kill();
    await flow.restart(); // the same for a restart, and nothing is left in memory
    await asked(flow, '/v1/subscribers/app/resume');
    await until(() => receiver.deliveredIds().size === count, {
      what: () => `all of ${count}, not ${receiver.deliveredIds().size}`,
      timeoutMs: 20_000,
    });
  });
});
