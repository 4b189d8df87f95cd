/** Stalled code and a frozen disk: the link stays, probes are answered, nothing acknowledged is lost. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { freezeDisk } from '../support/frozen-disk.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { numberOf, publishNumbered } from '../support/publisher.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const KEEPALIVE_MS = 5_000;
const BLOCKING_APP = fileURLToPath(new URL('./blocking-app.js', import.meta.url));

describe('stalls', { skip: needs('mosquitto') }, () => {
  it('a class contract that never returns: its record is rejected, the others flow', async (t) => {
    const file = join(scratchDirectory('contract'), 'spinning.mjs');
    writeFileSync(file, SPINNING_CLASS);
    const flow = await startFlow(t, {
      config: () => ({
        session: { keepalive: `${KEEPALIVE_MS}ms` },
        subscriptions: [{ filter: 'devices/+/telemetry', contract: 'spinning' }],
        contracts: { spinning: { class: `${file}#Reading` } },
      }),
    });
    const { gateway, receiver, broker } = flow;
    const watch = watchProbes(flow);
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 300 }).done;
    // Number 13 and every hundredth after it never return.
    await receiver.waitFor(297, 60_000);
    assert.ok(receiver.requests.every(({ body }) => numberOf(body) % 100 !== 13));
    const { items } = (await (await gateway.http('/v1/rejections')).json()) as { items: { reason: string }[] };
    assert.deepEqual(
      items.map(({ reason }) => reason),
      ['timeout', 'timeout', 'timeout'],
    );
    await watch.held();
  });

  it('a pattern that backtracks without end: its record is rejected, the others flow', async (t) => {
    const file = join(scratchDirectory('contract'), 'backtracking.json');
    writeFileSync(file, BACKTRACKING_SCHEMA);
    const flow = await startFlow(t, {
      config: () => ({
        session: { keepalive: `${KEEPALIVE_MS}ms` },
        subscriptions: [{ filter: 'devices/+/telemetry', contract: 'backtracking' }],
        contracts: { backtracking: { schema: file } },
      }),
    });
    const { gateway, receiver, broker } = flow;
    const watch = watchProbes(flow);
    const device = await connectAsync(broker.url);
    t.after(() => device.endAsync(true));
    const evil = 'a'.repeat(50);
    for (const payload of [{ unit: 'aa' }, { unit: `${evil}!` }, { units: { [`${evil}!`]: 1 } }, { unit: 'aaa' }]) {
      await device.publishAsync('devices/1/telemetry', JSON.stringify(payload), { qos: 1 });
    }
    await receiver.waitFor(2, 60_000);
    assert.deepEqual(
      receiver.requests.map(({ body }) => body.toString()),
      ['{"unit":"aa"}', '{"unit":"aaa"}'],
    );
    const { items } = (await (await gateway.http('/v1/rejections')).json()) as { items: { reason: string }[] };
    assert.deepEqual(
      items.map(({ reason }) => reason),
      ['timeout', 'timeout'],
    );
    await watch.held();
  });

  it('a handler that blocks the main thread for three keepalives: reconnects 0, acknowledgements go on', async (t) => {
    const flow = await startFlow(t, {
      gateway: { main: BLOCKING_APP, env: { BLOCK_MS: String(3 * KEEPALIVE_MS) } },
      config: () => ({
        session: { keepalive: `${KEEPALIVE_MS}ms` },
        subscriptions: [{ filter: 'devices/+/telemetry' }, { filter: 'block/#' }],
      }),
    });
    const { receiver, broker } = flow;
    const watch = watchProbes(flow);
    const device = await connectAsync(broker.url);
    t.after(() => device.endAsync(true));
    await device.publishAsync('block/now', '{}', { qos: 1 });
    await until(() => flow.gateway.tail.includes('blocking'), { what: 'the handler to block' });
    const blockedAt = performance.now();
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 1_000 }).done;
    const journaled = async (): Promise<boolean> =>
      (await flow.gateway.metric('holdfast_messages_journaled_total')) >= 1_001;
    await until(journaled, { what: 'all messages to be on disk while the main thread stands still' });
    assert.equal(await flow.gateway.metric('holdfast_link_pending_acks'), 0);
    assert.ok(performance.now() - blockedAt < 3 * KEEPALIVE_MS, 'the main thread must still be blocked');
    await receiver.waitFor(1_000, 60_000);
    assert.ok(performance.now() - blockedAt >= 3 * KEEPALIVE_MS - 100, 'it was blocked for as long as planned');
    assert.equal(assertNumbered(receiver, TOPICS, 1_000), 0);
    await watch.held();
  });

  it(
    'a disk frozen for two keepalives: no acknowledgement meanwhile, then all of them',
    { skip: needs('strace') },
    async (t) => {
      const flow = await startFlow(t, { config: () => ({ session: { keepalive: `${KEEPALIVE_MS}ms` } }) });
      const { gateway, receiver, broker } = flow;
      await publishNumbered({ url: broker.url, topics: TOPICS, count: 100 }).done;
      await receiver.waitFor(100);
      const watch = watchProbes(flow);
      const strace = await freezeDisk(t, gateway.pid, 2 * KEEPALIVE_MS);
      const publisher = publishNumbered({ url: broker.url, topics: TOPICS, from: 100, count: 900 });
      await until(async () => (await gateway.metric('holdfast_link_pending_acks')) > 0, { what: 'the frozen commit' });
      const frozen = await journaledOf(flow);
      await sleep(1.6 * KEEPALIVE_MS);
      assert.equal(await journaledOf(flow), frozen, 'nothing is on disk while it is frozen');
      assert.ok((await gateway.metric('holdfast_link_pending_acks')) > 0, 'and nothing is acknowledged');
      await publisher.done;
      await receiver.waitFor((one) => allDelivered(one, 1_000), 60_000);
      assert.equal(assertNumbered(receiver, TOPICS, 1_000), 0);
      await strace.stop();
      await watch.held();
    },
  );

  it(
    'killed while the disk is frozen: what was acknowledged before is delivered',
    { skip: needs('strace') },
    async (t) => {
      const flow = await startFlow(t);
      const publisher = publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 2_000, perSecond: 1_000 });
      await flow.receiver.waitFor(200);
      const strace = await freezeDisk(t, flow.gateway.pid, 60_000);
      await until(async () => (await flow.gateway.metric('holdfast_link_pending_acks')) > 0, {
        what: 'the frozen commit',
      });
      const killed = flow.gateway.kill();
      await strace.stop('SIGKILL'); // it would keep the dead process until its delay is over
      await killed;
      await flow.restart();
      await publisher.done;
      await flow.receiver.waitFor((one) => allDelivered(one, 2_000), 60_000);
      assertNumbered(flow.receiver, TOPICS, 2_000);
    },
  );
});

/** Asks livez again and again, as a kubelet would, and looks at the link at the end. */
function watchProbes({ gateway }: Flow): { held(): Promise<void> } {
  let asked = 0;
  const failures: string[] = [];
  const timer = setInterval(() => {
    asked++;
    void gateway.ops('/livez').then(
      ({ status, text }) => status === 200 || failures.push(text),
      (error: unknown) => failures.push(String(error)),
    );
  }, 250);
  timer.unref();
  return {
    held: async () => {
      clearInterval(timer);
      assert.ok(asked > 4, 'livez was watched');
      assert.deepEqual(failures, [], 'livez was answered all the time');
      assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'no reconnect');
      assert.equal(await gateway.metric('holdfast_link_drops_total'), 0);
    },
  };
}

function journaledOf({ gateway }: Flow): Promise<number> {
  return gateway.metric('holdfast_messages_journaled_total');
}

const SPINNING_CLASS = `
import { IsInt, IsString, registerDecorator, ValidateBy } from 'class-validator';

function Spins() {
  return ValidateBy({ name: 'spins', validator: { validate: (n) => { while (n % 100 === 13); return true; } } });
}
export class Reading {}
IsString()(Reading.prototype, 'gwId');
IsString()(Reading.prototype, 'pad');
Spins()(Reading.prototype, 'n');
`;

const BACKTRACKING_SCHEMA = JSON.stringify({
  type: 'object',
  properties: {
    unit: { type: 'string', pattern: '^(a+)+$' },
    units: { type: 'object', patternProperties: { '^(a+)+$': true } },
  },
});
