/** The example app, built and run as its users would, against the package as it is published. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { Child } from '../support/children.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { answersTo } from '../support/page-calls.js';
import { freePorts } from '../support/ports.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';
import { ROOT } from '../tidy/tree.js';

const EXAMPLE = join(ROOT, 'examples', 'nest-app');
const COMPILER = fileURLToPath(import.meta.resolve('typescript/lib/tsc.js'));

function compile(cwd: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMPILER, ...args], { cwd, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

/** Holdfast as its package holds it. Kept between runs: only what has changed is compiled again. */
function built(): string {
  const folder = join(ROOT, '.cache', 'package');
  compile(ROOT, [
    '-p',
    'tsconfig.build.json',
    '--outDir',
    join(folder, 'dist'),
    '--tsBuildInfoFile',
    join(folder, 'info'),
  ]);
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  return folder;
}

/** A copy of the example with its dependencies at hand: this repository's, and Holdfast. */
function installed(): string {
  const app = join(scratchDirectory('example'), 'app');
  cpSync(EXAMPLE, app, { recursive: true, filter: (path) => !/\/(node_modules|dist|data)$/.test(path) });
  const modules = join(app, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'holdfast') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  symlinkSync(built(), join(modules, 'holdfast'));
  return app;
}

async function started(t: TestContext, app: string, env: { [name: string]: string }): Promise<Child> {
  const child = new Child(process.execPath, ['dist/main.js'], { cwd: app, env: { ...process.env, ...env } });
  t.after(() => child.stop('SIGKILL'));
  const up = async (): Promise<boolean> => {
    assert.equal(child.exited, undefined, child.tail);
    return (await get(env['HOLDFAST_OPS_PORT']!, '/metrics')).includes('holdfast_link_up 1');
  };
  await until(up, { timeoutMs: 30_000, what: () => child.tail });
  return child;
}

async function get(port: string, path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  assert.equal(answer.status, 200);
  return answer.text();
}

describe('the example app', { skip: needs('mosquitto') }, () => {
  it('replaces Nest’s MQTT transport with one line', () => {
    const main = readFileSync(join(EXAMPLE, 'src', 'main.ts'), 'utf8');
    assert.match(main, /Before: app\.connectMicroservice\(\{ transport: Transport\.MQTT/);
    assert.equal(main.match(/^app\.connectMicroservice\(/gm)?.length, 1);
  });

  it('compiles against the published types, does what its page says, and ends when told to', async (t) => {
    const app = installed();
    compile(app, []);
    const broker = await startMosquitto();
    t.after(() => broker.stop('SIGKILL'));
    const [PORT, HOLDFAST_PORT, HOLDFAST_OPS_PORT] = (await freePorts(3)).map(String) as [string, string, string];
    const child = await started(t, app, { MQTT_URL: broker.url, PORT, HOLDFAST_PORT, HOLDFAST_OPS_PORT });
    const device = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    const heard: string[] = [];
    device.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    await device.subscribeAsync(['commands/#', 'answers/me'], { qos: 1 });
    const subscribed = async (): Promise<boolean> =>
      /"subscribed":\[[^\]]+,/.test(await get(HOLDFAST_PORT, '/v1/link'));
    await until(subscribed, { what: 'the subscriptions' });

    const telemetry = 'devices/pump-1/telemetry';
    await device.publishAsync(telemetry, '{"celsius": 95}', { qos: 1 });
    await device.publishAsync(telemetry, '{"celsius": "hot"}', { qos: 1 });
    await until(() => heard.includes('commands/pump-1/fan {"on":true}'), { what: () => heard.join() });
    const dead = async (): Promise<boolean> =>
      /celsius must be a number/.test(await get(HOLDFAST_PORT, '/v1/dead-letters'));
    await until(dead, { what: 'the dead letter' });
    const properties = { responseTopic: 'answers/me' };
    await device.publishAsync('devices/pump-1/questions', '', { qos: 1, properties });
    await until(() => heard.includes('answers/me {"latest":95}'), { what: () => heard.join() });
    const calls = readFileSync(join(EXAMPLE, 'README.md'), 'utf8')
      .match(/^curl .*$/gm)!
      .join('\n');
    const said = await answersTo(calls, { 'localhost:3000': Number(PORT), 'localhost:8080': Number(HOLDFAST_PORT) });
    assert.deepEqual(said[0], { status: 200, body: '{"pump-1":95}' });
    assert.match(said[1]!.body, /celsius must be a number/);
    assert.match(said[2]!.body, /"state":"active"/);
    assert.deepEqual(await child.stop('SIGTERM'), { code: null, signal: 'SIGTERM' }, child.tail);
    assert.match(child.tail, /stopping with the app[^]*"stopped"/);
  });
});
