/** Contracts that change while the gateway runs: the link stays, and what is refused changes nothing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { stringify } from 'yaml';
import { parseJsonPointer, partAt } from '../../src/domain/json-pointer.js';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { answersTo, callsOf } from '../support/page-calls.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';
import { Volume } from '../support/volume.js';
import { read } from '../tidy/tree.js';

interface Answer {
  status: number;
  code?: string;
  result?: string;
  changed?: string[];
  needsRestart?: string[];
  problems?: { path: string; line: number; message: string; mend: string }[];
}

function schema(required: string, more: object = {}): string {
  return JSON.stringify({ type: 'object', properties: { [required]: {} }, required: [required], ...more });
}

class Scene {
  sent = 0;

  private constructor(
    readonly flow: Flow,
    private readonly publish: (topic: string, payload: string) => Promise<unknown>,
  ) {}

  static async start(t: TestContext, config: (receiverUrl: string) => GatewayConfig): Promise<Scene> {
    const flow = await startFlow(t, { config: ({ receiverUrl }) => config(receiverUrl) });
    const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    return new Scene(flow, (topic, payload) => device.publishAsync(topic, payload, { qos: 1 }));
  }

  /** @returns its number, which its topic has, too */
  async send(payload: object): Promise<number> {
    const n = ++this.sent;
    await this.publish(`devices/${n}/telemetry`, JSON.stringify({ n, ...payload }));
    return n;
  }

  /** Sends without a pause until it is stopped, which resolves when the last one was acknowledged. */
  stream(payload: object): () => Promise<void> {
    let on = true;
    const done = (async () => {
      while (on) {
        await this.send(payload);
        await sleep(2);
      }
    })();
    return async () => {
      on = false;
      await done;
    };
  }

  get delivered(): Set<number> {
    return new Set(this.flow.receiver.requests.map(({ body }) => (JSON.parse(body.toString()) as { n: number }).n));
  }

  async rejected(): Promise<Set<number>> {
    const found = new Set<number>();
    for (let page = '/v1/rejections?limit=1000'; page !== '';) {
      const answer = await (await this.flow.gateway.http(page)).json();
      const { items, next } = answer as { items: { topic: string }[]; next?: string };
      for (const { topic } of items) found.add(Number(topic.split('/')[1]));
      page = next === undefined ? '' : `/v1/rejections?limit=1000&after=${encodeURIComponent(next)}`;
    }
    return found;
  }

  async passes(payload: object): Promise<void> {
    const n = await this.send(payload);
    await until(() => this.delivered.has(n), { what: () => `a payload to pass\n${this.flow.gateway.report}` });
  }

  async fails(payload: object): Promise<void> {
    const n = await this.send(payload);
    await until(async () => (await this.rejected()).has(n), { what: `${JSON.stringify(payload)} to be rejected` });
    assert.ok(!this.delivered.has(n));
  }

  /** Every payload was delivered or rejected, and none was both. */
  async accounted(): Promise<void> {
    const all = async (): Promise<boolean> => this.delivered.size + (await this.rejected()).size >= this.sent;
    await until(all, { what: () => `all of ${this.sent}, not ${this.delivered.size}`, timeoutMs: 20_000 });
    const { delivered } = this;
    const rejected = await this.rejected();
    for (let n = 1; n <= this.sent; n++) assert.ok(delivered.has(n) !== rejected.has(n), `${n} of ${this.sent}`);
  }

  async reloads(result: string, count: number): Promise<void> {
    const { gateway } = this.flow;
    const seen = async (): Promise<boolean> =>
      (await gateway.metric('holdfast_config_reloads_total', { result })) >= count;
    await until(seen, { what: () => `${count} reloads ${result}\n${gateway.report}`, timeoutMs: 30_000 });
  }

  async reload(headers: { [name: string]: string } = {}): Promise<Answer> {
    const answer = await this.flow.gateway.http('/v1/reload', { method: 'POST', headers });
    return { ...((await answer.json()) as Answer), status: answer.status };
  }

  /** Writes the configuration anew, with these sections. */
  configure(sections: GatewayConfig): void {
    const { config, gateway } = this.flow;
    writeFileSync(join(gateway.directory, 'gateway.yaml'), stringify({ ...config, ...sections }));
  }

  async linkStood(): Promise<void> {
    const { gateway } = this.flow;
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
    assert.equal(await gateway.metric('holdfast_link_drops_total'), 0);
    assert.equal(gateway.exited, undefined);
  }
}

function telemetry(file: string, more: GatewayConfig = {}): GatewayConfig {
  return {
    subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', contract: 'telemetry' }],
    contracts: { telemetry: { schema: file } },
    ...more,
  };
}

describe('reload', { skip: needs('mosquitto') }, () => {
  it('a schema is swapped by its link and rewritten in place while traffic flows: the link never drops', async (t) => {
    const volume = new Volume();
    volume.put({ 'a.json': schema('one') });
    const file = join(volume.directory, 'a.json');
    const scene = await Scene.start(t, () => telemetry(file));
    const stop = scene.stream({ one: 1, two: 2 });
    await scene.fails({ two: 2 });
    volume.put({ 'a.json': schema('two') });
    await scene.reloads('applied', 1);
    await scene.passes({ two: 2 });
    await scene.fails({ one: 1 });
    const real = join(volume.directory, '..data', 'a.json');
    for (const text of ['', schema('three').slice(0, 20), schema('three')]) writeFileSync(real, text);
    await scene.reloads('applied', 2);
    await scene.passes({ three: 3 });
    await scene.fails({ two: 2 });
    await stop();
    await scene.accounted();
    await scene.linkStood();
    const { gateway } = scene.flow;
    const told = gateway.logs.filter(({ msg }) => msg.includes('is in force'));
    assert.deepEqual(
      told.map(({ trigger }) => trigger),
      ['file', 'file'],
    );
    assert.match(String((told[0]!['changed'] as string[])[0]), /a\.json$/);
  });

  it('a bad schema is refused whole: the old contracts judge on, also in a thread that had to be replaced', async (t) => {
    const directory = scratchDirectory('bad');
    const [telemetryFile, otherFile] = [join(directory, 'telemetry.json'), join(directory, 'other.json')];
    const pattern = { properties: { one: {}, s: { type: 'string', pattern: '^(a+)+$' } } };
    writeFileSync(telemetryFile, schema('one', pattern));
    writeFileSync(otherFile, schema('x'));
    const contracts = {
      telemetry: { schema: telemetryFile, limits: { budget: '300ms' } },
      other: { schema: otherFile },
    };
    const scene = await Scene.start(t, () => telemetry(telemetryFile, { contracts }));
    const { gateway } = scene.flow;
    assert.equal(await gateway.metric('holdfast_config_last_reload_successful'), 1);
    writeFileSync(telemetryFile, schema('two'));
    writeFileSync(otherFile, '{ "type": "objct" }');
    const answer = await scene.reload();
    assert.deepEqual([answer.status, answer.code], [422, 'RELOAD_REFUSED']);
    assert.deepEqual(
      answer.problems!.map(({ path, line }) => [path, line > 1]),
      [['contracts.other.schema', true]],
    );
    assert.match(answer.problems![0]!.message, /no schema of its draft/);
    assert.ok(answer.problems![0]!.mend.length > 0);
    assert.equal(await gateway.metric('holdfast_config_last_reload_successful'), 0);
    assert.ok((await gateway.metric('holdfast_config_reloads_total', { result: 'refused' })) >= 1);
    const told = gateway.logs.find(({ msg }) => msg === 'the new configuration cannot be used')!;
    assert.deepEqual([told['path'], typeof told['mend']], ['contracts.other.schema', 'string']);
    assert.ok(gateway.logs.some(({ msg }) => msg.includes('the old one stays in force')));
    await scene.passes({ one: 1 });
    await scene.fails({ two: 2 });
    await scene.fails({ one: 1, s: `${'a'.repeat(40)}!` });
    assert.ok(gateway.logs.some(({ msg, reason }) => msg.includes('was replaced') && reason === 'timeout'));
    await scene.passes({ one: 1 });
    await scene.fails({ two: 2 });
    writeFileSync(otherFile, schema('y'));
    await scene.reloads('applied', 1);
    assert.equal(await gateway.metric('holdfast_config_last_reload_successful'), 1);
    await scene.passes({ two: 2 });
    await scene.fails({ one: 1 });
    await scene.accounted();
    await scene.linkStood();
  });

  it('a file that changes, SIGHUP and POST /v1/reload refuse a bad contract alike; asyncapi.json is what is in force', async (t) => {
    const file = join(scratchDirectory('alike'), 'telemetry.json');
    writeFileSync(file, schema('one'));
    const scene = await Scene.start(t, () => telemetry(file));
    const { gateway } = scene.flow;
    const required = async (): Promise<unknown> => {
      const document = await (await gateway.http('/asyncapi.json')).json();
      return partAt(document, parseJsonPointer('/components/schemas/telemetry/schema/required'));
    };
    const refusals = (): unknown[] =>
      gateway.logs.filter(({ msg }) => msg.includes('the old one stays in force')).map(({ trigger }) => trigger);
    assert.deepEqual(await required(), ['one']);
    writeFileSync(file, '{ "type": "objct" }');
    await until(() => refusals().includes('file'), { what: 'the refusal of a file that changed' });
    gateway.signal('SIGHUP');
    await until(() => refusals().includes('signal'), { what: 'the refusal after SIGHUP' });
    assert.deepEqual([(await scene.reload()).status, refusals().at(-1)], [422, 'api']);
    const count = await gateway.metric('holdfast_config_reloads_total', { result: 'refused' });
    assert.deepEqual([count, await required()], [refusals().length, ['one']]);
    await scene.passes({ one: 1 });
    writeFileSync(file, schema('two'));
    await scene.reloads('applied', 1);
    assert.deepEqual(await required(), ['two']);
    await scene.fails({ one: 1 });
    await scene.linkStood();
  });

  it('SIGHUP and POST /v1/reload: what can be applied is, and what takes a restart is named', async (t) => {
    const directory = scratchDirectory('asked');
    const [file, command] = [join(directory, 'a.json'), join(directory, 'command.json')];
    writeFileSync(file, schema('one'));
    writeFileSync(command, schema('level'));
    const tokens = [
      { name: 'all', token: 'all-token', scopes: ['read', 'publish', 'admin'] },
      { name: 'reader', token: 'reader-token', scopes: ['read'] },
    ];
    const scene = await Scene.start(t, () => telemetry(file, { publish: { allow: ['commands/#'] } }));
    const { flow } = scene;
    const more: GatewayConfig = {
      contracts: { telemetry: { schema: file, mode: 'shadow' }, command: { schema: command } },
      publish: { allow: ['commands/#'], contracts: [{ filter: 'commands/+', contract: 'command' }] },
      subscriptions: [{ name: 'telemetry', filter: 'devices/{deviceId}/telemetry', contract: 'telemetry' }],
    };
    scene.configure({ ...more, http: { ...(flow.config['http'] as object), auth: { tokens } } });
    const { status, result, changed, needsRestart } = await scene.reload();
    assert.deepEqual([status, result, needsRestart], [200, 'applied', ['http']]);
    assert.deepEqual(changed!.slice(0, 4), [
      'contracts.telemetry',
      'contracts.command',
      'subscriptions.telemetry',
      'publish.contracts',
    ]);
    await scene.passes({ two: 2 });
    assert.equal(flow.receiver.requests.at(-1)!.headers['mqtt-topic-parameter'], `deviceId=${scene.sent}`);
    const refused = await flow.gateway.post('/v1/publish', { topic: 'commands/1', payload: {} });
    assert.deepEqual([refused.status, ((await refused.json()) as Answer).code], [422, 'CONTRACT_FAILED']);
    const document = JSON.stringify(await (await flow.gateway.http('/asyncapi.json')).json());
    assert.match(document, /delivered all the same/, 'the mode of telemetry');
    const labels = { contract: 'command', reason: 'schema', mode: 'enforce' };
    assert.equal(await flow.gateway.metric('holdfast_publish_contract_failures_total', labels), 1);
    const shadowed = { contract: 'telemetry', reason: 'schema', mode: 'shadow' };
    await until(async () => (await flow.gateway.metric('holdfast_contract_failures_total', shadowed)) === 1, {
      what: 'the failure in shadow mode',
    });
    const shown = callsOf(read('docs/contracts.md')).join('');
    const [said] = await answersTo(shown, { 'localhost:8080': flow.gateway.ports.httpPort });
    assert.deepEqual([said!.status, (JSON.parse(said!.body) as Answer).result], [200, 'unchanged']);
    const restarts = flow.gateway.logs.filter(({ needsRestart }) => needsRestart !== undefined);
    assert.equal(restarts.length, 1, 'it is told once');
    writeFileSync(command, schema('name'));
    flow.gateway.signal('SIGHUP');
    await scene.reloads('applied', 2);
    assert.equal((await flow.gateway.post('/v1/publish', { topic: 'commands/1', payload: { name: 1 } })).status, 200);
    const bad = { contracts: { telemetry: { shema: file } } };
    scene.configure(bad);
    const { status: no, problems } = await scene.reload();
    assert.equal(no, 422);
    assert.deepEqual(
      problems!.map(({ path }) => path),
      ['contracts.telemetry.shema'],
    );
    await scene.linkStood();
  });

  it('what a contract rejected passes when the contract was mended, under its old id', async (t) => {
    const file = join(scratchDirectory('mended'), 'a.json');
    writeFileSync(file, schema('one'));
    const scene = await Scene.start(t, () => telemetry(file));
    await scene.fails({ two: 2 });
    writeFileSync(file, schema('two'));
    assert.equal((await scene.reload()).result, 'applied');
    const replayed = await scene.flow.gateway.post('/v1/rejections/replay', { all: true });
    assert.equal(((await replayed.json()) as { replayed: number }).replayed, 1);
    await until(() => scene.delivered.has(1), { what: 'the rejection to be delivered' });
    assert.equal((await scene.rejected()).size, 0);
  });

  it('a class module that spins while it is loaded is refused, and traffic flows all the while', async (t) => {
    const directory = scratchDirectory('spins');
    const file = join(directory, 'reading.mjs');
    const module = (start: string): string =>
      `import { IsNumber } from 'class-validator';\nimport { name } from './name.mjs';\n${start}
export class Reading {}\nIsNumber()(Reading.prototype, 'n');\nIsNumber()(Reading.prototype, name);\n`;
    const name = join(directory, 'name.mjs');
    writeFileSync(name, 'export const name = "one";');
    writeFileSync(file, module(''));
    const scene = await Scene.start(t, () => telemetry('', { contracts: { telemetry: { class: `${file}#Reading` } } }));
    await scene.fails({ two: 2 });
    writeFileSync(file, module('for (;;);'));
    const asked = scene.reload();
    await scene.passes({ one: 1 });
    const { status, problems } = await asked;
    assert.equal(status, 422);
    assert.equal(problems![0]!.path, 'contracts.telemetry.class');
    assert.match(problems![0]!.message, /cannot be loaded: it stood still/);
    await scene.passes({ one: 1 });
    writeFileSync(file, module(''));
    writeFileSync(name, 'export const name = "two";');
    await scene.reloads('applied', 1);
    await scene.passes({ two: 2 });
    await scene.fails({ one: 1 });
    await scene.linkStood();
  });

  it('kill -9 right after a reload, and within one: every payload is delivered or rejected', async (t) => {
    const file = join(scratchDirectory('killed'), 'a.json');
    writeFileSync(file, schema('one'));
    const scene = await Scene.start(t, () => telemetry(file));
    const stop = scene.stream({ one: 1, two: 2 });
    const stopBad = scene.stream({ one: 1 });
    for (const [required, waits] of [
      ['two', true],
      ['one', false],
    ] as const) {
      await until(() => scene.delivered.size > 20, { what: 'traffic' });
      writeFileSync(file, schema(required));
      const asked = scene.reload().catch(() => undefined);
      if (waits) assert.equal((await asked)?.result, 'applied');
      await scene.flow.gateway.kill();
      await asked;
      await scene.flow.restart();
    }
    await scene.passes({ one: 1 });
    await Promise.all([stop(), stopBad()]);
    const settled = async (): Promise<boolean> => {
      const rejected = await scene.rejected();
      const { delivered } = scene;
      return Array.from({ length: scene.sent }, (_, i) => i + 1).every((n) => delivered.has(n) || rejected.has(n));
    };
    await until(settled, { what: () => `all of ${scene.sent}`, timeoutMs: 30_000, everyMs: 200 });
  });
});
