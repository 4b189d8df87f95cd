/** The image at work: its user, its read-only root, its entrypoint, and what it needs given from outside. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import protobuf from 'protobufjs';
import { runContainer, startContainer } from '../support/container.js';
import { imageRoot, type Image } from '../support/image.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { ground, ready, start } from './ground.js';

let image: Image;

describe('the image at work', { skip: needs('mosquitto', 'tmpfs') }, () => {
  before(async () => {
    image = await imageRoot();
  });

  it('takes messages of every contract to a webhook, publishes, serves its pages, and ends at SIGTERM', async (t) => {
    const place = await ground(t);
    const before = treeOf(image.directory);
    const gateway = start(t, place);
    await ready(gateway, place);
    const rest = (path: string, init?: RequestInit): Promise<Response> =>
      fetch(`http://127.0.0.1:${place.httpPort}${path}`, init);

    const device = await connectAsync(place.broker.url);
    t.after(() => device.endAsync(true));
    const heard: string[] = [];
    device.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    await device.subscribeAsync('out/#', { qos: 1 });
    const subscribed = async (): Promise<boolean> =>
      ((await (await rest('/v1/link')).json()) as { subscribed: unknown[] }).subscribed.length === 3;
    await until(subscribed, { what: 'the subscriptions' });
    const type = protobuf
      .parse('syntax = "proto3"; message Reading { double celsius = 1; }')
      .root.lookupType('Reading');
    await device.publishAsync('in/json', '{"gwId":"gw-7"}', { qos: 1 });
    await device.publishAsync('in/proto', Buffer.from(type.encode({ celsius: 21.5 }).finish()), { qos: 1 });
    await device.publishAsync('in/class', '{"count":3}', { qos: 1 });
    await device.publishAsync('in/class', '{"count":"many"}', { qos: 1 });
    await place.receiver.waitFor(3);
    assert.deepEqual(place.receiver.requests.map(({ topic }) => topic).sort(), ['in/class', 'in/json', 'in/proto']);
    const { items } = (await (await rest('/v1/rejections')).json()) as { items: { contract: string }[] };
    assert.deepEqual(
      items.map(({ contract }) => contract),
      ['class'],
    );

    const body = JSON.stringify({ topic: 'out/pump', payload: { on: true } });
    const headers = { 'content-type': 'application/json' };
    assert.equal((await rest('/v1/publish', { method: 'POST', headers, body })).status, 200);
    await until(() => heard.length > 0, { what: 'the publish' });
    assert.deepEqual(heard, ['out/pump {"on":true}']);

    for (const path of ['/console', '/docs', '/openapi.json', '/asyncapi.json']) {
      const answer = await rest(path);
      assert.equal(answer.status, 200, path);
      const page = await answer.text();
      if (!answer.headers.get('content-type')!.includes('html')) continue;
      const parts = [...page.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, part]) => new URL(part!, answer.url).href);
      assert.ok(parts.length > 0, path);
      for (const part of parts) assert.equal((await fetch(part)).status, 200, part);
    }

    assert.deepEqual(await gateway.stop(), { code: 0, signal: null }, gateway.tail);
    assert.ok(readdirSync(place.data).length > 0, 'the journal is in /data');
    assert.deepEqual(treeOf(image.directory), before);
  });

  it('its health check finds the ops port, and says whether the gateway lives', async (t) => {
    const place = await ground(t);
    const check = (): ReturnType<typeof runContainer> => {
      const { mounts, env } = place;
      return runContainer(image, { entrypoint: image.healthcheck, args: [], mounts, env });
    };
    const down = await check();
    assert.equal(down.code, 1, down.output);
    assert.match(down.output, new RegExp(`http://127.0.0.1:${place.opsPort}/livez: connect ECONNREFUSED`));
    const gateway = start(t, place);
    await ready(gateway, place);
    const up = await check();
    assert.equal(up.code, 0, up.output);
    process.kill(gateway.pid!, 'SIGSTOP');
    const stuck = await check();
    process.kill(gateway.pid!, 'SIGCONT');
    assert.equal(stuck.code, 1, stuck.output);
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  });

  it('its other commands work there', async (t) => {
    const { mounts, env } = await ground(t);
    const run = (args: string[]): ReturnType<typeof runContainer> => runContainer(image, { args, mounts, env });
    const version = await runContainer(image, { entrypoint: ['holdfast'], args: ['--version'] });
    assert.match(version.output, /^\d+\.\d+\.\d+\n$/);
    const check = await run(['check']);
    assert.deepEqual(
      [check.code, check.output.includes('fine. 3 subscriptions, 3 contracts')],
      [0, true],
      check.output,
    );
    const doctor = await run(['doctor', '--json', '--timeout', '2']);
    assert.match(doctor.output, /"rows": \[/);
    assert.equal(doctor.code, 0, doctor.output);
  });

  it('its demo needs nothing but a folder to write to', async (t) => {
    const nowhere = await runContainer(image, { args: ['demo'] });
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.output, /^holdfast: the demo needs a folder .*TMPDIR.*\n$/);
    const demo = startContainer(image, { args: ['demo'], tmp: true });
    t.after(() => demo.kill());
    const delivers = (): boolean => demo.exited !== undefined || / up +\d+ +[1-9]\d* +[1-9]\d* /.test(demo.tail);
    await until(delivers, { timeoutMs: 30_000, what: () => demo.tail });
    assert.deepEqual(await demo.stop(), { code: 0, signal: null }, demo.tail);
    assert.match(demo.tail, /Received by billing: [1-9]/);
  });

  it('without a configuration it says so and ends', async () => {
    const { code, output } = await runContainer(image, {});
    assert.equal(code, 2);
    assert.match(output, /\/etc\/holdfast\/gateway\.yaml/);
  });
});

/** Every path with what a write would change. */
function treeOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((path) => {
    const { mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(join(directory, path));
    return [path, mode, uid, gid, size, mtimeMs, ctimeMs].join(' ');
  });
}
