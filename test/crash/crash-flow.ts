/** A gateway that is killed while messages flow, and the proof of what it owed when it died. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import type { GatewayProcess } from '../support/gateway-process.js';
import { tapMqtt, type Tapped } from '../support/mqtt-tap.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { numberedPayload, publishNumbered, type Publisher } from '../support/publisher.js';
import { scratchDirectory } from '../support/scratch.js';
import { between, seededRandom } from '../support/seed.js';
import { startProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const KILL_WAIT_MS = 30_000;

export interface CrashFlow extends Flow {
  publish(count: number, perSecond?: number): Publisher;
  /** Resolves when the failpoint (or, given, SIGKILL) has ended it, and the wire is read to its end. */
  killed(kill?: 'now'): Promise<void>;
  allDelivered(count: number): Promise<void>;
  /** @returns how many ids came out, and how many requests repeated one that was answered 2xx before */
  verify(count: number): { ids: number; again: number };
}

/**
 * The usual flow with a contract, and a proxy that reads along between the gateway and the broker.
 * @param subscribers others than the usual one
 */
export async function startCrashFlow(
  t: TestContext,
  env: { [name: string]: string } = {},
  subscribers?: object[],
): Promise<CrashFlow> {
  const schemaFile = join(scratchDirectory('contract'), 'numbered.schema.json');
  writeFileSync(schemaFile, JSON.stringify({ type: 'object', required: ['gwId', 'n'] }));
  const { proxy, tapped } = await tap(t);
  const flow = await startFlow(t, {
    gateway: { env },
    config: ({ brokerUrl }) => {
      proxy.aim(Number(new URL(brokerUrl).port));
      return {
        broker: { url: `mqtt://127.0.0.1:${proxy.port}`, protocol: 5 },
        subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', contract: 'numbered' }],
        contracts: { numbered: { schema: schemaFile } },
        ...(subscribers && { subscribers }),
      };
    },
  });
  return Object.assign(flow, {
    killed: async (kill?: 'now') => {
      await (kill ? flow.gateway.kill() : killedAtFailpoint(flow.gateway));
      await until(() => proxy.open === 0, { what: 'the wire to be read to its end' });
    },
    publish: (count: number, perSecond = 4_000) =>
      publishNumbered({ url: flow.broker.url, topics: TOPICS, count, perSecond, timeoutMs: 3_600_000 }),
    allDelivered: async (count: number) => {
      const what = (): string => `${count} messages: ${flow.receiver.deliveredIds().size} ids delivered`;
      const options = { timeoutMs: 60_000 + count, everyMs: count > 10_000 ? 1_000 : 50, what };
      await until(() => allDelivered(flow.receiver, count), options);
    },
    verify: (count: number) => verify(flow, tapped, count),
  });
}

async function tap(t: TestContext): Promise<{ proxy: Awaited<ReturnType<typeof startProxy>>; tapped: Tapped }> {
  const proxy = await startProxy(0);
  // A broker that is reset drops acknowledgements it has not read; then nobody could tell what it knows.
  proxy.softenResets = true;
  t.after(() => proxy.stop());
  return { proxy, tapped: tapMqtt(proxy) };
}

/** Half of the kills come so soon after the start; the others so long after the link was up. */
const STARTING_MS_MAX = 1_500;
const UP_MS_MAX = 2_000;

/** Kills and restarts the gateway, also while it starts; leaves it with its link up. */
export async function killAtRandom(flow: CrashFlow, kills: number, progress: () => string): Promise<void> {
  const random = seededRandom();
  for (let kill = 1; kill <= kills; kill++) {
    const starting = random() < 0.5;
    if (!starting) await flow.gateway.linkUp();
    await sleep(between(random, 0, starting ? STARTING_MS_MAX : UP_MS_MAX));
    await flow.killed('now');
    await flow.restart({ until: 'none' });
    if (kill % 20 === 0) console.log(`${kill} kills, ${progress()}`);
  }
  await flow.gateway.linkUp();
}

/** Resolves when the gateway was ended by its failpoint, and by nothing else. */
export async function killedAtFailpoint(gateway: GatewayProcess): Promise<void> {
  const timer = setTimeout(() => gateway.signal('SIGTERM'), KILL_WAIT_MS);
  const exit = await gateway.exit;
  clearTimeout(timer);
  assert.deepEqual(exit, { code: null, signal: 'SIGKILL' }, `the failpoint was not reached\n${gateway.report}`);
}

function verify({ receiver }: Flow, tapped: Tapped, count: number): { ids: number; again: number } {
  assertNumbered(receiver, TOPICS, count);
  assert.equal(tapped.unasked, 0, 'an acknowledgement without a message');
  assert.equal(tapped.sentAgain, 0, 'what was acknowledged is not sent again');
  assert.equal(tapped.outOfOrder, 0, 'acknowledgements in the order received [MQTT-4.6.0-2]');
  const idsOf = new Map<string, Set<string>>();
  for (const { body, id } of receiver.requests) {
    const payload = body.toString();
    idsOf.set(payload, (idsOf.get(payload) ?? new Set()).add(id));
  }
  for (let n = 0; n < count; n++) {
    const payload = numberedPayload(n);
    assert.ok(tapped.acknowledged.has(payload), `number ${n} was acknowledged in the end`);
    const [ids, sends] = [idsOf.get(payload)!.size, tapped.sends.get(payload)!];
    // One id for the send that was acknowledged, and at most one for each that a kill left without.
    assert.ok(ids <= sends, `number ${n} was sent ${sends} times and has ${ids} ids`);
  }
  return { ids: receiver.distinctIds().size, again: receiver.requests.length - receiver.distinctIds().size };
}
