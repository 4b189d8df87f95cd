/** The OpenAPI document held against the gateway: whatever it allows, and whatever it does not, is answered as it says. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import * as fc from 'fast-check';
import { connectAsync, type MqttClient } from 'mqtt';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { startMosquitto, type Mosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seed } from '../support/seed.js';
import { until } from '../support/until.js';
import { Caller, Described, type Answer, type Call, type Document, type Target } from './openapi-document.js';
import { Requests } from './openapi-requests.js';

const TOKENS = {
  all: { name: 'all', token: 'a-token-with-every-scope', scopes: ['publish', 'read', 'admin'] },
  none: { name: 'none', token: 'a-token-with-no-use', scopes: ['publish'], publish: ['nothing'] },
};
const ALL = { authorization: `Bearer ${TOKENS.all.token}` };
/** Of each operation. */
const [VALID_RUNS, SPOILT_RUNS] = [40, 60];
/** What only answers well when something is there that requests do not bring about, or that is not meant to be met. */
const SELDOM_WELL = ['startReplay', 'deleteDeadLetter', 'deleteRejection'];
/** Each examines a broker from one end to the other. */
const LENGTHY = ['examine'];
const LENGTHY_RUNS = 3;
/** What these answer is another thing a moment later. */
const LIVELY = ['/v1/status', '/v1/rates', '/v1/activity', '/v1/link'];

let broker: Mosquitto;
let receiver: Receiver;
let gateway: GatewayProcess;
let device: MqttClient;
let caller: Caller;
let described: Described;
let requests: Requests;

/** A gateway with something in everything that can be listed. */
async function start(): Promise<void> {
  broker = await startMosquitto();
  receiver = await startReceiver({ answer: ({ topic }) => (topic.includes('bad') ? { status: 400 } : undefined) });
  const url = receiver.url;
  gateway = await startGateway(
    await gatewayConfig({
      broker: { url: broker.url },
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1, contract: 'whole' }],
      contracts: { whole: { format: 'json' } },
      subscribers: [{ id: 'file', url, topics: ['devices/#'] }],
      registration: { allow: [new URL(url).host] },
      publish: { allow: ['#'], wait: '500ms', request: { timeout: '200ms', maxTimeout: '300ms' } },
      http: { auth: { tokens: Object.values(TOKENS) } },
    }),
    { until: 'link' },
  );
  device = await connectAsync(broker.url, { protocolVersion: 5 });
  device.on('message', (_, payload, { properties }) => {
    if (properties?.responseTopic) device.publish(properties.responseTopic, payload, { properties: {} });
  });
  await device.subscribeAsync('#');
  const { ports } = gateway;
  caller = new Caller(ports.httpPort);
  const { body } = await caller.call({ method: 'GET', path: '/openapi.json' });
  described = new Described(JSON.parse(body.toString()) as Document);
  const publish = { method: 'POST', path: '/v1/publish', headers: { ...ALL, 'content-type': 'application/json' } };
  const { body: published } = await caller.call({ ...publish, body: Buffer.from('{"topic":"a","payload":1}') });
  const registered = { ...publish, method: 'PUT', path: '/v1/subscribers/registered' };
  const subscriber = JSON.stringify({ url, topics: ['registered/#'] });
  assert.equal((await caller.call({ ...registered, body: Buffer.from(subscriber) })).status, 201);
  for (const [id, payload] of [
    ['bad', '{}'],
    ['good', '{}'],
    ['broken', '{'],
  ]) {
    await device.publishAsync(`devices/${id}/telemetry`, payload!, { qos: 1 });
  }
  const listed = async (path: string): Promise<boolean> => {
    const { body: page } = await caller.call({ method: 'GET', path, headers: ALL });
    return (JSON.parse(page.toString()) as { items: unknown[] }).items.length > 0;
  };
  for (const path of ['/v1/dead-letters', '/v1/rejections', '/v1/records']) {
    await until(() => listed(path), { what: () => `something in ${path}\n${gateway.report}` });
  }
  requests = new Requests(described, ALL, url, {
    '/v1/publishes/': [(JSON.parse(published.toString()) as { id: string }).id],
    '/v1/subscribers/': ['file', 'registered', 'registered'], // only the latter can be changed
    '/v1/dead-letters/': [1],
    '/v1/records/': [1, 2, 3],
    '/v1/rejections/': [3],
    '/console/': ['icon.svg', 'index.html', 'THIRD-PARTY.txt'],
  });
}

function shown({ method, path, headers, body }: Call): string {
  return `${method} ${path} ${JSON.stringify(headers)} ${body?.toString('latin1').slice(0, 500) ?? ''}`;
}

/** Asks for what an operation says it takes; tells how often it went well. */
async function hold(target: Target, calls: fc.Arbitrary<Call>, numRuns: number): Promise<number> {
  let well = 0;
  const property = fc.asyncProperty(calls, async (call) => {
    const answer = await caller.call(call).catch((error: unknown) => {
      throw new Error(`${shown(call)}: ${String(error)}`);
    });
    assert.notEqual(answer.status, 500, shown(call));
    described.check(target, answer);
    if (answer.status < 300) well++;
  });
  await fc.assert(property, { numRuns, seed, endOnFailure: true });
  return well;
}

function runsOf({ operation }: Target, usual: number): number {
  return LENGTHY.includes(operation.operationId) ? LENGTHY_RUNS : usual;
}

/** Those that only read come first, those that take away last. */
function inOrder(targets: Target[]): Target[] {
  const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];
  return targets.toSorted((one, other) => methods.indexOf(one.method) - methods.indexOf(other.method));
}

describe('the OpenAPI document', { skip: needs('mosquitto') }, () => {
  before(start);
  after(async () => {
    caller.close();
    await device.endAsync(true);
    await gateway.kill();
    await Promise.all([broker.stop('SIGKILL'), receiver.stop()]);
  });

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid: fits, errors } = await validator.validate(described.document);
    assert.ok(fits, JSON.stringify(errors, null, 1));
    assert.equal(validator.version, '3.1');
    const names = described.operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(names).size, names.length);
  });

  it('whatever it allows is answered as it says, and some of it well', async () => {
    const told: string[] = [];
    for (const target of inOrder(described.operations)) {
      const well = await hold(target, requests.valid(target), runsOf(target, VALID_RUNS));
      told.push(`${target.operation.operationId} ${well}`);
      if (!SELDOM_WELL.includes(target.operation.operationId)) assert.ok(well > 0, told.join(', '));
    }
  });

  it('whatever it does not allow is refused as it says: no 500, no connection that is dropped', async () => {
    for (const target of inOrder(described.operations)) {
      await hold(target, requests.invalid(target), runsOf(target, SPOILT_RUNS));
    }
    assert.equal(await gateway.metric('holdfast_link_up'), 1);
    assert.deepEqual(
      gateway.logs.filter(({ level }) => level === 'error' || level === 'fatal'),
      [],
    );
  });

  it('without a token, or with one that lacks the scope, a call is answered as it says', async () => {
    for (const target of described.operations) {
      const { security } = target.operation;
      const [scope] = security.flatMap(({ bearer = [] }) => bearer);
      const closed = security.some(({ bearer }) => bearer !== undefined);
      const call = { method: target.method, path: target.path.replace(/\{\w+\}/g, '1') };
      const answer = await caller.call(call);
      described.check(target, answer);
      const open = target.path.includes('{') ? 404 : 200;
      assert.equal(answer.status, closed ? 401 : open, shown(call));
      if (scope === undefined || scope === 'publish') continue;
      const other = await caller.call({ ...call, headers: { authorization: `Bearer ${TOKENS.none.token}` } });
      described.check(target, other);
      assert.equal(other.status, 403, shown(call));
    }
  });

  it('another method than it has for an address is a 405 that says which there are', async () => {
    for (const [path, methods] of Object.entries(described.document.paths)) {
      const there = Object.keys(methods).map((method) => method.toUpperCase());
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
        if (there.includes(method)) continue;
        const { status, headers } = await caller.call({ method, path: path.replace(/\{\w+\}/g, '1'), headers: ALL });
        assert.equal(status, 405, `${method} ${path}`);
        assert.deepEqual(headers.allow?.split(', ').sort(), there.sort(), `${method} ${path}`);
      }
    }
  });

  it('HEAD is answered like GET, without the body', async () => {
    for (const target of described.operations.filter(({ method }) => method === 'GET')) {
      const property = fc.asyncProperty(fc.oneof(requests.valid(target), requests.invalid(target)), async (call) => {
        const [get, head] = [await caller.call(call), await caller.call({ ...call, method: 'HEAD' })];
        assert.equal(head.body.length, 0, shown(call));
        const lively = LIVELY.includes(target.path);
        assert.deepEqual(likeness(head, lively), likeness(get, lively), shown(call));
      });
      await fc.assert(property, { numRuns: 15, seed, endOnFailure: true });
    }
  });
});

/** Without what differs from one moment to the next. @param lively so does the body */
function likeness({ status, headers }: Answer, lively: boolean): object {
  const fleeting = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'x-request-id'];
  if (lively) fleeting.push('content-length');
  return { status, headers: Object.entries(headers).filter(([name]) => !fleeting.includes(name)) };
}
