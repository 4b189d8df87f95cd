/** What docs/OPERATIONS.md says of backups: a copy of the stopped directory is the journal; one of the running journal is its past. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { needs } from '../support/needs.js';
import type { Received } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const SUBSCRIBER = '/v1/subscribers/app';
/** As docs/OPERATIONS.md has it: what a subscriber may not have had. */
const UNDELIVERED = `SELECT count(*) AS n FROM records r JOIN topics t USING (topic_id)
  WHERE r.position > (SELECT cursor FROM subscribers WHERE subscriber = 'app')
     OR r.position IN (SELECT position FROM waiting WHERE subscriber = 'app')`;

describe('a backup', { skip: needs('mosquitto') }, () => {
  it('of the stopped directory goes on where the gateway stopped: nothing is missing, nothing comes again', async (t) => {
    const flow = await startFlow(t);
    await publish(flow, 0, 5);
    await flow.receiver.waitFor(5);
    await act(flow.gateway, 'pause');
    await publish(flow, 5, 10);
    await until(async () => (await lag(flow.gateway)) === 5, { what: 'the backlog' });
    assert.deepEqual(await flow.gateway.stop(), { code: 0, signal: null });
    const directory = scratchDirectory('restored');
    cpSync(join(flow.gateway.directory, 'data'), join(directory, 'data'), { recursive: true });
    const gateway = await flow.restart({ directory });
    await act(gateway, 'resume');
    await flow.receiver.waitFor(10);
    await publish(flow, 10, 11);
    await flow.receiver.waitFor(11);
    assert.deepEqual(
      numbers(flow.receiver.requests),
      Array.from({ length: 11 }, (_, i) => i),
    );
  });

  for (const [name, copy] of [
    ['.backup', (from: DatabaseSync, to: string) => backup(from, to)],
    ['VACUUM INTO', (from: DatabaseSync, to: string) => Promise.resolve(from.exec(`VACUUM INTO '${to}'`))],
  ] as const) {
    it(`by ${name} of the running journal is the past: what was delivered since comes again under the same id`, async (t) => {
      const flow = await startFlow(t, {
        broker: { persistence: true },
        config: () => ({ publish: { allow: ['commands/#'], wait: '100ms' } }),
      });
      const { receiver, broker } = flow;
      await publish(flow, 0, 5);
      await receiver.waitFor(5);
      await until(async () => (await lag(flow.gateway)) === 0, { what: 'it to be settled' });
      await act(flow.gateway, 'pause');
      await publish(flow, 5, 10);
      await until(async () => (await lag(flow.gateway)) === 5, { what: 'the backlog' });
      const heard = await device(flow, t);
      await broker.stop();
      assert.equal((await flow.gateway.post('/v1/publish', { topic: 'commands/1', payload: 'go' })).status, 202);
      const directory = scratchDirectory('restored');
      mkdirSync(join(directory, 'data'));
      const kept = join(directory, 'data', 'journal.db');
      const running = new DatabaseSync(join(flow.gateway.directory, 'data', 'journal.db'));
      await copy(running, kept);
      running.close();
      chmodSync(kept, 0o600);

      await broker.start();
      await act(flow.gateway, 'resume');
      await receiver.waitFor(10);
      await flow.gateway.linkUp();
      await publish(flow, 10, 13);
      await receiver.waitFor(13);
      await until(() => heard.length === 1, { what: 'the publish' });
      assert.deepEqual(await flow.gateway.stop(), { code: 0, signal: null });
      const before = [...receiver.requests];
      assert.deepEqual(undelivered(kept), { n: 5 });

      const restored = await startGateway(flow.config, { directory, until: 'link' });
      t.after(() => restored.kill());
      await until(() => heard.length === 2, { what: 'the publish to go out again' });
      assert.deepEqual([await lag(restored), await state(restored)], [5, 'paused'], 'as it was');
      await act(restored, 'resume');
      await until(() => receiver.requests.length === before.length + 5, { what: 'what was delivered since' });
      await restored.answered(1);
      await publish(flow, 20, 21);
      await receiver.waitFor(14);
      const again = receiver.requests.slice(before.length);
      assert.deepEqual(numbers(again), [5, 6, 7, 8, 9, 20], 'what came in since is not in it');
      const first = (n: number): Received => before.find((request) => numbers([request])[0] === n)!;
      for (const request of again.slice(0, 5)) assert.equal(request.id, first(numbers([request])[0]!).id);
      const sequence = ({ headers }: Received): unknown => headers['ce-sequence'];
      assert.equal(sequence(again[5]!), sequence(first(10)), 'positions are given out again');
      assert.notEqual(again[5]!.id, first(10).id, 'ids are not');
    });
  }
});

/** Numbers of `from` up to, and not with, `to`. */
async function publish({ broker }: Flow, from: number, to: number): Promise<void> {
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  for (let n = from; n < to; n++) await client.publishAsync('devices/1/telemetry', JSON.stringify({ n }), { qos: 1 });
  await client.endAsync();
}

/** @returns what it hears of the commands, as it comes */
/** With a session, so that what is published while it is on its way back waits for it. */
async function device({ broker }: Flow, t: { after(end: () => unknown): void }): Promise<string[]> {
  const client = await connectAsync(broker.url, {
    ...{ protocolVersion: 5, clientId: 'device', clean: false, reconnectPeriod: 100 },
    properties: { sessionExpiryInterval: 3_600 },
  });
  t.after(() => client.endAsync(true));
  const heard: string[] = [];
  client.on('message', (_, payload) => heard.push(payload.toString()));
  await client.subscribeAsync('commands/#', { qos: 1 });
  return heard;
}

function numbers(requests: readonly Received[]): number[] {
  return requests.map(({ body }) => (JSON.parse(body.toString()) as { n: number }).n);
}

async function act(gateway: GatewayProcess, what: 'pause' | 'resume'): Promise<void> {
  assert.equal((await gateway.http(`${SUBSCRIBER}/${what}`, { method: 'POST' })).status, 200);
}

function lag(gateway: GatewayProcess): Promise<number> {
  return gateway.metric('holdfast_subscriber_lag_records', { subscriber: 'app' });
}

async function state(gateway: GatewayProcess): Promise<string> {
  return ((await (await gateway.http(SUBSCRIBER)).json()) as { state: string }).state;
}

function undelivered(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  const { n } = db.prepare(UNDELIVERED).get()!;
  db.close();
  return { n };
}
