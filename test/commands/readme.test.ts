/** What the README shows works as it is shown. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import ts from 'typescript';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { answersTo } from '../support/page-calls.js';
import { freePorts } from '../support/ports.js';
import { publishNumbered } from '../support/publisher.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';
import { read, ROOT } from '../tidy/tree.js';

const shell = promisify(execFile);
const PAGE = read('README.md');

describe('README', { skip: needs('mosquitto') }, () => {
  it('its configuration has no problem, and its gateway delivers and publishes', async (t) => {
    const { config, receiver, ports } = await surroundings(t);
    const gateway = await startGateway(config, { until: 'link' });
    t.after(() => gateway.kill());
    await gateway.answered(1);
    const checked = await shell(join(ROOT, 'bin/holdfast'), [
      'check',
      '--config',
      join(gateway.directory, 'gateway.yaml'),
    ]);
    assert.match(checked.stdout, /fine\. 1 subscription,/);
    assert.equal(checked.stderr, '');
    await delivers(receiver, ports.broker);
    const [said] = await answersTo(block('sh', 'curl'), { 'localhost:8080': ports.http });
    assert.equal((JSON.parse(said!.body) as { status: string }).status, 'published');
    await addressesOfThePageAnswer(gateway);
  });

  it('its NestJS app receives what was published', async (t) => {
    const { config, ports } = await surroundings(t);
    const main = join(scratchDirectory('nest-app'), 'main.mjs');
    writeFileSync(main, nestApp());
    const gateway = await startGateway(config, { until: 'link', main });
    t.after(() => gateway.kill());
    await gateway.answered(1);
    await publishNumbered({ url: `mqtt://127.0.0.1:${ports.broker}`, topics: ['devices/1/telemetry'], count: 1 }).done;
    await until(() => gateway.tail.includes('handled gw-7'), { what: () => `the handler\n${gateway.report}` });
  });
});

interface Surroundings {
  config: string;
  receiver: Receiver;
  ports: { broker: number; http: number };
}

/** The page's configuration, with ports that are free here. */
async function surroundings(t: TestContext): Promise<Surroundings> {
  const broker = await startMosquitto();
  t.after(() => broker.stop('SIGKILL'));
  const receiver = await startReceiver();
  t.after(() => receiver.stop());
  const [http, ops] = await freePorts(2);
  const config = block('yaml', 'gateway.yaml')
    .replace('localhost:1883', `127.0.0.1:${broker.port}`)
    .replace('localhost:3000', `127.0.0.1:${receiver.port}`);
  assert.ok(config.includes(String(broker.port)) && config.includes(String(receiver.port)));
  const more = `http: { port: ${http} }\nops: { port: ${ops} }\nlog: { format: json }\n`;
  return { config: config + more, receiver, ports: { broker: broker.port, http: http! } };
}

async function delivers(receiver: Receiver, broker: number): Promise<void> {
  await publishNumbered({ url: `mqtt://127.0.0.1:${broker}`, topics: ['devices/1/telemetry'], count: 1 }).done;
  await receiver.waitFor(1);
  const { headers } = receiver.requests[0]!;
  for (const name of PAGE.match(/`(ce|mqtt)-[a-z]+`/g)!) assert.ok(headers[name.slice(1, -1)] !== undefined, name);
}

async function addressesOfThePageAnswer(gateway: GatewayProcess): Promise<void> {
  const [, line] = /To see how it is: ([^]*?)\n\n/.exec(PAGE)!;
  const addresses = line!.match(/\/[a-z0-9/?-]+/g)!;
  assert.ok(addresses.length >= 8, addresses.join(' '));
  for (const address of addresses) {
    const status = address.startsWith('/v1/')
      ? (await gateway.http(address)).status
      : (await gateway.ops(address)).status;
    assert.equal(status, 200, address);
  }
}

/** The code block of the language that has the text. */
function block(language: string, text: string): string {
  const blocks = [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code!);
  const found = blocks.find((code) => code.includes(text));
  assert.ok(found !== undefined, `the README has a block of ${language} with ${text}`);
  return found;
}

/** The page's app, with the imports that it takes for granted. */
function nestApp(): string {
  const modules = (name: string): string => new URL(import.meta.resolve(name)).href;
  const shown = block('ts', 'HoldfastTransport')
    .replace("'holdfast'", `'${new URL('../../src/index.js', import.meta.url).href}'`)
    .replace("'gateway.yaml'", 'process.argv.at(-1)')
    .replace('listen(3001)', "listen(0, '127.0.0.1')");
  const whole = `
import { Controller, Module } from '${modules('@nestjs/common')}';
import { NestFactory } from '${modules('@nestjs/core')}';
import { Ctx, Payload } from '${modules('@nestjs/microservices')}';
import { FastifyAdapter } from '${modules('@nestjs/platform-fastify')}';
${shown}`;
  const [module, target] = [ts.ModuleKind.ESNext, ts.ScriptTarget.ES2024];
  const compilerOptions = { module, target, experimentalDecorators: true };
  return ts.transpileModule(whole, { compilerOptions }).outputText;
}
