/** The example receivers, run as their page says: what the gateway sends is taken, what somebody else sends is not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { Webhook } from 'standardwebhooks';
import { parse } from 'yaml';
import { Child } from '../support/children.js';
import { gatewayConfig, type GatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startMosquitto } from '../support/mosquitto.js';
import { findProgram, needs, type Tool } from '../support/needs.js';
import { answersTo } from '../support/page-calls.js';
import { freePort } from '../support/ports.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';
import { read, ROOT } from '../tidy/tree.js';

const FOLDER = join(ROOT, 'examples', 'receivers');
const BUILT = join(ROOT, '.cache', 'receivers');
const COMPILER = fileURLToPath(import.meta.resolve('typescript/lib/tsc.js'));
const PAGE = read('examples/receivers/README.md');
const [SECRET, NEXT, STRANGER] = [1, 2, 3].map((n) => `whsec_${Buffer.alloc(32, n).toString('base64')}`) as [
  string,
  string,
  string,
];
const BODY = '{"celsius": 21}';

interface Example {
  name: string;
  tools: Tool[];
  /** Builds it, where it is built. @returns how it is run */
  build: () => string[];
}

const EXAMPLES: Example[] = [
  { name: 'nestjs', tools: [], build: () => [process.execPath, compiled()] },
  { name: 'express', tools: [], build: () => [process.execPath, join(FOLDER, 'express', 'receiver.js')] },
  { name: 'python', tools: ['python3'], build: () => [findProgram('python3')!, join(FOLDER, 'python/receiver.py')] },
  { name: 'go', tools: ['go'], build: () => [built()] },
];

for (const { name, tools, build } of EXAMPLES) {
  describe(`the receiver in ${name}`, { skip: needs('mosquitto', ...tools) }, () => {
    let command: string[];
    before(() => (command = build()));

    it('takes every message the gateway sends, also those that it refused while its secret was wrong', async (t) => {
      const port = await freePort();
      const mistaken = await start(t, command, STRANGER, port);
      const { gateway, publish } = await gatewayFor(t, port);
      await publish('devices/first/telemetry', BODY);
      await until(async () => /"state":"broken"[^}]*status 401/.test(await text(gateway, '/v1/subscribers')), {
        what: async () => `the 401\n${await text(gateway, '/v1/subscribers')}`,
      });
      await mistaken.child.stop();
      const receiver = await start(t, command, SECRET, port);
      await publish('devices/ü 7 €/telemetry', Buffer.from([0x00, 0xff, 0x7b, 0x80]));
      await publish('devices/empty/telemetry', '');
      await publish('devices/large/telemetry', Buffer.alloc(1_000_000, 0xfe));
      await publish('devices/json/telemetry', '{"broken', {
        contentType: 'application/json',
        userProperties: { long: 'x'.repeat(20_000) },
      });
      const wanted = [
        ['devices/empty/telemetry', 0],
        ['devices/first/telemetry', 15],
        ['devices/json/telemetry', 8],
        ['devices/large/telemetry', 1_000_000],
        ['devices/ü 7 €/telemetry', 4],
      ];
      await receiver.has(wanted.length);
      assert.deepEqual(receiver.taken.map(({ topic, bytes }) => [topic, bytes]).sort(), wanted);
      assert.equal(receiver.taken.find(({ topic }) => topic === 'devices/json/telemetry')!.text, '{"broken');
      assert.deepEqual(mistaken.taken, []);
      await publish('devices/too-large/telemetry', Buffer.alloc(5 * 1024 * 1024));
      const dead = await until(async () => (await deadLetters(gateway))[0], { what: 'the dead letter' });
      assert.deepEqual([dead.topic, dead.status, dead.attempts], ['devices/too-large/telemetry', 413, 1]);
      await callsOfThePage(gateway, receiver);
      assert.equal((await deadLetters(gateway)).length, 1);
    });

    it('refuses what is forged, old, incomplete or signed by a stranger, and takes what is genuine once', async (t) => {
      const receiver = await start(t, command, `${SECRET}\n${NEXT}\n`);
      const sent = signed(SECRET, 'a');
      const without = (name: string): Headers => ({ ...sent, [name]: '' });
      const refused: [why: string, headers: Headers, body?: string][] = [
        ['another body', sent, `${BODY} `],
        ['another id', { ...sent, 'webhook-id': 'b' }],
        ['another time', { ...sent, 'webhook-timestamp': `${seconds() - 1}` }],
        ['six minutes old', signed(SECRET, 'a', seconds() - 360)],
        ['six minutes early', signed(SECRET, 'a', seconds() + 360)],
        ['no number', { ...sent, 'webhook-timestamp': 'yesterday' }],
        ['no id', without('webhook-id')],
        ['no time', without('webhook-timestamp')],
        ['no signature', without('webhook-signature')],
        ['none of them', {}],
        ['a stranger', signed(STRANGER, 'a')],
        ['another kind', { ...sent, 'webhook-signature': sent['webhook-signature']!.replace('v1,', 'v1a,') }],
        ['a part of it', { ...sent, 'webhook-signature': sent['webhook-signature']!.slice(0, -4) }],
        ['an empty one', { ...sent, 'webhook-signature': 'v1,' }],
      ];
      for (const [why, headers, body] of refused) assert.equal(await receiver.post(headers, body), 401, why);
      const tooLarge = 'x'.repeat(6 * 1024 * 1024);
      for (let n = 0; n < 5; n++) assert.equal(await receiver.post(sent, tooLarge), 413);
      assert.deepEqual(receiver.taken, []);

      for (let n = 0; n < 3; n++) assert.equal(await receiver.post(signed(SECRET, 'a', seconds() - n)), 204);
      const several = ['v1a,eA==', signed(STRANGER, 'b')['webhook-signature'], signed(NEXT, 'b')['webhook-signature']];
      assert.equal(await receiver.post({ ...signed(NEXT, 'b'), 'webhook-signature': several.join(' ') }), 204);
      const together = Array.from({ length: 5 }, () => receiver.post(signed(SECRET, 'c')));
      assert.deepEqual(await Promise.all(together), [204, 204, 204, 204, 204]);
      await receiver.has(3);
      assert.equal(receiver.taken.length, 3);
    });

    it('told to end, it answers what is in flight', async (t) => {
      const receiver = await start(t, command, SECRET);
      const slow = request(receiver.url, {
        method: 'POST',
        headers: { ...signed(SECRET, 'a'), ...LENGTH },
        agent: false,
      });
      const answered = once(slow, 'response') as Promise<[IncomingMessage]>;
      slow.write(BODY.slice(0, 5));
      // Connections are accepted in order: with this one answered, the other is at work.
      assert.equal(await receiver.post(signed(SECRET, 'b')), 204);
      receiver.child.signal('SIGTERM');
      await until(async () => !(await receiver.listens()), { what: 'the end of listening' });
      await sleep(300); // An end that waits for nothing would have come by now.
      assert.equal(receiver.child.exited, undefined, receiver.child.tail);
      slow.end(BODY.slice(5));
      assert.equal((await answered)[0].statusCode, 204);
      const { code, signal } = await until(() => receiver.child.exited, { timeoutMs: 30_000, what: 'its end' });
      assert.ok(code === 0 || signal === 'SIGTERM', receiver.child.tail);
      assert.equal(receiver.taken.length, 2);
    });

    it('does not start without a secret that is one', async (t) => {
      for (const secrets of ['', 'hunter2', 'whsec_', 'whsec_c2hvcnQ=', `${SECRET} whsec_?`]) {
        const [program, ...args] = command;
        const env = { ...process.env, PORT: '0', WEBHOOK_SECRETS: secrets };
        const child = new Child(program!, args, { env });
        t.after(() => child.stop('SIGKILL'));
        const exit = await until(() => child.exited, { timeoutMs: 30_000, what: `the end of one with "${secrets}"` });
        assert.ok(exit.code, child.tail);
        assert.match(child.tail, /secret/);
      }
    });
  });
}

interface Headers {
  [name: string]: string;
}

const LENGTH = { 'content-length': `${BODY.length}` };

const seconds = (): number => Math.floor(Date.now() / 1_000);

/** As another implementation of Standard Webhooks signs. */
function signed(secret: string, id: string, timestamp = seconds()): Headers {
  const signature = new Webhook(secret).sign(id, new Date(timestamp * 1_000), BODY);
  return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': signature };
}

/** What a receiver says of each message it has taken. */
interface Taken {
  topic: string;
  bytes: number;
  text: string;
}

class Receiver {
  readonly taken: Taken[] = [];
  readonly child: Child;
  readonly url: string;

  constructor(
    [program, ...args]: string[],
    env: NodeJS.ProcessEnv,
    readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${port}/events`;
    this.child = new Child(program!, args, { env, onLine: (line) => this.#heard(line) });
  }

  async has(count: number): Promise<void> {
    const what = (): string => `${count} messages, not ${JSON.stringify(this.taken)}\n${this.child.tail}`;
    await until(() => this.taken.length >= count, { timeoutMs: 30_000, what });
  }

  /** @returns the status of the answer */
  async post(headers: Headers, body = BODY): Promise<number> {
    const sent = Object.entries(headers).filter(([, value]) => value !== '');
    const all = { ...Object.fromEntries(sent), 'content-type': 'application/json', 'mqtt-topic': 'devices/1' };
    const answer = await fetch(this.url, { method: 'POST', headers: all, body });
    await answer.arrayBuffer();
    return answer.status;
  }

  async listens(): Promise<boolean> {
    return fetch(this.url).then(
      async (answer) => (await answer.arrayBuffer(), true),
      () => false,
    );
  }

  #heard(line: string): void {
    if (line.startsWith('{')) this.taken.push(JSON.parse(line) as Taken);
  }
}

async function start(t: TestContext, command: string[], secrets: string, known?: number): Promise<Receiver> {
  const port = known ?? (await freePort());
  const file = join(scratchDirectory('receiver'), 'secrets');
  writeFileSync(file, secrets);
  const env = { ...process.env, PORT: `${port}`, WEBHOOK_SECRETS_FILE: file };
  const receiver = new Receiver(command, env, port);
  t.after(() => receiver.child.stop('SIGKILL'));
  const { child } = receiver;
  await until(() => child.exited !== undefined || receiver.listens(), { timeoutMs: 30_000, what: () => child.tail });
  assert.equal(child.exited, undefined, child.tail);
  return receiver;
}

type Properties = { contentType?: string; userProperties?: { [name: string]: string } };

interface Sending {
  gateway: GatewayProcess;
  publish: (topic: string, payload: string | Buffer, properties?: Properties) => Promise<unknown>;
}

/** The gateway with the configuration of the examples; it signs with a second secret, too. */
async function gatewayFor(t: TestContext, port: number): Promise<Sending> {
  const broker = await startMosquitto();
  t.after(() => broker.stop('SIGKILL'));
  const shown = parse(read('examples/receivers/gateway.yaml')) as GatewayConfig & { subscribers: GatewayConfig[] };
  assert.deepEqual(shown.subscribers, (parse(block('yaml')) as GatewayConfig)['subscribers'], 'the page shows it');
  const [subscriber] = shown.subscribers;
  Object.assign(subscriber!, {
    url: `http://127.0.0.1:${port}/events`,
    signing: { secrets: [NEXT, ...(subscriber!['signing'] as { secrets: string[] }).secrets] },
    retry: { schedule: Array.from({ length: 32 }, () => '300ms') },
    breaker: { openFor: '200ms' },
  });
  const config = await gatewayConfig({ ...shown, broker: { url: broker.url } });
  Object.assign(config['session'] as object, { maxPacket: '8MiB' });
  const directory = scratchDirectory('gateway');
  writeFileSync(join(directory, 'secret'), `${SECRET}\n`);
  const gateway = await startGateway(config, { until: 'link', directory });
  t.after(() => gateway.kill());
  await gateway.answered(1);
  const device = await connectAsync(broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  return {
    gateway,
    publish: (topic, payload, properties = {}) => device.publishAsync(topic, payload, { qos: 1, properties }),
  };
}

async function text(gateway: GatewayProcess, path: string): Promise<string> {
  return (await gateway.http(path)).text();
}

interface DeadLetter {
  topic: string;
  status: number;
  attempts: number;
}

async function deadLetters(gateway: GatewayProcess): Promise<DeadLetter[]> {
  return (JSON.parse(await text(gateway, '/v1/dead-letters')) as { items: DeadLetter[] }).items;
}

/** One is genuine, one is not. */
async function callsOfThePage(gateway: GatewayProcess, receiver: Receiver): Promise<void> {
  const calls = PAGE.match(/^curl .*$/gm)!.join('\n');
  const count = receiver.taken.length;
  const places = { 'localhost:8080': gateway.ports.httpPort, 'localhost:3000': receiver.port };
  const [genuine, foreign] = await answersTo(calls, places);
  assert.match(genuine!.body, /"delivered"/);
  assert.equal(foreign!.status, 401);
  await receiver.has(count + 1);
  assert.equal(receiver.taken.length, count + 1);
}

/** The first code block of the language on the page. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(PAGE)![1]!;
}

/** Kept between runs. @returns the main file */
function compiled(): string {
  const folder = join(BUILT, 'nestjs');
  const project = join(FOLDER, 'nestjs', 'tsconfig.json');
  run(process.execPath, [COMPILER, '-p', project, '--outDir', folder, '--incremental']);
  return join(folder, 'receiver.js');
}

/** Kept between runs, as what the compiler made of the standard library. @returns the program */
function built(): string {
  const program = join(BUILT, 'go', 'receiver');
  // Nothing but the standard library, and nothing from elsewhere.
  const env = { GOCACHE: join(BUILT, 'go', 'cache'), GOPROXY: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };
  run(findProgram('go')!, ['build', '-buildvcs=false', '-o', program, '.'], {
    cwd: join(FOLDER, 'go'),
    env: { ...process.env, ...env },
  });
  return program;
}

function run(program: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
  const { status, stdout, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}
