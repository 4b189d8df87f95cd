import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { until } from '../../test/support/until.js';
import { Apps } from './apps.js';
import { startBroker } from './broker.js';
import { Devices } from './devices.js';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const BODY = '{"a":1}';

function signature(secret: string, body: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`id.1.${body}`).digest('base64')}`;
}

async function post(url: string, signed: string, body = BODY): Promise<number> {
  const headers = { 'webhook-id': 'id', 'webhook-timestamp': '1', 'webhook-signature': signed };
  return (await fetch(url, { method: 'POST', headers, body })).status;
}

describe('the apps of the demo', () => {
  it('billing takes nothing that is not signed, and what is signed in any of the signatures', async (t) => {
    const apps = new Apps(SECRET, () => undefined);
    const url = `${await apps.start()}/billing`;
    t.after(() => apps.stop());
    const right = signature(SECRET, BODY);
    const other = signature(`whsec_${Buffer.alloc(24, 8).toString('base64')}`, BODY);
    for (const wrong of ['', 'v1,', 'v1,AAAA', other]) assert.equal(await post(url, wrong), 401, wrong);
    assert.equal(await post(url, right, '{"a":2}'), 401);
    assert.equal((await fetch(url, { method: 'POST', body: BODY })).status, 401);
    assert.deepEqual([await post(url, right), await post(url, `${other} ${right}`)], [204, 204]);
    assert.deepEqual(apps.received, { billing: 2, audit: 0 });
  });

  it('audit fails and works in turns, and says so', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const said: string[] = [];
    const apps = new Apps(SECRET, (line) => said.push(line));
    const url = `${await apps.start()}/audit`;
    t.after(() => apps.stop());
    const statuses: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      statuses.push(await post(url, ''));
      t.mock.timers.tick(6_000);
    }
    assert.deepEqual(statuses, [204, 503, 204]);
    assert.deepEqual(said.slice(0, 2), ['the audit app fails from now on (503)', 'the audit app works again']);
    assert.equal(apps.received.audit, 2);
  });
});

describe('the devices of the demo', () => {
  it('report what the demo contract asks for, one of them also what breaks parsers, and obey commands', async () => {
    const broker = await startBroker();
    const listener = await connectAsync(broker.url, { clientId: 'listener' });
    const seen: { topic: string; payload: string }[] = [];
    listener.on('message', (topic, payload) => seen.push({ topic, payload: payload.toString() }));
    await listener.subscribeAsync('devices/#', { qos: 1 });
    const commands: string[] = [];
    const devices = new Devices();
    await devices.start(broker.url, (device, payload) => commands.push(`${device} ${payload}`));
    await listener.publishAsync('commands/pump-1', 'stop', { qos: 1 });
    const isBroken = ({ payload }: { payload: string }): boolean => !payload.startsWith('{"gwId":"gw-demo"');
    await until(() => seen.some(isBroken) && commands.length > 0, { what: 'a broken payload and a command' });
    await devices.stop();
    await listener.endAsync();
    await broker.stop();
    assert.deepEqual(commands, ['pump-1 stop']);
    assert.deepEqual([...new Set(seen.filter(isBroken).map(({ topic }) => topic))], ['devices/meter-3/telemetry']);
    assert.equal(new Set(seen.map(({ topic }) => topic)).size, 4);
    for (const one of seen.filter((reading) => !isBroken(reading))) {
      const { deviceId, temperature } = JSON.parse(one.payload) as { deviceId: string; temperature: number };
      assert.equal(one.topic, `devices/${deviceId}/telemetry`);
      assert.ok(temperature >= 20 && temperature < 30);
    }
  });
});
