/** What the console reads, of a gateway with traffic. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import type { Activity, CallerFacts, ConfigInForce, Rates, Status } from '../../src/console/shown/types.js';
import { startFlow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe('what the console reads', { skip: needs('mosquitto') }, () => {
  it('says what is wrong, since when, why and what to do', async (t) => {
    const receiver = await startReceiver({
      answer: ({ body }) => (body.toString() === '1' ? undefined : { status: 400, body: 'no such reading' }),
    });
    t.after(() => receiver.stop());
    const { gateway, broker } = await startFlow(t, {
      config: () => ({
        contracts: { json: { format: 'json' } },
        subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', contract: 'json' }],
        subscribers: [{ id: 'app', url: receiver.url, topics: ['#'] }],
      }),
    });
    const read = async <T>(path: string): Promise<T> => (await (await gateway.http(path)).json()) as T;
    const status = (): Promise<Status> => read('/v1/status');
    const ids = async (): Promise<string[]> =>
      (await status()).findings.map(({ id, subject }) => [id, subject ?? ''].join(' ').trim());
    assert.deepEqual(await ids(), []);
    assert.deepEqual(await read<CallerFacts>('/v1/caller'), { name: null, scopes: ['publish', 'read', 'admin'] });

    const { file, settings } = await read<ConfigInForce>('/v1/config');
    assert.match(file!, /\.yaml$/);
    assert.deepEqual(settings['contracts'], { json: (settings['contracts'] as { json: object }).json });

    const device = await connectAsync(broker.url);
    t.after(() => device.endAsync(true));
    for (const payload of ['1', '2', '{']) await device.publishAsync('devices/1/telemetry', payload, { qos: 1 });
    await until(() => receiver.requests.length === 2, { what: 'two requests' });
    await until(async () => (await ids()).length === 2, {
      what: async () => `findings, and not ${String(await ids())}`,
    });
    assert.deepEqual(await ids(), ['rejecting json', 'dead-letters app']);

    const { items } = await read<Activity>('/v1/activity');
    assert.deepEqual(items[0]!.attempts, { delivered: 1, retry: 0, throttled: 0, dead: 1 });
    assert.deepEqual(
      [items[0]!.lastFailure?.status, items[0]!.lastFailure?.detail, items[0]!.deadLetters],
      [400, 'no such reading', 1],
    );
    assert.equal(items[0]!.lastFailure!.id, receiver.requests.find(({ answered }) => answered === 400)!.id);

    const sums = async (): Promise<number[]> => {
      const { counts } = await read<Rates>('/v1/rates');
      return [counts.received, counts.journaled, counts.rejected, counts.delivered, counts.dead].map((column) =>
        column.reduce<number>((sum, one) => sum + (one ?? 0), 0),
      );
    };
    await until(async () => (await sums()).join() === '3,3,1,1,1', {
      what: async () => `the rates, and not ${String(await sums())}`,
    });

    const aborted = new AbortController();
    t.after(() => aborted.abort());
    let heard = '';
    const { body } = await gateway.http('/v1/live', { signal: aborted.signal });
    const listening = (async (): Promise<void> => {
      for await (const part of body!.pipeThrough(new TextDecoderStream())) heard += part;
    })().catch(() => undefined);
    await broker.stop('SIGKILL');
    await until(() => heard.includes('"name":"link/down"'), { what: () => `the drop to be told\n${heard}` });
    assert.match(heard, /^event: status\ndata: \{"version"/m);
    assert.match(heard, /^event: told\nid: [\d:T.Z-]+-\d+\ndata: \{"name":"link\/down","at":"\S+","cause":"broker-/m);
    await until(async () => (await ids()).includes('link-down'), { what: 'the link to be down' });
    const { findings, link } = await status();
    const down = findings.find(({ id }) => id === 'link-down')!;
    assert.ok(down.mend.startsWith(link!.lastDrop!.mend), `${down.mend} begins with ${link!.lastDrop!.mend}`);
    assert.match(down.why, /broker-/);
    assert.ok(Date.parse(down.since!) > Date.now() - 60_000);

    await broker.start();
    const after = 'session-lost,link-dropped,rejecting json,dead-letters app';
    await until(async () => (await ids()).join() === after, {
      what: async () => `the lost session to be told, and not ${String(await ids())}`,
    });

    await gateway.stop();
    await listening;
  });
});
