/** A thousand connects and kills: nothing grows, nothing is forgotten, and each time the first message comes soon. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFlow, type Flow } from '../support/flow.js';
import { tapMqtt } from '../support/mqtt-tap.js';
import { needs } from '../support/needs.js';
import { numberedPayload, numberOf, publishNumbered } from '../support/publisher.js';
import { between, seededRandom, type Random } from '../support/seed.js';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { floorOf, REPORTING, resourcesOf, type Resources } from './resources.js';

const CYCLES = Number(process.env['HOLDFAST_CYCLES'] ?? 1_000);
const PER_SECOND = 100;
const TOPICS = ['devices/1/telemetry', 'alarms/north', 'jobs/7', 'devices/2/telemetry'];
const SUBSCRIPTIONS = ['devices/+/telemetry', 'alarms/#', '$share/gateways/jobs/+'];
const BACKOFF_MS_MAX = 200;
/** When two resets and a broker that closed in order look like another user of the client id. */
const HOLD_OFF_MS_MAX = 1_000;
const SLACK_MS = 1_000;
/** Mosquitto writes what it keeps at every change, so that a kill costs it no session. */
const BROKER = ['autosave_interval 1', 'autosave_on_changes true'];
const SAMPLES = 50;
const WARM_CYCLES_MIN = 1_000;

type Kind = 'reset' | 'broker killed' | 'broker stopped';

interface Cycle {
  kind: Kind;
  tookMs: number;
  boundMs: number;
}

/** The gateway behind a proxy, and numbered messages that go to the broker all the time. */
class Line {
  /** By number, when it was given to the publisher. */
  readonly #made: number[] = [];
  readonly #delivered = new Set<number>();
  /** Of the newest number that has come out. */
  newestMadeAt = 0;

  payload(n: number): string {
    this.#made[n] = performance.now();
    return numberedPayload(n);
  }

  came(n: number): void {
    this.#delivered.add(n);
    this.newestMadeAt = Math.max(this.newestMadeAt, this.#made[n]!);
  }

  has(n: number): boolean {
    return this.#delivered.has(n);
  }
}

describe('cycles', { skip: needs('mosquitto') || (process.platform !== 'linux' && 'reads /proc') }, () => {
  it(`${CYCLES} connects and kills: nothing grows, nothing acknowledged is lost, each time back in time`, async (t) => {
    const random = seededRandom();
    const { flow, proxy, line } = await start(t);
    const tapped = tapMqtt(proxy);
    proxy.reset(); // so that the tap reads a connection from its beginning
    const publisher = publishNumbered({
      url: flow.broker.url,
      topics: TOPICS,
      count: 10_000_000,
      perSecond: PER_SECOND,
      payload: (n) => line.payload(n),
      timeoutMs: 3_600_000,
    });
    t.after(() => publisher.stop());
    const cycles: Cycle[] = [];
    const samples: Resources[] = [];
    for (let number = 1; number <= CYCLES; number++) {
      cycles.push(await cycle(flow, proxy, line, random));
      if (number % Math.ceil(CYCLES / SAMPLES) !== 0) continue;
      samples.push(await resourcesOf(flow.gateway));
      if (samples.length % 5 === 0) console.log(`${number} cycles: ${shown(samples.at(-1)!)}`);
    }
    await publisher.stop();
    const owed = (): number[] => [...tapped.acknowledged].map((text) => numberOf(Buffer.from(text)));
    await until(() => owed().every((n) => line.has(n)), {
      what: () =>
        `what was acknowledged; missing: ${owed()
          .filter((n) => !line.has(n))
          .join(' ')}`,
    });
    console.log(`${tapped.acknowledged.size} messages were acknowledged, all of them delivered`);
    const link = (await (await flow.gateway.http('/v1/link')).json()) as { subscribed: string[]; denied: object };
    assert.deepEqual([link.subscribed, link.denied], [SUBSCRIPTIONS, {}], 'the subscriptions are intact');
    const lost = await flow.gateway.metric('holdfast_link_session_resumes_total', { result: 'lost' });
    console.log(`sessions that the broker lost: ${lost}`);
    inTime(cycles);
    steady(samples);
  });
});

async function start(t: TestContext): Promise<{ flow: Flow; proxy: TcpProxy; line: Line }> {
  const proxy = await startProxy(0);
  t.after(() => proxy.stop());
  const flow = await startFlow(t, {
    broker: { persistence: true, lines: BROKER },
    gateway: { nodeArgs: REPORTING },
    config: ({ brokerUrl, receiverUrl }) => {
      proxy.aim(Number(new URL(brokerUrl).port));
      const reconnect = { initial: '10ms', max: `${BACKOFF_MS_MAX}ms`, conflict: `${HOLD_OFF_MS_MAX}ms` };
      return {
        broker: { url: `mqtt://127.0.0.1:${proxy.port}`, protocol: 5 },
        session: { reconnect },
        subscriptions: SUBSCRIPTIONS.map((filter) => ({ name: filter, filter })),
        subscribers: [{ id: 'app', url: receiverUrl, topics: ['devices/#', 'alarms/#', 'jobs/#'] }],
      };
    },
  });
  const line = new Line();
  flow.receiver.answer = ({ body }) => void line.came(numberOf(body));
  return { flow, proxy, line };
}

/** Ends the connection in some way, and waits for a message that was made after the broker was back. */
async function cycle({ broker, gateway }: Flow, proxy: TcpProxy, line: Line, random: Random): Promise<Cycle> {
  await sleep(between(random, 0, 200));
  const logged = gateway.logs.length;
  const share = random();
  const kind: Kind = share < 0.7 ? 'reset' : share < 0.9 ? 'broker killed' : 'broker stopped';
  if (kind === 'reset') {
    proxy.reset();
    if (random() < 0.3) {
      await sleep(between(random, 0, 30)); // while it connects, perhaps
      proxy.reset();
    }
  } else await broker.restart(kind === 'broker killed' ? 'SIGKILL' : 'SIGTERM');
  const backAt = performance.now();
  await until(() => line.newestMadeAt > backAt, { everyMs: 2, what: () => `a message, ${kind}\n${gateway.report}` });
  const tookMs = performance.now() - backAt;
  const logs = gateway.logs.slice(logged);
  const heldOff = logs.some(({ cause }) => cause === 'client-id-conflict');
  const boundMs = SLACK_MS + (heldOff ? HOLD_OFF_MS_MAX : BACKOFF_MS_MAX);
  if (tookMs > boundMs) logs.forEach((entry) => console.log(JSON.stringify(entry)));
  return { kind, tookMs, boundMs };
}

function inTime(cycles: Cycle[]): void {
  for (const kind of ['reset', 'broker killed', 'broker stopped'] as const) {
    const took = cycles.filter((one) => one.kind === kind).map(({ tookMs }) => Math.round(tookMs));
    took.sort((a, b) => a - b);
    console.log(`${took.length} × ${kind}: median ${took[took.length >> 1]} ms, worst ${took.at(-1)} ms`);
  }
  const heldOff = cycles.filter(({ boundMs }) => boundMs > SLACK_MS + BACKOFF_MS_MAX).length;
  console.log(`${heldOff} times it held off as from another user of its client id`);
  assert.deepEqual(
    cycles.filter(({ tookMs, boundMs }) => tookMs > boundMs),
    [],
    'the first message within backoff and a second',
  );
}

/** The first fifth is for warming up; the floors of what follows must not rise. */
function steady(samples: Resources[]): void {
  const fifth = samples.length / 5;
  const before = floorOf(samples.slice(fifth, 2 * fifth));
  const after = floorOf(samples.slice(-fifth));
  console.log(`floors, second fifth: ${shown(before)}\nfloors, last fifth:   ${shown(after)}`);
  for (const name of ['descriptors', 'sockets', 'handles', 'threads'] as const) {
    assert.ok(after[name] <= before[name] + 2, `${name} grew from ${before[name]} to ${after[name]}`);
  }
  if (CYCLES < WARM_CYCLES_MIN) return; // the heaps are not warm by the second fifth
  assert.ok(after.heapBytes < before.heapBytes + 4e6, 'the heaps grew');
  assert.ok(after.nativeBytes < before.nativeBytes + 16e6, 'the memory outside of the heaps grew');
}

function shown({ descriptors, sockets, handles, threads, heapBytes, nativeBytes }: Resources): string {
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const counts = `${descriptors} descriptors, ${sockets} sockets, ${handles} handles in ${threads} threads`;
  return `${counts}, ${mb(heapBytes)} MB of heaps, ${mb(nativeBytes)} MB outside of them`;
}
