/** The failures this project was begun for, one test each, by name. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LinkDrop } from '../../src/domain/link.js';
import { startFlow, TOPICS } from '../support/flow.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const THROWING_APP = fileURLToPath(new URL('./throwing-app.js', import.meta.url));

describe('seed cases', { skip: needs('mosquitto') }, () => {
  for (const protocol of ['5', '3.1.1']) {
    it(`same client id in two gateways (MQTT ${protocol}): both name it by the sixth takeover, and neither fights`, async (t) => {
      const broker = await startMosquitto();
      t.after(() => broker.stop('SIGKILL'));
      const start = async (): Promise<GatewayProcess> => {
        const session = { clientId: 'twin', reconnect: { initial: '200ms', max: '1s', conflict: '20s' } };
        const gateway = await startGateway(await gatewayConfig({ broker: { url: broker.url, protocol }, session }));
        t.after(() => gateway.kill());
        return gateway;
      };
      const twins = [await start(), await start()];
      const named = async (gateway: GatewayProcess): Promise<boolean> =>
        (await gateway.metric('holdfast_link_drops_total', { cause: 'client-id-conflict' })) > 0;
      await until(async () => (await Promise.all(twins.map(named))).every(Boolean), {
        timeoutMs: 60_000,
        what: () => `both to name it\n${twins.map(({ report }) => report).join('\n')}`,
      });
      const takeovers = async (): Promise<number> => {
        const drops = await Promise.all(twins.map((gateway) => gateway.metric('holdfast_link_drops_total')));
        return drops.reduce((sum, one) => sum + one, 0);
      };
      const before = await takeovers();
      assert.ok(before <= 6, `${before} takeovers until both had named it`);
      const { drops } = (await (await twins[0]!.http('/v1/link')).json()) as { drops: LinkDrop[] };
      const drop = drops.find(({ cause }) => cause === 'client-id-conflict')!;
      assert.match(drop.evidence.join(), /without a word 3 times in a row/);
      assert.match(drop.mend, /session\.clientId/);
      for (const gateway of twins) assert.equal((await gateway.ops('/readyz')).status, 200);
    });
  }

  it('no permission for a topic: the publish is refused and named, the link and the other topics stay', async (t) => {
    const acl = join(scratchDirectory('acl'), 'acl');
    writeFileSync(acl, 'topic readwrite devices/#\ntopic write commands/allowed\n');
    const flow = await startFlow(t, {
      // Without a limit on its queue, Mosquitto 2.0.11 hangs up on every publish that it denies.
      broker: { lines: [`acl_file ${acl}`, 'max_queued_messages 1000'] },
      config: () => ({ publish: { allow: ['commands/#'] } }),
    });
    const denied = await flow.gateway.post('/v1/publish', { topic: 'commands/denied', payload: 'x' });
    assert.equal(denied.status, 502, flow.gateway.report);
    assert.equal(((await denied.json()) as { cause: string }).cause, 'publish-denied');
    const allowed = await flow.gateway.post('/v1/publish', { topic: 'commands/allowed', payload: 'x' });
    assert.equal(allowed.status, 200, flow.gateway.report);
    await publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 100 }).done;
    await flow.receiver.waitFor(100);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
  });

  it('exception in a handler: a failed attempt, tried again; the link does not notice', async (t) => {
    const flow = await startFlow(t, { gateway: { main: THROWING_APP } });
    await publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 100 }).done;
    await until(() => flow.gateway.tail.match(/handled/g)?.length === 100, {
      timeoutMs: 20_000,
      what: () => `every message to be handled at its second attempt\n${flow.gateway.tail.slice(-500)}`,
    });
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
    const attempts = { subscriber: 'handler:devices/+/telemetry', outcome: 'retry' };
    assert.equal(await flow.gateway.metric('holdfast_attempts_total', attempts), 100);
  });

  it('reconnect without losing subscriptions and queued messages', async (t) => {
    const flow = await startFlow(t, { broker: { persistence: true } });
    const { broker, receiver, gateway } = flow;
    await gateway.kill();
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 500 }).done;
    await broker.restart();
    await flow.restart();
    await publishNumbered({ url: broker.url, topics: TOPICS, from: 500, count: 500 }).done;
    await receiver.waitFor((one) => allDelivered(one, 1_000));
    assert.equal(assertNumbered(receiver, TOPICS, 1_000), 0);
    assert.equal(await flow.gateway.metric('holdfast_link_session_resumes_total', { result: 'resumed' }), 1);
  });
});
