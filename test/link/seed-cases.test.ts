/** The failures this project was begun for, one test each, by name. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LinkDrop } from '../../src/domain/link.js';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
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
      const start = async (directory?: string): Promise<GatewayProcess> => {
        const session = { clientId: 'twin', reconnect: { initial: '200ms', max: '1s', conflict: '20s' } };
        const config = await gatewayConfig({ broker: { url: broker.url, protocol }, session });
        const gateway = await startGateway(config, {
          until: 'link',
          ...(directory === undefined ? {} : { directory }),
        });
        t.after(() => gateway.kill());
        await gateway.answered(1);
        return gateway;
      };
      // Both have run before: a first SUBSCRIBE that a takeover cuts short would be suspected, and rightly.
      const other = await start();
      await other.stop();
      const twins = [await start(), await start(other.directory)];
      const named = async (gateway: GatewayProcess): Promise<boolean> =>
        (await gateway.metric('holdfast_link_drops_total', { cause: 'client-id-conflict' })) > 0;
      await until(async () => (await Promise.all(twins.map(named))).every(Boolean), {
        timeoutMs: 120_000,
        what: () => `both to name it\n${twins.map(({ report }) => report).join('\n')}`,
      });
      // As they happened, and not as fast as a test can ask.
      const dropsOf = async (twin: GatewayProcess): Promise<LinkDrop[]> => (await twin.link()).drops.toReversed();
      const both = await Promise.all(twins.map(dropsOf));
      const firsts = both.map((drops) => drops.find(({ cause }) => cause === 'client-id-conflict')!);
      const namedAt = Math.max(...firsts.map(({ at }) => Date.parse(at)));
      const takeovers = both.flat().filter(({ at }) => Date.parse(at) <= namedAt);
      assert.ok(takeovers.length <= 6, `named with these: ${JSON.stringify(takeovers)}`);
      const [drop] = firsts as [LinkDrop];
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

  describe('a broker that hangs up after it has denied a publish', () => {
    const start = (t: TestContext, reconnect: { initial: string; max: string }): Promise<Flow> =>
      startFlow(t, {
        broker: {
          acl: ['topic readwrite devices/#', 'topic write commands/allowed'],
          lines: ['max_queued_messages 0'],
        },
        config: () => ({ publish: { allow: ['commands/#'] }, session: { reconnect } }),
      });
    const statusOf = async ({ gateway }: Flow, id: string): Promise<{ status: string; cause?: string }> =>
      (await (await gateway.http(`/v1/publishes/${id}`)).json()) as { status: string; cause?: string };

    it('each is named, and none is taken for a takeover', async (t) => {
      const { gateway } = await start(t, { initial: '10ms', max: '50ms' });
      for (let connects = 1; connects <= 4; connects++) {
        await until(async () => (await gateway.metric('holdfast_link_connects_total')) === connects, {
          what: () => `connect ${connects}\n${gateway.report}`,
        });
        await gateway.linkUp();
        const denied = await gateway.post('/v1/publish', { topic: `commands/denied/${connects}`, payload: 'x' });
        assert.equal(denied.status, 502, gateway.report);
      }
      const { drops } = await until(
        async () => {
          const link = await gateway.link();
          return link.state === 'up' && link.drops.length >= 4 ? link : undefined;
        },
        { what: () => gateway.report },
      );
      assert.deepEqual(new Set(drops.map(({ cause }) => cause)), new Set(['publish-denied']), JSON.stringify(drops));
      assert.match(drops[0]!.evidence.join(), /right after it had refused PUBLISH commands\/denied.* 0x87/);
    });

    it('what waits for one topic costs one link, not one each, and what is behind it goes out', async (t) => {
      const flow = await start(t, { initial: '10ms', max: '50ms' });
      const { gateway, broker } = flow;
      await broker.stop();
      await until(async () => (await gateway.metric('holdfast_link_up')) === 0, { what: 'the link to be down' });
      const topics = [...Array<string>(15).fill('commands/denied'), 'commands/allowed'];
      const ids: string[] = [];
      for (const topic of topics) {
        const queued = await gateway.post('/v1/publish', { topic, payload: 'x' }, { prefer: 'respond-async' });
        assert.equal(queued.status, 202);
        ids.push(((await queued.json()) as { id: string }).id);
      }
      await broker.start();
      await until(async () => (await statusOf(flow, ids.at(-1)!)).status === 'published', {
        what: () => gateway.report,
      });
      for (const id of ids.slice(0, -1)) {
        const { status, cause } = await statusOf(flow, id);
        assert.deepEqual([status, cause], ['refused', 'publish-denied']);
      }
      const connects = await gateway.metric('holdfast_link_connects_total');
      // A SUBSCRIBE that meets the closed socket brings a reset on, and may so cost the answer to the publish: once more.
      assert.ok(connects === 3 || connects === 4, gateway.report);
      const again = await gateway.post('/v1/publish', { topic: 'commands/denied', payload: 'x' });
      assert.equal(((await again.json()) as { cause: string }).cause, 'publish-denied');
      await gateway.linkUp();
      assert.equal(await gateway.metric('holdfast_link_connects_total'), connects, gateway.report);
    });

    it('many topics cost a link each, and the wait between them does not grow', async (t) => {
      const flow = await start(t, { initial: '20ms', max: '1h' }); // doubled each time, it would be a minute by the twelfth
      const { gateway } = flow;
      const topics = [...Array.from({ length: 14 }, (_, i) => `commands/denied/${i}`), 'commands/allowed'];
      const body = topics.map((topic) => ({ topic, payload: 'x' }));
      const taken = await gateway.post('/v1/publish/batch', body, { prefer: 'respond-async' });
      assert.equal(taken.status, 202);
      const { id } = ((await taken.json()) as { id: string }[]).at(-1)!;
      await until(async () => (await statusOf(flow, id)).status === 'published', {
        timeoutMs: 30_000,
        what: () => gateway.report,
      });
      assert.equal(await gateway.metric('holdfast_link_connects_total'), 15, gateway.report);
    });
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
