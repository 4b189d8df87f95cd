/** Every way to misbehave at once, in every ordering, beside a subscriber that is well. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { Authority, pemOf } from '../support/certificates.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { answer, startHostile, type HostileReceiver } from '../support/hostile-receiver.js';
import { metricSum, type Metrics } from '../support/metrics-text.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';
import { CASES, CONCURRENCY, SCHEDULE_ATTEMPTS, type Case } from './behaviours.js';

const ORDERINGS = ['none', 'topic', 'key'] as const;
const TOPICS = ['devices/0/telemetry', 'devices/1/telemetry'];
const RECORDS = 4;
const HEALTHY_RECORDS = 500;
const SETTLED_MS_MAX = 120_000;
/** Seen: 290 MiB before the first message, 370 MiB at most. A gigabyte that was read would show. */
const MEMORY_BYTES_MAX = 600 * 1_024 * 1_024;

interface Status {
  id: string;
  state: string;
  lagRecords: number;
}

interface DeadLetter {
  subscriber: string;
  reason: string;
  status: number;
  attempts: number;
}

/** What is seen in the end. */
interface Seen {
  metrics: Metrics;
  subscribers: Map<string, Status>;
  deadLetters: Map<string, DeadLetter[]>;
  memoryBytesMax: number;
}

/** Cases that need a receiver, or none, of their own. */
const OTHERS = [
  'refused',
  'tls-expired',
  'tls-self-signed',
  'tls-wrong-name',
  'tls-not-spoken',
  'tls-wants-certificate',
  'tls-own-authority',
  'tls-other-name-wanted',
  'tls-client-certificate',
];

const stops: (() => Promise<unknown>)[] = [];
/** Cases and where they are sent. */
const all = new Map<string, Case & { url: string }>();
let hostile: HostileReceiver;
let healthy: Receiver;
let gateway: GatewayProcess;
let seen: Seen;

describe('hostile receivers', { skip: needs('mosquitto', 'openssl', 'faketime') }, () => {
  before(async () => {
    const broker = await startMosquitto();
    stops.push(() => broker.stop('SIGKILL'));
    healthy = await startReceiver();
    stops.push(() => healthy.stop());
    await startReceivers();
    const config = await gatewayConfig({ broker: { url: broker.url }, subscribers: subscribers() });
    gateway = await startGateway(config, { until: 'link' });
    stops.push(() => gateway.kill());
    await gateway.answered(1);
    await publish(broker.url);
    const wanted = ORDERINGS.length * (RECORDS + HEALTHY_RECORDS);
    await healthy.waitFor(({ requests }) => requests.length >= wanted, SETTLED_MS_MAX);
    seen = await settled();
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  for (const ordering of ORDERINGS) {
    for (const name of [...CASES.keys(), ...OTHERS]) {
      it(`ordering ${ordering}: ${name}`, () => check(`${name}-${ordering}`));
    }
  }

  it('redirects are not followed', () => {
    assert.deepEqual(
      [...hostile.requests.keys()].filter((path) => path.startsWith('/200-elsewhere')),
      [],
    );
  });

  it('a healthy subscriber has had everything meanwhile, once, in every ordering', () => {
    for (const ordering of ORDERINGS) {
      const requests = healthy.requests.filter(({ path }) => path === `/${ordering}`);
      assert.equal(requests.length, RECORDS + HEALTHY_RECORDS);
      assert.equal(new Set(requests.map(({ id }) => id)).size, RECORDS + HEALTHY_RECORDS);
    }
    const waits = seen.subscribers.get('hangs-for-long-none')!;
    assert.equal(waits.lagRecords, RECORDS, 'one that hangs was hanging all the while');
  });

  it('memory is bounded, whatever is poured', () => {
    assert.ok(seen.memoryBytesMax < MEMORY_BYTES_MAX, `${Math.round(seen.memoryBytesMax / 1_048_576)} MiB`);
  });

  it('the link did not notice', () => {
    assert.equal(metricSum(seen.metrics, 'holdfast_link_up'), 1);
    assert.equal(metricSum(seen.metrics, 'holdfast_link_drops_total'), 0);
    assert.equal(gateway.exited, undefined);
  });
});

async function startReceivers(): Promise<void> {
  hostile = await startHostile((socket, path) => CASES.get(path.slice(1).split('?')[0]!)?.act(socket, path));
  stops.push(() => hostile.stop());
  for (const [name, one] of CASES) add(name, one, `${hostile.url}/${name}`);
  const act = answer(204);
  add('refused', { act, end: 'waiting' }, `http://127.0.0.1:${await freePort()}/refused`);
  const authority = new Authority();
  const { certFile: caFile } = authority;
  const own = pemOf(authority.server());
  const expired = await tls(pemOf(authority.expiredServer()));
  const sound = await tls(own);
  const other = await tls(pemOf(authority.server(['DNS:billing.internal'])));
  const wants = { ...own, ca: readFileSync(caFile, 'utf8'), requestCert: true, rejectUnauthorized: true };
  const strict = await tls(wants);
  const settings = { connectTimeout: '15s' };
  const failed: Case = {
    act,
    end: 'dead',
    reason: 'tls',
    status: 0,
    attempts: SCHEDULE_ATTEMPTS,
    state: 'broken',
    settings,
  };
  const fine: Case = { act, end: 'delivered', state: 'active' };
  const trusting = (one: Case, more: object = {}): Case => ({
    ...one,
    settings: { ...one.settings, tls: { caFile, ...more } },
  });
  add('tls-expired', trusting(failed), expired);
  add('tls-self-signed', failed, sound);
  add('tls-wrong-name', trusting(failed), other);
  add('tls-not-spoken', failed, hostile.url.replace('http:', 'https:'));
  // A Node server drops whoever has no certificate, without an alert that would say so.
  add('tls-wants-certificate', trusting({ ...failed, reason: 'network', state: undefined }), strict);
  add('tls-own-authority', trusting(fine), sound);
  add('tls-other-name-wanted', trusting(fine, { serverName: 'billing.internal' }), other);
  add('tls-client-certificate', trusting(fine, authority.client('holdfast')), strict);
}

async function tls(options: { cert: string; key: string; ca?: string; requestCert?: boolean }): Promise<string> {
  const receiver = await startHostile(answer(204), options);
  stops.push(() => receiver.stop());
  return receiver.url;
}

function add(name: string, one: Case, url: string): void {
  for (const ordering of ORDERINGS) all.set(`${name}-${ordering}`, { ...one, url: `${url}?${ordering}` });
}

function subscribers(): object[] {
  const well = ORDERINGS.map((ordering) => ({
    id: `healthy-${ordering}`,
    url: healthy.url.replace('/events', `/${ordering}`),
    topics: ['devices/#'],
    ...orderedBy(ordering),
  }));
  const others = [...all].map(([id, { url, settings = {} }]) => {
    const { retry = {}, ...more } = settings as { retry?: object };
    return {
      id,
      url,
      topics: TOPICS,
      ...orderedBy(ORDERINGS.find((ordering) => id.endsWith(`-${ordering}`))!),
      concurrency: CONCURRENCY,
      retry: { schedule: Array<string>(SCHEDULE_ATTEMPTS - 1).fill('10ms'), ...retry },
      breaker: { failures: 10, openFor: '20ms' },
      ...more,
    };
  });
  return [...well, ...others];
}

function orderedBy(ordering: (typeof ORDERINGS)[number]): object {
  return ordering === 'key' ? { ordering, key: '/device' } : { ordering };
}

async function publish(url: string): Promise<void> {
  const client = await connectAsync(url, { protocolVersion: 5 });
  const send = (topic: string, n: number) =>
    client.publishAsync(topic, JSON.stringify({ n, device: n % TOPICS.length }), { qos: 1 });
  for (let n = 0; n < RECORDS; n++) await send(TOPICS[n % TOPICS.length]!, n);
  const rest = Array.from({ length: HEALTHY_RECORDS }, (_, n) => send(`devices/${2 + (n % 5)}/telemetry`, n));
  await Promise.all(rest);
  await client.endAsync();
}

/** Waits until everything that is to end has ended. What has not, the checks tell. */
async function settled(): Promise<Seen> {
  let memoryBytesMax = 0;
  let metrics: Metrics = new Map();
  let statuses = new Map<string, Status>();
  const ended = async (): Promise<boolean> => {
    const { items } = (await (await gateway.http('/v1/subscribers')).json()) as { items: Status[] };
    statuses = new Map(items.map((item) => [item.id, item]));
    // After the statuses: what they say has ended, these have counted.
    metrics = await gateway.metrics();
    memoryBytesMax = Math.max(memoryBytesMax, metricSum(metrics, 'process_resident_memory_bytes')!);
    return [...all].every(([id, { end }]) => end === 'waiting' || statuses.get(id)!.lagRecords === 0);
  };
  await until(ended, { timeoutMs: SETTLED_MS_MAX, everyMs: 100, what: 'the end' }).catch(() => undefined);
  const deadLetters = Map.groupBy(await allDeadLetters(), ({ subscriber }) => subscriber);
  return { metrics, subscribers: statuses, deadLetters, memoryBytesMax };
}

async function allDeadLetters(): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const response = await gateway.http(`/v1/dead-letters?order=asc&limit=500&after=${after}`);
    const page = (await response.json()) as { items: DeadLetter[]; next?: number };
    found.push(...page.items);
    after = page.next;
  }
  return found;
}

function check(id: string): void {
  const { end, reason, status, attempts, state, requestsMax, url } = all.get(id)!;
  const subscriber = seen.subscribers.get(id)!;
  const letters = seen.deadLetters.get(id) ?? [];
  const ended = (outcome: string): number =>
    metricSum(seen.metrics, 'holdfast_attempts_total', { subscriber: id, outcome })!;
  const counts = { delivered: ended('delivered'), retry: ended('retry'), dead: ended('dead') };
  const { pathname, search } = new URL(url);
  const times = hostile.requests.get(pathname + search) ?? [];
  if (end === 'dead') {
    const expected = { subscriber: id, reason, status, attempts };
    const letter = ({ subscriber: of, reason: why, status: last, attempts: made }: DeadLetter): object => ({
      subscriber: of,
      reason: why,
      status: status === undefined ? undefined : last,
      attempts: made,
    });
    assert.deepEqual(letters.map(letter), Array(RECORDS).fill(expected));
    const retry = attempts === SCHEDULE_ATTEMPTS ? RECORDS * SCHEDULE_ATTEMPTS : 0;
    assert.deepEqual(counts, { delivered: 0, retry, dead: attempts === 1 ? RECORDS : 0 });
  } else {
    assert.deepEqual(letters, []);
    assert.deepEqual([counts.delivered, counts.dead], [end === 'delivered' ? RECORDS : 0, 0]);
    if (end === 'waiting') assert.equal(counts.retry, 0, 'waiting uses up no attempt');
  }
  assert.equal(subscriber.lagRecords, end === 'waiting' ? RECORDS : 0);
  if (state !== undefined) assert.equal(subscriber.state, state);
  if (requestsMax !== undefined) {
    assert.ok(times.length > 0 && times.length <= requestsMax, `${times.length} requests`);
  }
}
