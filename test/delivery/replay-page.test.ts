/** What docs/replay.md shows is answered as it says. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Child } from '../support/children.js';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { answersTo, callsOf, moved, statusesOf, type Said } from '../support/page-calls.js';
import { numberedPayload, publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';
import { read } from '../tidy/tree.js';

const HOUR_MS = 3_600_000;
const BROKEN = 9;

function start(t: TestContext): Promise<Flow> {
  return startFlow(t, {
    config: ({ receiverUrl }) => ({
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1, contract: 'telemetry' }],
      contracts: { telemetry: { format: 'json' } },
      subscribers: [{ id: 'billing', url: receiverUrl, topics: ['devices/#'] }],
    }),
  });
}

/** The page's blocks, about what there is here: its hour is the one that begins now, its rejection the tenth record. */
function blocks(flow: Flow): string[] {
  const begun = Date.now();
  const here = callsOf(read('docs/replay.md')).map((block) =>
    moved(block, { '127.0.0.1:8080': flow.gateway.ports.httpPort })
      .replaceAll('2026-01-31T12:00:00Z', new Date(begun).toISOString())
      .replaceAll('2026-01-31T13:00:00Z', new Date(begun + HOUR_MS).toISOString())
      .replaceAll('4711', `${BROKEN + 1}`),
  );
  const [setting] = /^H=.*\n/.exec(here[0]!)!;
  return [here[0]!, ...here.slice(1).map((block) => setting + block)];
}

function publish({ broker }: Flow, count: number, from = 0): Promise<unknown> {
  const payload = (n: number): string => (n === BROKEN ? 'no JSON' : numberedPayload(n));
  return publishNumbered({ url: broker.url, topics: TOPICS, count, from, payload }).done;
}

function bodies<T>(said: readonly Said[]): T[] {
  return said.map(({ body }) => JSON.parse(body) as T);
}

/** A call that does not end by itself; `then` is done once it is answered. */
async function streams(t: TestContext, call: string, event: RegExp, then?: () => Promise<unknown>): Promise<void> {
  const child = new Child('sh', ['-c', call]);
  t.after(() => child.stop('SIGKILL'));
  await until(() => child.tail.includes('retry: '), { what: () => `the stream to be open: ${child.tail}` });
  await then?.();
  await until(() => event.test(child.tail), { what: () => `${event.source}: ${child.tail}` });
}

describe('docs/replay.md', { skip: needs('mosquitto') }, () => {
  it('its calls are answered as it says', async (t) => {
    const flow = await start(t);
    const { receiver } = flow;
    const [lists, deadLetters, rejections, range, live] = blocks(flow) as [string, string, string, string, string];
    receiver.answer = () => ({ status: 400 });
    await publish(flow, 19);
    const dead = (): Promise<number> => flow.gateway.metric('holdfast_dead_letters', { subscriber: 'billing' });
    await until(async () => (await dead()) === 18, { what: () => `18 dead letters\n${flow.gateway.report}` });

    const listed = await answersTo(lists, {});
    assert.deepEqual(statusesOf(listed), [200, 200, 200, 200, 200]);
    const [records, letters, refused] = bodies<{ items: unknown[] }>(listed);
    assert.deepEqual([records!.items.length, letters!.items.length, refused!.items.length], [19, 18, 1]);

    receiver.answer = ({ replay }) => (replay ? undefined : { status: 400 });
    const again = await answersTo(deadLetters, {});
    assert.deepEqual(statusesOf(again), [200, 200, 200, 200, 404]); // the last one was given again by the first call
    const counts = bodies<{ replayed?: number; deleted?: number }>(again.slice(0, -1));
    assert.deepEqual(
      counts.map(({ replayed, deleted }) => replayed ?? deleted),
      [2, 16, 0, 0],
    );
    await receiver.waitFor(18);

    const mended = await answersTo(rejections, {});
    assert.deepEqual(statusesOf(mended), [200, 200, 404]);
    assert.equal(bodies<{ replayed: number }>(mended)[0]!.replayed, 1);

    receiver.answer = ({ replay }) => (replay ? { hang: true } : undefined);
    await publish(flow, 1, TOPICS.length + BROKEN);
    await receiver.waitFor(19);
    const ranged = await answersTo(range, {});
    assert.deepEqual(statusesOf(ranged), [202, 200, 200]);
    const [, subscribers, cancelled] = bodies<{ items: { replays: unknown[] }[]; cancelled: number }>(ranged);
    assert.deepEqual([subscribers!.items[0]!.replays.length, cancelled!.cancelled], [1, 1]);

    const [fresh, resumed] = live.match(/^curl .*$/gm)!.map((call) => `${/^H=.*\n/.exec(live)![0]}exec ${call}`);
    await streams(t, fresh!, /"topic":"devices\/0\/telemetry"/, () => publish(flow, 1));
    await streams(t, resumed!, new RegExp(`^id: ${BROKEN + 2}$`, 'm'));
  });
});
