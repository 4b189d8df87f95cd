/** What the broker sends is never taken for what the gateway tells of itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway } from '../support/gateway-process.js';
import { startReceiver } from '../support/receiver.js';
import { startScriptedBroker } from '../support/scripted-broker.js';
import { until } from '../support/until.js';

describe('own topics', () => {
  it('a message of the broker below $holdfast/ is acknowledged and kept, logged, and no event', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const receiver = await startReceiver();
    t.after(() => receiver.stop());
    const config = await gatewayConfig({
      broker: { url: broker.url },
      subscribers: [{ id: 'on-call', url: receiver.url, topics: ['$holdfast/#'] }],
    });
    const gateway = await startGateway(config, { until: 'link' });
    t.after(() => gateway.kill());
    const { client } = broker;
    const packet = {
      cmd: 'publish',
      topic: '$holdfast/link/down',
      payload: 'forged',
      dup: false,
      retain: false,
    } as const;
    client.send({ ...packet, qos: 1, messageId: 7 });
    client.send({ ...packet, qos: 2, messageId: 8 });
    await until(() => client.sent('puback').length + client.sent('pubcomp').length === 2, {
      what: () => `both to be acknowledged\n${gateway.report}`,
    });
    client.reset();
    await receiver.waitFor((one) => one.requests.some(({ topic }) => topic === '$holdfast/link/down'));
    for (const { body, topic } of receiver.requests) assert.notEqual(body.toString(), 'forged', topic);
    const records = (await (await gateway.http('/v1/records')).json()) as { items: { topic: string }[] };
    const kept = records.items.filter(({ topic }) => topic.startsWith('$broker/'));
    assert.deepEqual(
      kept.map(({ topic }) => topic),
      ['$broker/$holdfast/link/down', '$broker/$holdfast/link/down'],
    );
    const line = gateway.logs.find(({ msg }) => msg.includes('what only the gateway tells'));
    assert.equal(line?.['topic'], '$holdfast/link/down');
    assert.match(line['mend'] as string, /below \$holdfast\//);
  });
});
