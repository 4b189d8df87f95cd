/** What REST promises of publishes beyond one: keys, times, batches, raw bodies; with the real gateway and a real broker. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { answersTo, callsOf, statusesOf } from '../support/page-calls.js';
import { until } from '../support/until.js';
import { read } from '../tidy/tree.js';

interface Answer {
  http: number;
  id: string;
  status: string;
  code?: string;
  [member: string]: unknown;
}

interface Arrived {
  topic: string;
  payload: string;
  expiry: number | undefined;
  contentType: string | undefined;
}

const BODY = { topic: 'commands/pump', payload: 'on' };

describe('a publish with an Idempotency-Key', { skip: needs('mosquitto') }, () => {
  it('many at once, and again after a kill: one publish, one answer', async (t) => {
    const flow = await start(t);
    const arrived = await listen(t, flow);
    const headers = { 'idempotency-key': '"one"' };
    const all = await Promise.all(Array.from({ length: 20 }, () => publish(flow, BODY, headers)));
    const done = all.filter(({ http }) => http === 200);
    assert.ok(done.length >= 1);
    for (const { http, code } of all) assert.ok(http === 200 || (http === 409 && code === 'KEY_IN_USE'), `${http}`);
    const { id } = done[0]!;
    await flow.gateway.kill();
    await flow.restart();
    for (let i = 0; i < 2; i++) {
      const again = await publish(flow, BODY, headers);
      assert.deepEqual([again.http, again.id, again.status], [200, id, 'published']);
    }
    const other = await publish(flow, { ...BODY, payload: 'off' }, headers);
    assert.deepEqual([other.http, other.code], [422, 'KEY_REUSED']);
    await publish(flow, { ...BODY, payload: 'last' });
    await until(() => arrived.some(({ payload }) => payload === 'last'), { what: 'the last one' });
    assert.deepEqual(
      arrived.map(({ payload }) => payload),
      ['on', 'last'],
    );
  });

  it('what was answered 202 is answered 202, also after the broker has had it', async (t) => {
    const flow = await start(t);
    await stopBroker(flow);
    const headers = { 'idempotency-key': 'later' };
    const first = await publish(flow, BODY, headers);
    assert.deepEqual([first.http, first.status], [202, 'queued']);
    await flow.broker.start();
    const published = async (): Promise<boolean> => (await stands(flow, first.id)).status === 'published';
    await until(published, { what: 'the publish' });
    assert.deepEqual(await publish(flow, BODY, headers), first);
    await flow.gateway.kill();
    await flow.restart();
    assert.deepEqual(await publish(flow, BODY, headers), first);
  });

  it('a batch has one key, and each of its publishes the answer it had', async (t) => {
    const flow = await start(t, { lines: ['max_packet_size 2000'] });
    const arrived = await listen(t, flow);
    const batch = [BODY, { ...BODY, topic: 'forbidden' }, { ...BODY, payload: 'x'.repeat(3_000) }];
    const headers = { 'idempotency-key': 'batch' };
    const send = async (): Promise<{ http: number; items: Answer[] }> => {
      const response = await flow.gateway.post('/v1/publish/batch', batch, headers);
      return { http: response.status, items: (await response.json()) as Answer[] };
    };
    const first = await send();
    assert.equal(first.http, 207);
    assert.deepEqual(
      first.items.map(({ status, problem }) => [status, (problem as Answer | undefined)?.code]),
      [
        ['published', undefined],
        ['failed', 'TOPIC_FORBIDDEN'],
        ['failed', 'PUBLISH_REFUSED'],
      ],
    );
    const refused = first.items[2]!['problem'] as Answer;
    assert.match(String(refused['mend']), /maxPacket/);
    const view = await stands(flow, refused.id);
    assert.deepEqual(
      [view.status, view['cause'], view['mend'] === refused['mend']],
      ['refused', 'packet-too-large', true],
    );
    await flow.gateway.kill();
    await flow.restart();
    assert.deepEqual(await send(), first);
    await publish(flow, { ...BODY, payload: 'last' });
    await until(() => arrived.some(({ payload }) => payload === 'last'), { what: 'the last one' });
    assert.equal(arrived.length, 2);
  });
});

describe('a publish with expirySeconds', { skip: needs('mosquitto') }, () => {
  it('its time counts from acceptance: what is left goes with it, what has run out is never sent', async (t) => {
    const flow = await start(t);
    const arrived = await listen(t, flow);
    await stopBroker(flow);
    const short = await publish(flow, { ...BODY, payload: 'short', expirySeconds: 1 });
    const long = await publish(flow, { ...BODY, payload: 'long', expirySeconds: 600 });
    assert.equal(short.http, 202);
    const expired = async (): Promise<boolean> => (await stands(flow, short.id)).status === 'expired';
    await until(expired, { what: 'the end of the short one while the broker is away' });
    assert.equal(await flow.gateway.metric('holdfast_publishes_total', { outcome: 'expired' }), 1);
    assert.equal(await flow.gateway.metric('holdfast_outbox_records'), 1);
    await flow.broker.start();
    await until(async () => (await stands(flow, long.id)).status === 'published', { what: 'the long one' });
    await until(() => arrived.length > 0, { what: 'the long one at the broker' });
    assert.equal(arrived[0]!.payload, 'long');
    assert.ok(arrived[0]!.expiry! < 600, `${arrived[0]!.expiry} s are left`);
    assert.equal((await stands(flow, short.id)).status, 'expired');
  });
});

describe('what goes out', { skip: needs('mosquitto') }, () => {
  it('raw: the body as it is, with its content type; JSON: every digit that was written', async (t) => {
    const flow = await start(t);
    const arrived = await listen(t, flow);
    const bytes = Buffer.from([0, 0xff, 0x0a]);
    const raw = await flow.gateway.http('/v1/publish/raw?topic=commands/raw', {
      method: 'POST',
      body: bytes,
      headers: { 'content-type': 'image/x-test' },
    });
    assert.equal(raw.status, 200);
    const json = await flow.gateway.http('/v1/publish/raw?topic=commands/json', {
      method: 'POST',
      body: '{ "a" : 1 }',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(json.status, 200);
    const exact = await flow.gateway.http('/v1/publish', {
      method: 'POST',
      body: '{"topic":"commands/exact","payload":{"n": 12345678901234567890, "d": 1.0}}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(exact.status, 200);
    await until(() => arrived.length === 3, { what: 'all three' });
    assert.deepEqual(
      arrived.map(({ payload, contentType }) => [payload, contentType]),
      [
        [bytes.toString('latin1'), 'image/x-test'],
        ['{ "a" : 1 }', 'application/json'],
        ['{"n":12345678901234567890,"d":1.0}', undefined],
      ],
    );
  });

  it('a byte order mark before the JSON changes nothing of what goes out', async (t) => {
    const flow = await start(t);
    const arrived = await listen(t, flow);
    const one = '{"topic":"commands/a","payload":{"n": 12345678901234567890, "d": 1.0}}';
    for (const [path, body] of [
      ['/v1/publish', `\ufeff${one}`],
      ['/v1/publish/batch', `\ufeff [ ${one} ]`],
      ['/v1/publish/raw?topic=commands/a', '\ufeff1'],
    ] as const) {
      assert.deepEqual(await posted(flow, path, body), [200, 'published'], path);
    }
    await until(() => arrived.length === 3, { what: 'all three' });
    const exact = '{"n":12345678901234567890,"d":1.0}';
    const marked = Buffer.from('\ufeff1').toString('latin1');
    assert.deepEqual(
      arrived.map(({ payload }) => payload),
      [exact, exact, marked],
    );
    assert.deepEqual(await posted(flow, '/v1/publish', '\ufeff'), [400, 'REQUEST_INVALID']);
  });

  it('__proto__ and constructor are names like any other: in a payload they go out, in the body they are unknown', async (t) => {
    const flow = await start(t);
    const arrived = await listen(t, flow);
    const payload = '{"__proto__":{"a":1},"constructor":{"prototype":1}}';
    const good = `{"topic":"commands/a","userProperties":{"__proto__":"p"},"payload":${payload}}`;
    assert.deepEqual(await posted(flow, '/v1/publish', good), [200, 'published']);
    const bad = '{"topic":"commands/a","payload":1,"__proto__":{"qos":0}}';
    assert.deepEqual(await posted(flow, '/v1/publish', bad), [400, 'REQUEST_INVALID']);
    assert.deepEqual(await posted(flow, '/v1/publish/batch', `[${bad},${good}]`), [207, 'failed']);
    await until(() => arrived.length === 2, { what: 'both good ones' });
    assert.deepEqual(
      arrived.map((one) => one.payload),
      [payload, payload],
    );
  });

  it('the calls that docs/publish.md shows are answered as it says', async (t) => {
    const flow = await start(t, { publish: { allow: ['commands/#'] } });
    const arrived = await listen(t, flow);
    const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    device.on('message', (_topic, _payload, { properties }) => {
      if (properties?.responseTopic) device.publish(properties.responseTopic, 'fine');
    });
    await device.subscribeAsync('commands/#');
    const calls = callsOf(read('docs/publish.md')).join('');
    const said = await answersTo(calls, { '127.0.0.1:8080': flow.gateway.ports.httpPort });
    assert.deepEqual(statusesOf(said), [200, 200, 200, 200, 202, 200]);
    await until(() => arrived.length === 7, { what: () => `seven publishes, not ${arrived.length}` });
    assert.equal(arrived[0]!.payload, '{"on":true,"order":12345678901234567890}');
  });

  it('a batch in its order, in one go; beyond publish.outbox it is a 503 and nothing of it is kept', async (t) => {
    const flow = await start(t, { publish: { outbox: { maxRecords: 60 } } });
    const arrived = await listen(t, flow);
    const batch = Array.from({ length: 50 }, (_, i) => ({ ...BODY, payload: i }));
    const response = await flow.gateway.post('/v1/publish/batch', batch);
    assert.equal(response.status, 200);
    await until(() => arrived.length === 50, { what: 'all of them' });
    assert.deepEqual(
      arrived.map(({ payload }) => Number(payload)),
      batch.map(({ payload }) => payload),
    );
    await stopBroker(flow);
    assert.equal((await flow.gateway.post('/v1/publish/batch', batch)).status, 202);
    const full = await flow.gateway.post('/v1/publish/batch', batch);
    assert.deepEqual([full.status, full.headers.get('retry-after') !== null], [503, true]);
    assert.equal(((await full.json()) as Answer).code, 'OUTBOX_FULL');
    assert.equal(await flow.gateway.metric('holdfast_outbox_records'), 50);
  });
});

function start(
  t: TestContext,
  { lines = [], publish = {} }: { lines?: string[]; publish?: GatewayConfig } = {},
): Promise<Flow> {
  const config = (): GatewayConfig => ({ publish: { allow: ['commands/#'], ...publish } });
  return startFlow(t, { broker: { persistence: true, lines }, config });
}

async function stopBroker(flow: Flow): Promise<void> {
  await flow.broker.stop();
  await until(async () => (await flow.gateway.metric('holdfast_link_up')) === 0, { what: 'the link to be down' });
}

async function publish({ gateway }: Flow, body: object, headers: { [name: string]: string } = {}): Promise<Answer> {
  const response = await gateway.post('/v1/publish', body, headers);
  return { http: response.status, ...((await response.json()) as Omit<Answer, 'http'>) } as Answer;
}

/** How it was answered: the status, and the code or state of the first. */
async function posted({ gateway }: Flow, path: string, body: string): Promise<[status: number, said: string]> {
  const response = await gateway.http(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const [first] = [(await response.json()) as Answer | Answer[]].flat();
  return [response.status, first!.code ?? first!.status];
}

async function stands({ gateway }: Flow, id: string): Promise<Answer> {
  return (await (await gateway.http(`/v1/publishes/${id}`)).json()) as Answer;
}

/** Everything that comes to `commands/#` from now on, also over a restart of the broker. */
async function listen(t: TestContext, { broker }: Flow): Promise<Arrived[]> {
  const client = await connectAsync(broker.url, {
    protocolVersion: 5,
    clientId: 'listener',
    clean: false,
    reconnectPeriod: 100,
    properties: { sessionExpiryInterval: 3_600 },
  });
  t.after(() => client.endAsync(true));
  const arrived: Arrived[] = [];
  client.on('message', (topic, payload, { properties }) => {
    const { messageExpiryInterval: expiry, contentType } = properties ?? {};
    arrived.push({ topic, payload: payload.toString('latin1'), expiry, contentType });
  });
  await client.subscribeAsync('commands/#', { qos: 1 });
  return arrived;
}
