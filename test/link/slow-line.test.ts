/** A line that is slow, passes byte after byte and breaks in the middle: over each kind of address. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import type { LinkDrop } from '../../src/domain/link.js';
import { Authority } from '../support/certificates.js';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { mosquittoListeners } from '../support/listeners.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const LATENCY_MS = 200; // each way
const KEEPALIVE_MS = 5_000;
const IN = 200;
const OUT = 20;
const SPAN_MS = 2_000;
/** What a line that breaks may be called; anything else is a guess. */
const LINE = new Set(['network', 'websocket-upgrade', 'tls', 'broker-unreachable']);

describe('slow line', { skip: needs('mosquitto', 'openssl') }, () => {
  for (const kind of ['mqtt', 'ws', 'mqtts', 'wss'] as const) {
    it(`${kind}: ${LATENCY_MS} ms each way, one byte at a time, resets in between: nothing is lost either way`, async (t) => {
      const { flow, proxy } = await start(t, kind);
      const arrived = await listen(t, flow);
      const publisher = publishNumbered({
        url: flow.broker.url,
        topics: TOPICS,
        count: IN,
        perSecond: (IN * 1_000) / SPAN_MS,
        padBytes: 8,
      });
      const answers: Promise<number>[] = [];
      for (let n = 0; n < OUT; n++) {
        answers.push(publish(flow, n));
        if (n === OUT / 4 || n === OUT / 2) proxy.reset();
        await sleep(SPAN_MS / OUT);
      }
      const statuses = await Promise.all(answers);
      assert.ok(
        statuses.every((status) => status === 200 || status === 202),
        statuses.join(' '),
      );
      await publisher.done;
      await flow.receiver.waitFor((one) => allDelivered(one, IN));
      assertNumbered(flow.receiver, TOPICS, IN, 8);
      await until(() => arrived.size === OUT, { what: () => `${OUT} publishes at the broker, not ${arrived.size}` });
      assert.equal(await publish(flow, OUT), 200, 'and the answer comes back');
      const { drops } = (await (await flow.gateway.http('/v1/link')).json()) as { drops: LinkDrop[] };
      const fits = ({ cause, confidence }: LinkDrop): boolean => LINE.has(cause) || confidence === 'guess';
      assert.ok(drops.length >= 2 && drops.every(fits), JSON.stringify(drops));
      if (kind === 'mqtt') await halfOpen(flow, proxy);
    });
  }
});

async function halfOpen({ gateway }: Flow, proxy: TcpProxy): Promise<void> {
  await sleep(2 * LATENCY_MS);
  proxy.blackhole();
  const cutAt = performance.now();
  const down = async (): Promise<boolean> => (await gateway.metric('holdfast_link_up')) === 0;
  await until(down, { timeoutMs: 2 * KEEPALIVE_MS, what: 'the link to be given up' });
  const tookMs = performance.now() - cutAt;
  assert.ok(tookMs < 1.5 * KEEPALIVE_MS + 500, `half-open, found after ${tookMs} ms`);
}

async function start(t: TestContext, kind: 'mqtt' | 'ws' | 'mqtts' | 'wss'): Promise<{ flow: Flow; proxy: TcpProxy }> {
  const authority = new Authority();
  const { lines, ports } = await mosquittoListeners(authority.server());
  const proxy = await startProxy(0);
  t.after(() => proxy.stop());
  proxy.latencyMs = LATENCY_MS;
  proxy.sliceBytes = 1;
  const flow = await startFlow(t, {
    broker: { lines },
    config: ({ brokerUrl }) => {
      proxy.aim(kind === 'mqtt' ? Number(new URL(brokerUrl).port) : ports[kind]);
      const tls = kind === 'mqtts' || kind === 'wss' ? { tls: { caFile: authority.certFile } } : {};
      return {
        broker: { url: `${kind}://127.0.0.1:${proxy.port}`, ...tls },
        session: { keepalive: `${KEEPALIVE_MS}ms` },
        publish: { allow: ['commands/#'] },
      };
    },
  });
  return { flow, proxy };
}

async function publish({ gateway }: Flow, n: number): Promise<number> {
  return (await gateway.post('/v1/publish', { topic: 'commands/a', payload: String(n) })).status;
}

/** What has come to `commands/#` at the broker. */
async function listen(t: TestContext, { broker }: Flow): Promise<Set<string>> {
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  t.after(() => client.endAsync(true));
  const arrived = new Set<string>();
  client.on('message', (_, payload) => void arrived.add(payload.toString()));
  await client.subscribeAsync('commands/#', { qos: 1 });
  return arrived;
}
