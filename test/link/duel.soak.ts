/** Two gateways with one client id: they do not fight over the session, and whoever has it works. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'mqtt';
import { TOPICS } from '../support/flow.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startMosquitto, type Mosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { numberOf, publishNumbered } from '../support/publisher.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const DUEL_MS = Number(process.env['HOLDFAST_DUEL_MS'] ?? 300_000);
const TAKEOVERS_MAX = 12;
const STOCK_MS = 30_000;
const PER_SECOND = 50;
const PROGRESS_MS = 30_000;
/** Without the session for longer than this the messages would not flow: one takes over at once from the other. */
const GAP_MS_MAX = 5_000;
const CLIENT_ID = 'twin';

describe('duel', { skip: needs('mosquitto') }, () => {
  it(`${DUEL_MS / 1_000} s: at most ${TAKEOVERS_MAX} takeovers, messages flow all the time, none is lost`, async (t) => {
    const broker = await start(t);
    const receiver = await startReceiver();
    t.after(() => receiver.stop());
    const gap = gapsOf(receiver);
    const first = await startTwin(t, broker, receiver, 'a');
    await first.answered(1);
    const twins = [first, await startTwin(t, broker, receiver, 'b')];
    const begun = performance.now();
    const publisher = publishNumbered({
      url: broker.url,
      topics: TOPICS,
      count: 10_000_000,
      perSecond: PER_SECOND,
      timeoutMs: 2 * DUEL_MS + 60_000,
    });
    t.after(() => publisher.stop());
    const takeovers = async (): Promise<number> => (await sum(twins, 'holdfast_link_connects_total')) - 1;
    for (let next = PROGRESS_MS; performance.now() - begun < DUEL_MS; next += PROGRESS_MS) {
      await sleep(Math.min(next, DUEL_MS) - (performance.now() - begun));
      console.log(`${Math.round((performance.now() - begun) / 1_000)} s: ${await takeovers()} takeovers`);
    }
    const counted = await takeovers();
    const { acknowledged: all } = await publisher.stop();
    await until(() => missing(all, receiver).length === 0, {
      timeoutMs: 30_000,
      what: () => `of ${all.length} messages ${missing(all, receiver).slice(0, 20).join(' ')}`,
    });
    const by = (name: string): number => receiver.requests.filter(({ path }) => path === `/${name}`).length;
    console.log(`${all.length} messages, none lost: ${by('a')} came to one twin, ${by('b')} to the other`);
    console.log(`longest time without a message: ${Math.round(gap.worstMs)} ms`);
    assert.ok(counted <= TAKEOVERS_MAX, `${counted} takeovers`);
    assert.ok(gap.worstMs < GAP_MS_MAX, `${gap.worstMs} ms without a message`);
    for (const twin of twins) {
      assert.ok((await twin.metric('holdfast_link_drops_total', { cause: 'client-id-conflict' })) > 0, 'it is named');
      assert.equal((await twin.ops('/readyz')).status, 200);
    }
    await survivorFlows(twins, broker, receiver);
  });

  it(`${STOCK_MS / 1_000} s of two stock clients, for comparison`, async (t) => {
    const broker = await start(t);
    let connects = 0;
    const stock = Array.from({ length: 2 }, () =>
      connect(broker.url, { clientId: CLIENT_ID, clean: false, protocolVersion: 4 }).on('connect', () => connects++),
    );
    t.after(() => Promise.all(stock.map((client) => client.endAsync(true))));
    await sleep(STOCK_MS);
    const each5Minutes = Math.round(((connects - 1) * 300_000) / STOCK_MS);
    console.log(`two stock mqtt.js clients: ${connects - 1} takeovers, that is ${each5Minutes} in 5 minutes`);
    assert.ok(each5Minutes > 10 * TAKEOVERS_MAX, 'or this test would show nothing');
  });
});

async function start(t: TestContext): Promise<Mosquitto> {
  const broker = await startMosquitto();
  t.after(() => broker.stop('SIGKILL'));
  return broker;
}

/** With the waits that a configuration without any has. */
async function startTwin(t: TestContext, broker: Mosquitto, receiver: Receiver, name: string): Promise<GatewayProcess> {
  const config = await gatewayConfig({
    broker: { url: broker.url },
    session: { clientId: CLIENT_ID, keepalive: '30s', reconnect: { initial: '500ms', max: '30s' } },
    subscribers: [{ id: 'app', url: new URL(name, receiver.url).href, topics: ['devices/#'], ordering: 'topic' }],
  });
  const twin = await startGateway(config, { until: 'link' });
  t.after(() => twin.kill());
  return twin;
}

/** One twin is left: it takes the session, and what is published comes to it. */
async function survivorFlows(twins: GatewayProcess[], broker: Mosquitto, receiver: Receiver): Promise<void> {
  const ups = await Promise.all(twins.map((twin) => twin.metric('holdfast_link_up')));
  assert.deepEqual(ups.toSorted(), [0, 1], 'one has the session');
  const survivor = twins[ups.indexOf(0)]!;
  await twins[ups.indexOf(1)]!.stop();
  await survivor.linkUp(70_000);
  const from = Math.max(...deliveredTo(receiver)) + 1;
  await publishNumbered({ url: broker.url, topics: TOPICS, from, count: 100 }).done;
  const last = Array.from({ length: 100 }, (_, i) => from + i);
  await until(() => missing(last, receiver).length === 0, { what: 'the messages at the survivor' });
}

async function sum(twins: GatewayProcess[], metric: string): Promise<number> {
  const values = await Promise.all(twins.map((twin) => twin.metric(metric)));
  return values.reduce((total, one) => total + one, 0);
}

function deliveredTo(receiver: Receiver): Set<number> {
  return new Set(receiver.requests.filter(({ answered }) => answered === 204).map(({ body }) => numberOf(body)));
}

function missing(wanted: number[], receiver: Receiver): number[] {
  const delivered = deliveredTo(receiver);
  return wanted.filter((n) => !delivered.has(n));
}

/** The longest time between two messages that came in. */
function gapsOf(receiver: Receiver): { worstMs: number } {
  const gap = { worstMs: 0 };
  let last: number | undefined;
  receiver.answer = () => {
    const now = performance.now();
    if (last !== undefined) gap.worstMs = Math.max(gap.worstMs, now - last);
    last = now;
    return undefined;
  };
  return gap;
}
