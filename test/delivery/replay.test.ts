/** What failed and what was given before is given again: by a real gateway, killed in the middle of it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { numberedPayload, numberOf, publishNumbered } from '../support/publisher.js';
import type { Received } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

interface Page {
  items: { number: number; position: number; id: string; reason: string; replays: number }[];
  next?: number;
}

interface SubscriberList {
  items: { waiting: number; cursor: number; replays: { from: number; through: number; position: number }[] }[];
}

async function get<T>({ gateway }: Flow, path: string): Promise<T> {
  const answer = await gateway.http(path);
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as T;
}

async function post(flow: Flow, path: string, body: unknown, status = 200): Promise<{ [name: string]: unknown }> {
  const answer = await flow.gateway.post(path, body);
  const said = (await answer.json()) as { [name: string]: unknown };
  assert.equal(answer.status, status, JSON.stringify(said));
  return said;
}

async function all(flow: Flow, list: string): Promise<Page['items']> {
  const items: Page['items'] = [];
  for (let after = 0; ;) {
    const page = await get<Page>(flow, `${list}?order=asc&limit=1000&after=${after}`);
    items.push(...page.items);
    if (page.next === undefined) return items;
    after = page.next;
  }
}

function publish({ broker }: Flow, count: number, from = 0, payload?: (n: number) => string): Promise<unknown> {
  const plan = { url: broker.url, topics: TOPICS, count, from, ...(payload ? { payload } : {}) };
  return publishNumbered(plan).done;
}

/** A gateway that keeps everything, with a schema that can be rewritten before a restart. */
async function flowWithContract(t: TestContext, schema: object): Promise<Flow & { rewrite(schema: object): void }> {
  const file = join(scratchDirectory('contract'), 'numbered.schema.json');
  const rewrite = (one: object): void => writeFileSync(file, JSON.stringify(one));
  rewrite(schema);
  const flow = await startFlow(t, {
    config: () => ({
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', contract: 'numbered' }],
      contracts: { numbered: { schema: file } },
    }),
  });
  return Object.assign(flow, { rewrite });
}

/** The number in each payload that was answered 2xx as given again, in order of arrival. */
function replayed(requests: readonly Received[]): number[] {
  return requests.filter(({ replay, answered }) => replay && answered === 204).map(({ body }) => numberOf(body));
}

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

describe('dead letters', { skip: needs('mosquitto') }, () => {
  it('killed while they are replayed: each is delivered under its old id, or still a dead letter', async (t) => {
    const COUNT = 600;
    const flow = await startFlow(t);
    const { receiver } = flow;
    receiver.answer = () => ({ status: 400 });
    await publish(flow, COUNT);
    await until(async () => (await all(flow, '/v1/dead-letters')).length === COUNT, { what: 'the dead letters' });
    assert.equal(await flow.gateway.metric('holdfast_dead_letters', { subscriber: 'app' }), COUNT);
    receiver.answer = () => ({ delayMs: 5 });
    const replaying = flow.gateway.post('/v1/dead-letters/replay', { all: true }).catch(() => undefined);
    await receiver.waitFor(() => replayed(receiver.requests).length >= 20);
    await flow.gateway.kill();
    await replaying;
    await flow.restart();
    const { items } = await get<SubscriberList>(flow, '/v1/subscribers');
    const left = await all(flow, '/v1/dead-letters');
    t.diagnostic(`after the kill ${left.length} are dead letters, ${items[0]!.waiting} wait`);
    await post(flow, '/v1/dead-letters/replay', { all: true });
    await receiver.waitFor(COUNT);
    await until(async () => (await all(flow, '/v1/dead-letters')).length === 0, { what: 'no dead letter' });
    assert.deepEqual(
      [...new Set(replayed(receiver.requests))].sort((a, b) => a - b),
      range(COUNT),
    );
    assert.equal(receiver.distinctIds().size, COUNT, 'the ids are the old ones');
    assert.deepEqual(receiver.conflictingIds(), []);
    assert.ok(receiver.requests.filter(({ replay }) => replay).every(({ attempt }) => attempt === 1));
    assert.equal(await flow.gateway.metric('holdfast_dead_letters', { subscriber: 'app' }), 0);
  });

  it('what the contract or the filter of today does not let through stays one, and the answer says why', async (t) => {
    const flow = await flowWithContract(t, { type: 'object' });
    flow.receiver.answer = () => ({ status: 400 });
    await publish(flow, 40);
    await until(async () => (await all(flow, '/v1/dead-letters')).length === 40, { what: 'the dead letters' });
    await flow.gateway.stop();
    flow.receiver.answer = () => undefined;
    flow.rewrite({ type: 'object', properties: { n: { type: 'integer', minimum: 10 } } });
    (flow.config['subscribers'] as { topics: string[] }[])[0]!.topics = TOPICS.slice(0, 15);
    await flow.restart();
    const { replayed: given, skipped, notes } = await post(flow, '/v1/dead-letters/replay', { all: true });
    // Of the numbers from 10, those on the five topics that nobody asks for any more are left out.
    assert.deepEqual([given, skipped], [20, { contract: 10, filter: 10, subscriber: 0, damaged: 0, missing: 0 }]);
    assert.match((notes as { why: string; detail: string }[]).find(({ why }) => why === 'contract')!.detail, /schema/);
    await flow.receiver.waitFor(20);
    assert.equal((await all(flow, '/v1/dead-letters')).length, 20);
    const [one] = await all(flow, '/v1/dead-letters');
    const path = `/v1/dead-letters/${one!.number}`;
    const deleted = async (): Promise<number> => (await flow.gateway.http(path, { method: 'DELETE' })).status;
    assert.deepEqual([await deleted(), await deleted(), (await flow.gateway.http(path)).status], [204, 404, 404]);
    assert.equal(await flow.gateway.metric('holdfast_dead_letters', { subscriber: 'app' }), 19);
    const gone = await flow.gateway.http('/v1/dead-letters?reason=status', { method: 'DELETE' });
    assert.deepEqual([gone.status, await gone.json()], [200, { deleted: 19 }]);
    const refused = await flow.gateway.http('/v1/dead-letters', { method: 'DELETE' });
    assert.equal(refused.status, 400, 'everything is only meant by who says so');
  });
});

describe('a contract whose check never returns', { skip: needs('mosquitto') }, () => {
  it('keeps its record a dead letter; the others are replayed, and the gateway goes on', async (t) => {
    const flow = await flowWithContract(t, { type: 'object' });
    flow.receiver.answer = () => ({ status: 400 });
    await publish(flow, 40);
    await until(async () => (await all(flow, '/v1/dead-letters')).length === 40, { what: 'the dead letters' });
    await flow.gateway.stop();
    flow.receiver.answer = () => undefined;
    const file = join(scratchDirectory('contract'), 'spinning.mjs');
    writeFileSync(file, SPINNING_CLASS);
    flow.config['contracts'] = { numbered: { class: `${file}#Reading` } };
    await flow.restart();
    const { replayed: given, skipped, notes } = await post(flow, '/v1/dead-letters/replay', { all: true });
    assert.deepEqual([given, (skipped as { contract: number }).contract], [39, 1]);
    const [note] = notes as [{ why: string; detail: string }];
    assert.match(`${note.why} ${note.detail}`, /^contract (crashed|timeout): /);
    await flow.receiver.waitFor(39);
    assert.equal((await all(flow, '/v1/dead-letters')).length, 1);
    await publish(flow, 10, 100);
    await flow.receiver.waitFor(49);
    assert.equal(flow.gateway.exited, undefined);
  });
});

describe('rejections', { skip: needs('mosquitto') }, () => {
  it('come in again when the contract is mended: a new position, the old id; the rest is rejected again', async (t) => {
    const strict = { type: 'object', required: ['n', 'pressure'] };
    const flow = await flowWithContract(t, strict);
    await publish(flow, 60, 0, (n) => (n % 3 === 0 ? 'no JSON' : numberedPayload(n)));
    await until(async () => (await all(flow, '/v1/rejections')).length === 60, { what: 'the rejections' });
    const before = await all(flow, '/v1/rejections');
    const { record } = await get<{ record: { payload: string } }>(flow, `/v1/rejections/${before[0]!.position}`);
    assert.equal(record.payload, 'no JSON');
    await flow.gateway.stop();
    flow.rewrite({ type: 'object', required: ['n'] });
    await flow.restart();
    assert.deepEqual(await post(flow, '/v1/rejections/replay', { all: true }), {
      replayed: 60,
      skipped: { damaged: 0, missing: 0 },
    });
    await flow.receiver.waitFor(40);
    await until(async () => (await all(flow, '/v1/rejections')).length === 20, { what: 'those that fail again' });
    const after = await all(flow, '/v1/rejections');
    assert.ok(after.every(({ position, replays, reason }) => position > 60 && replays === 1 && reason === 'syntax'));
    const ids = new Set(before.map(({ id }) => id));
    assert.ok([...flow.receiver.distinctIds()].every((id) => ids.has(id)));
    assert.ok(flow.receiver.requests.every(({ replay, sequence }) => !replay && sequence > 60));
    const deleted = await flow.gateway.http('/v1/rejections?all=true', { method: 'DELETE' });
    assert.deepEqual(await deleted.json(), { deleted: 20 });
    const records = await get<{ items: { verdict: string }[] }>(flow, '/v1/records?limit=1000');
    assert.deepEqual(
      [records.items.length, new Set(records.items.map(({ verdict }) => verdict))],
      [40, new Set(['admitted'])],
    );
  });
});

describe('a range of the journal', { skip: needs('mosquitto') }, () => {
  it('killed in the middle, twice: all of it is given again, in order, while new records go on', async (t) => {
    const COUNT = 3_000;
    const flow = await startFlow(t);
    const { receiver } = flow;
    await publish(flow, COUNT);
    await receiver.waitFor(COUNT);
    receiver.answer = () => ({ delayMs: 2 });
    const answer = await post(flow, '/v1/subscribers/app/replay', { from: 1 }, 202);
    assert.deepEqual(answer, { subscriber: 'app', from: 1, through: COUNT, position: 0 });
    for (const share of [0.2, 0.5]) {
      await receiver.waitFor(() => replayed(receiver.requests).length >= COUNT * share, 60_000);
      await flow.gateway.kill();
      await flow.restart();
    }
    const { items } = await get<SubscriberList>(flow, '/v1/subscribers');
    const { through, position } = items[0]!.replays[0]!;
    assert.deepEqual([through, position > COUNT * 0.1], [COUNT, true], `at ${position}`);
    await publish(flow, 200, COUNT);
    await receiver.waitFor(COUNT + 200, 60_000);
    await until(async () => (await get<SubscriberList>(flow, '/v1/subscribers')).items[0]!.replays.length === 0, {
      what: 'the end of the replay',
      timeoutMs: 60_000,
    });
    const numbers = replayed(receiver.requests);
    assert.deepEqual(
      [...new Set(numbers)].sort((a, b) => a - b),
      range(COUNT),
      'nothing forgotten',
    );
    assert.equal(receiver.distinctIds().size, COUNT + 200, 'under the old ids');
    assertOrder(numbers);
    t.diagnostic(`${numbers.length - COUNT} were given once more because of the kills`);
  });

  it('that is not there, or not meant, is refused; one that is cancelled stops', async (t) => {
    const flow = await startFlow(t);
    const { receiver, gateway } = flow;
    await publish(flow, 300);
    await receiver.waitFor(300);
    const code = async (body: unknown, id = 'app'): Promise<string> => {
      const answer = await gateway.post(`/v1/subscribers/${id}/replay`, body);
      return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
    };
    assert.equal(await code({ from: 1 }, 'nobody'), '404 NOT_FOUND');
    assert.equal(await code({ from: 301 }), '409 REPLAY_EMPTY');
    assert.equal(await code({ from: '2999-01-01T00:00:00Z' }), '409 REPLAY_EMPTY');
    for (const body of [
      {},
      { from: 0 },
      { from: 1, to: 'soon' },
      { from: 5, to: 4 },
      { from: 1, topics: ['a/#/b'] },
      { from: 1, all: 1 },
    ]) {
      assert.equal(await code(body), '400 REQUEST_INVALID', JSON.stringify(body));
    }
    await post(flow, '/v1/subscribers/app/replay', { from: 1, to: 300, topics: [TOPICS[3]] }, 202);
    await receiver.waitFor(() => replayed(receiver.requests).length === 15);
    assert.ok(receiver.requests.filter(({ replay }) => replay).every(({ topic }) => topic === TOPICS[3]));
    receiver.answer = ({ replay }) => (replay ? { hang: true } : undefined);
    await post(flow, '/v1/subscribers/app/replay', { from: '2000-01-01T00:00:00Z' }, 202);
    const cancelled = await gateway.http('/v1/subscribers/app/replay', { method: 'DELETE' });
    assert.deepEqual([cancelled.status, await cancelled.json()], [200, { cancelled: 1 }]);
    assert.deepEqual((await get<SubscriberList>(flow, '/v1/subscribers')).items[0]!.replays, []);
  });
});

/** First occurrences are in order on each topic. */
function assertOrder(numbers: readonly number[]): void {
  const seen = new Set<number>();
  const last = new Map<number, number>();
  for (const n of numbers) {
    if (seen.has(n)) continue;
    seen.add(n);
    const topic = n % TOPICS.length;
    assert.ok(n > (last.get(topic) ?? -1), `${n} came after ${last.get(topic)}`);
    last.set(topic, n);
  }
}

const SPINNING_CLASS = `
import { IsString, ValidateBy } from 'class-validator';

function Spins() {
  return ValidateBy({ name: 'spins', validator: { validate: (n) => { while (n === 13); return true; } } });
}
export class Reading {}
IsString()(Reading.prototype, 'gwId');
IsString()(Reading.prototype, 'pad');
Spins()(Reading.prototype, 'n');
`;
