/** Subscribers that come, change and go over REST, with the real gateway and a real broker. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { answersTo, callsOf, statusesOf } from '../support/page-calls.js';
import { publishNumbered } from '../support/publisher.js';
import { startReceiver, type Receiver, type ReceiverOptions } from '../support/receiver.js';
import { until } from '../support/until.js';
import { read } from '../tidy/tree.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const TOKEN = 'Bearer very-secret-token';
const QUERY = 'key=secret-in-the-query';
const MASK = '********';

interface Answer {
  http: number;
  code?: string;
  detail: string;
  source: string;
  state: string;
  reason: string;
  heldUntil?: string;
  lagRecords: number;
  waiting: number;
  discarded: number;
  url: string;
  config: { [key: string]: unknown };
  errors: { pointer: string; message: string }[];
  [key: string]: unknown;
}

describe('subscribers over REST', { skip: needs('mosquitto') }, () => {
  it('registered, it receives; killed right after the 201, it is registered and receives after a restart', async (t) => {
    const flow = await start(t);
    const app = await receiver(t);
    const created = await put(flow, 'app', { url: app.url, topics: ['devices/#'], retry: { schedule: ['100ms'] } });
    await flow.gateway.kill();
    assert.deepEqual([created.http, created.source, created.state], [201, 'registered', 'active']);
    await flow.restart();
    await send(flow, 50);
    await app.waitFor(50);
    assert.equal((await get(flow, 'app')).lagRecords, 0);
    assert.equal(await flow.gateway.metric('holdfast_attempts_total', { subscriber: 'app', outcome: 'delivered' }), 50);
    const again = await put(flow, 'app', { url: app.url, topics: ['devices/#'], concurrency: 2 });
    assert.deepEqual([again.http, again.config['concurrency']], [200, 2]);
    const late = await receiver(t);
    await put(flow, 'late', { url: late.url, topics: ['devices/+/telemetry'], startFrom: 'earliest' });
    await late.waitFor(50);
    const { http, discarded } = await call(flow, 'DELETE', 'app');
    assert.deepEqual([http, discarded], [200, 0]);
    assert.equal((await get(flow, 'app')).http, 404);
    assert.doesNotMatch((await flow.gateway.ops('/metrics')).text, /subscriber="app"/);
    await send(flow, 10, 50);
    await flow.receiver.waitFor(60);
    assert.equal(app.deliveredIds().size, 50);
    await flow.gateway.kill();
    await flow.restart();
    assert.equal((await get(flow, 'app')).http, 404);
  });

  it('another url with a backlog: all of it goes there, and what was in flight keeps its id', async (t) => {
    const flow = await start(t);
    const [stuck, well] = [await receiver(t, { answer: () => ({ hang: true }) }), await receiver(t)];
    await put(flow, 'app', { url: stuck.url, topics: ['devices/#'], concurrency: 4, ordering: 'topic' });
    await send(flow, 400);
    await until(async () => (await get(flow, 'app')).lagRecords === 400, { what: 'a backlog of 400' });
    const changed = await put(flow, 'app', { url: well.url, topics: ['devices/#'], ordering: 'topic' });
    assert.equal(changed.http, 200);
    await well.waitFor(400);
    for (const id of stuck.distinctIds()) assert.ok(well.deliveredIds().has(id));
    assert.equal(stuck.requests.length, 4);
    assert.equal(well.deliveredIds().size, 400);
    for (const requests of well.byTopicFirstOccurrences().values()) {
      const order = requests.map(({ sequence }) => sequence);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
    }
  });

  it('narrowed or removed with a backlog: refused with the lag; with discardBacklog done, and said', async (t) => {
    const flow = await start(t);
    const app = await receiver(t, { answer: () => ({ status: 500 }) });
    const retry = { schedule: ['1h'] };
    await put(flow, 'app', { url: app.url, topics: ['devices/#'], retry, breaker: { failures: 1000 } });
    await send(flow, 40); // two of each topic
    await until(async () => (await get(flow, 'app')).waiting === 40, { what: 'forty waiting rows' });
    const narrow = { url: app.url, topics: ['devices/1/telemetry', 'devices/2/+'], retry };
    const refused = await put(flow, 'app', narrow);
    assert.deepEqual([refused.http, refused.code, refused.lagRecords], [409, 'BACKLOG_WOULD_BE_LOST', 36]);
    assert.equal((await get(flow, 'app')).lagRecords, 40);
    assert.equal((await put(flow, 'app', narrow, '?discardBacklog=true')).http, 200);
    assert.equal((await get(flow, 'app')).lagRecords, 4);
    said(flow, /given up/, { subscriber: 'app', records: 36 });
    const wide = await put(flow, 'app', { ...narrow, topics: ['devices/1/telemetry', 'devices/2/+', 'devices/3/+'] });
    assert.deepEqual([wide.http, wide.lagRecords], [200, 4]);

    const kept = await call(flow, 'DELETE', 'app');
    assert.deepEqual([kept.http, kept.code, kept.lagRecords], [409, 'BACKLOG_WOULD_BE_LOST', 4]);
    assert.equal((await call(flow, 'DELETE', 'app', '?discardbacklog=true')).http, 400);
    const removed = await call(flow, 'DELETE', 'app', '?discardBacklog=true');
    assert.deepEqual([removed.http, removed.discarded], [200, 4]);
    said(flow, /given up/, { subscriber: 'app', records: 4 });
  });

  it('a narrower filter is refused like narrower topics; a lower bound gives up the oldest, and both are said', async (t) => {
    const flow = await start(t);
    const app = await receiver(t, { answer: () => ({ status: 500 }) });
    const body = { url: app.url, topics: ['devices/#'], retry: { schedule: ['1h'] }, breaker: { failures: 1000 } };
    await put(flow, 'app', { ...body, where: { prefix: { topic: 'devices/1' } } }); // 1 and 10 to 19
    await send(flow, 40); // two of each topic
    await until(async () => (await get(flow, 'app')).waiting === 22, { what: '22 waiting rows' });
    assert.equal((await put(flow, 'app', body)).http, 200);
    const narrow = { ...body, where: { exact: { topic: 'devices/1/telemetry' } } };
    const refused = await put(flow, 'app', narrow);
    assert.deepEqual([refused.http, refused.code, refused.lagRecords], [409, 'BACKLOG_WOULD_BE_LOST', 20]);
    const other = { ...body, where: { not: { exact: { topic: 'devices/1/telemetry' } } } };
    assert.equal((await put(flow, 'app', other)).lagRecords, 2);
    assert.equal((await put(flow, 'app', other, '?discardBacklog=true')).lagRecords, 20);
    said(flow, /given up/, { subscriber: 'app', records: 2 });
    const gone = { subscriber: 'app', reason: 'backlog-full' };
    assert.equal(await flow.gateway.metric('holdfast_discarded_records_total', gone), 0);
    assert.equal((await put(flow, 'app', { ...other, maxBacklog: { records: 5 } })).http, 200);
    await until(async () => (await get(flow, 'app')).lagRecords === 5, { what: 'the bound' });
    assert.equal(await flow.gateway.metric('holdfast_discarded_records_total', gone), 15);
    assert.equal((await call(flow, 'DELETE', 'app', '?discardBacklog=true')).discarded, 5);
    assert.doesNotMatch((await flow.gateway.ops('/metrics')).text, /subscriber="app"/);
  });

  it('taken out of the file: its backlog is shown, and can be given up or taken over', async (t) => {
    const flow = await start(t);
    flow.receiver.answer = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    await send(flow, 30);
    const lag = async (): Promise<boolean> => (await get(flow, 'file')).lagRecords === 30;
    await until(lag, { what: 'a backlog of 30' });
    await flow.gateway.stop();
    flow.config['subscribers'] = [];
    await flow.restart();
    await until(lag, { what: 'the backlog to be counted' });
    const absent = await get(flow, 'file');
    assert.deepEqual([absent.source, absent.state], ['absent', 'paused']);
    assert.match(absent.reason, /neither in the configuration nor registered/);
    assert.equal((await call(flow, 'POST', 'file/resume')).code, 'SUBSCRIBER_ABSENT');
    assert.equal((await call(flow, 'POST', 'file/replay', '', { from: 1 })).code, 'SUBSCRIBER_ABSENT');
    assert.equal((await call(flow, 'POST', 'nobody/replay', '', { from: 1 })).code, 'NOT_FOUND');
    assert.equal((await call(flow, 'DELETE', 'file')).code, 'BACKLOG_WOULD_BE_LOST');
    const heir = await receiver(t);
    assert.equal((await put(flow, 'file', { url: heir.url, topics: ['devices/#'] })).http, 201);
    await heir.waitFor(30);
  });

  it('throttled for an hour: it says until when, and what is older than maxAge becomes dead letters', async (t) => {
    const flow = await start(t);
    const busy = await receiver(t, { answer: () => ({ status: 429, headers: { 'retry-after': '3600' } }) });
    const retry = { schedule: ['1s'], maxAge: '2s' };
    await put(flow, 'busy', { url: busy.url, topics: ['devices/#'], concurrency: 1, retry });
    await send(flow, 30);
    await until(async () => (await get(flow, 'busy')).reason === 'throttled: status 429', { what: 'the throttle' });
    assert.ok(Date.parse((await get(flow, 'busy')).heldUntil!) > Date.now() + 3_000_000);
    const expired = async (): Promise<boolean> => {
      const listed = await flow.gateway.http('/v1/dead-letters?subscriber=busy&reason=expired');
      return ((await listed.json()) as { items: object[] }).items.length === 30;
    };
    await until(expired, { what: 'dead letters' });
    assert.equal((await get(flow, 'busy')).lagRecords, 0);
    assert.equal(busy.requests.length, 1);
  });

  it('paused and gone outlive a restart; resume wakes both', async (t) => {
    const flow = await start(t);
    const gone = await receiver(t, { answer: () => ({ status: 410 }) });
    await put(flow, 'gone', { url: gone.url, topics: ['devices/#'], concurrency: 1 });
    assert.equal((await call(flow, 'POST', 'file/pause')).state, 'paused');
    await send(flow, 20);
    await until(async () => (await get(flow, 'gone')).state === 'gone', { what: 'the state gone' });
    said(flow, /changed state/, { subscriber: 'gone', state: 'gone' });
    await until(async () => (await get(flow, 'gone')).reason !== '', { what: 'a reason' });
    await settled(flow, 'gone');
    await flow.gateway.kill();
    await flow.restart();
    const state = (subscriber: string): Promise<number> =>
      flow.gateway.metric('holdfast_subscriber_state', {
        subscriber,
        state: subscriber === 'file' ? 'paused' : 'gone',
      });
    assert.deepEqual([await state('file'), await state('gone')], [1, 1]);
    await until(async () => (await get(flow, 'gone')).lagRecords === 20, { what: 'its backlog' });
    assert.deepEqual([flow.receiver.requests.length, gone.requests.length], [0, 1]);
    gone.answer = () => undefined;
    for (const id of ['file', 'gone']) assert.equal((await call(flow, 'POST', `${id}/resume`)).state, 'active');
    await Promise.all([flow.receiver.waitFor(20), gone.waitFor(20)]);
    await flow.gateway.kill();
    await flow.restart();
    assert.deepEqual([(await get(flow, 'file')).state, (await get(flow, 'gone')).state], ['active', 'active']);
  });

  it('secrets are in no answer, no log and no problem; a mask sent back keeps them', async (t) => {
    const flow = await start(t, { log: { level: 'trace' } });
    const app = await receiver(t);
    const url = `${app.url}?${QUERY}`;
    const body = { url, topics: ['devices/#'], headers: { authorization: TOKEN }, signing: { secrets: [SECRET] } };
    const created = await put(flow, 'app', body);
    assert.equal(created.http, 201);
    assert.equal(created.url, `${app.url}?${MASK}`);
    assert.deepEqual(created.config, {
      url: `${app.url}?${MASK}`,
      topics: ['devices/#'],
      headers: { authorization: MASK },
      signing: { secrets: [MASK] },
    });
    assert.equal((await put(flow, 'app', { ...created.config, concurrency: 3 })).http, 200);
    await send(flow, 5);
    await app.waitFor(5);
    const { headers, path } = app.requests[0]!;
    assert.equal(headers.authorization, TOKEN);
    assert.match(String(headers['webhook-signature']), /^v1,/);
    assert.match(path, new RegExp(QUERY));
    const wrong = await put(flow, 'app', {
      ...body,
      signing: { secrets: [`${SECRET}x`] },
      headers: { 'bad name': TOKEN },
    });
    const elsewhere = await put(flow, 'app', { ...created.config, url: 'http://localhost:1/' });
    assert.deepEqual([wrong.http, elsewhere.http], [400, 400]);
    assert.deepEqual(
      elsewhere.errors.map(({ pointer }) => pointer),
      ['/headers/authorization', '/signing/secrets/0'],
    );
    app.answer = () => ({ status: 400, body: `you sent ${TOKEN} and ${SECRET} and ${QUERY}` });
    const tested = await call(flow, 'POST', 'app/test');
    const list = await flow.gateway.http('/v1/subscribers');
    const everything = JSON.stringify([created, wrong, elsewhere, tested, flow.gateway.logs, await list.json()]);
    assert.doesNotMatch(everything + flow.gateway.tail, /very-secret|BwcHBwcH|secret-in-the-query/);
  });

  it('the environment and files of the gateway cannot be read through a registration', async (t) => {
    const flow = await start(t);
    const { http, errors } = await put(flow, 'app', {
      url: 'http://localhost/${HOME}',
      topics: ['${file:/etc/hostname}', '$${x}'],
      headers: { a: 'x${PATH:-y}' },
      tls: { keyFile: '/etc/hostname' },
      timeout: 'never',
    });
    assert.equal(http, 400);
    const found = errors.map(({ pointer }) => pointer).sort();
    assert.deepEqual(found, ['/headers/a', '/timeout', '/tls/keyFile', '/topics/0', '/topics/1', '/url']);
    for (const { pointer, message } of errors) {
      if (/topics|headers|url/.test(pointer)) assert.match(message, /reference, which only the configuration file may/);
    }
  });

  it('only where registration.allow says, and never to link-local or metadata addresses', async (t) => {
    const flow = await start(t, {
      registration: { allow: ['127.0.0.1', '0.0.0.0/0', '::/0', 'localhost', 'metadata'] },
    });
    const hosts = ['169.254.169.254', '0xa9fea9fe', '2852039166', '[::ffff:169.254.169.254]', '[fe80::1]', '0.0.0.0'];
    for (const host of [...hosts, '[fd00:ec2::254]', '100.100.100.200', '224.0.0.1', '[::]']) {
      const { http, code } = await put(flow, 'app', { url: `http://${host}/latest/meta-data`, topics: ['#'] });
      assert.deepEqual([http, code], [403, 'URL_FORBIDDEN'], host);
    }
    assert.equal((await put(flow, 'app', { url: 'http://user:pass@localhost/', topics: ['#'] })).http, 400);
    assert.equal((await get(flow, 'app')).http, 404);
  });

  it('an allow-list that is narrowed later: nothing is sent there any more, and it says why', async (t) => {
    const flow = await start(t);
    const app = await receiver(t);
    await put(flow, 'app', { url: app.url, topics: ['devices/#'], breaker: { openFor: '100ms' } });
    await flow.gateway.stop();
    flow.config['registration'] = { allow: ['localhost:1'] };
    await flow.restart();
    await send(flow, 3);
    await until(async () => (await get(flow, 'app')).state === 'broken', { what: 'an open breaker' });
    assert.equal((await get(flow, 'app')).reason, 'forbidden');
    const { outcome, reason, status } = await call(flow, 'POST', 'app/test');
    assert.deepEqual([outcome, reason, status], ['retry', 'forbidden', 0]);
    assert.equal(app.requests.length, 0);
    assert.equal((await put(flow, 'app', { url: app.url, topics: ['devices/#'] })).code, 'URL_FORBIDDEN');
  });

  it('test: one marked event, signed, once; no metric, breaker or backlog knows of it', async (t) => {
    const flow = await start(t);
    const app = await receiver(t, { answer: () => ({ status: 404, body: 'no such place' }) });
    await put(flow, 'app', { url: app.url, topics: ['devices/#'], signing: { secrets: [SECRET] } });
    const failed = await call(flow, 'POST', 'app/test');
    assert.deepEqual([failed.http, failed['outcome'], failed['status']], [200, 'retry', 404]);
    assert.match(failed.detail, /no such place/);
    app.answer = () => ({ status: 202 });
    const passed = await call(flow, 'POST', 'app/test');
    assert.deepEqual([passed['outcome'], passed['status'], passed.reason, passed.detail], ['delivered', 202, '', '']);
    assert.equal(app.requests.length, 2);
    const { headers, body, id } = app.requests[1]!;
    assert.deepEqual([headers['ce-type'], id], ['holdfast.test', passed['id']]);
    assert.match(String(headers['webhook-signature']), /^v1,/);
    assert.deepEqual(JSON.parse(body.toString()), { test: true, subscriber: 'app' });
    const { state, lagRecords } = await get(flow, 'app');
    assert.deepEqual([state, lagRecords], ['active', 0]);
    assert.equal(await flow.gateway.metric('holdfast_attempts_total', { subscriber: 'app' }), 0);
    assert.equal(await flow.gateway.metric('holdfast_journal_records'), 0);
  });

  it('test: the event is marked in every format', async (t) => {
    const flow = await start(t);
    const app = await receiver(t);
    for (const format of ['cloudevents-structured', 'cloudevents-batch']) {
      await put(flow, 'app', { url: app.url, topics: ['devices/#'], format });
      assert.equal((await call(flow, 'POST', 'app/test'))['outcome'], 'delivered');
      const event: unknown = JSON.parse(app.requests.at(-1)!.body.toString());
      const [{ type, data }] = [event].flat() as [{ type: string; data: unknown }];
      assert.deepEqual(
        [Array.isArray(event), type, data],
        [format === 'cloudevents-batch', 'holdfast.test', { test: true, subscriber: 'app' }],
      );
    }
  });

  it('the calls that docs/subscribers.md shows are answered', async (t) => {
    const flow = await start(t);
    const places = { '127.0.0.1:8080': flow.gateway.ports.httpPort, 'localhost:3000': flow.receiver.port };
    const said = await answersTo(callsOf(read('docs/subscribers.md')).join(''), places);
    assert.deepEqual(statusesOf(said), [201, 200, 200, 200, 200, 200, 200, 404]);
    assert.equal(flow.receiver.requests[0]!.headers.authorization, 'Bearer a-token');
  });

  it('those from the file are read-only; what is not there is a 404', async (t) => {
    const flow = await start(t);
    for (const { http, code } of [
      await put(flow, 'file', { url: flow.receiver.url, topics: ['#'] }),
      await call(flow, 'DELETE', 'file', '?discardBacklog=true'),
    ]) {
      assert.deepEqual([http, code], [409, 'SUBSCRIBER_READ_ONLY']);
    }
    for (const path of ['nobody/pause', 'nobody/resume', 'nobody/test']) {
      assert.equal((await call(flow, 'POST', path)).http, 404);
    }
    assert.equal((await call(flow, 'DELETE', 'nobody')).http, 404);
    assert.equal((await put(flow, 'Bad Id', { url: flow.receiver.url, topics: ['#'] })).errors[0]!.pointer, '/id');
  });
});

/** One subscriber, `file`, in the file; others may be registered on this machine. */
function start(t: TestContext, more: { [section: string]: unknown } = {}): Promise<Flow> {
  return startFlow(t, {
    config: ({ receiverUrl }) => ({
      subscribers: [{ id: 'file', url: receiverUrl, topics: ['devices/#'] }],
      registration: { allow: ['127.0.0.1', 'localhost'] },
      ...more,
    }),
  });
}

async function receiver(t: TestContext, options: ReceiverOptions = {}): Promise<Receiver> {
  const started = await startReceiver(options);
  t.after(() => started.stop());
  return started;
}

async function send({ broker }: Flow, count: number, from = 0): Promise<void> {
  await publishNumbered({ url: broker.url, topics: TOPICS, count, from }).done;
}

async function call({ gateway }: Flow, method: string, path: string, query = '', body?: unknown): Promise<Answer> {
  const headers: { [name: string]: string } = body === undefined ? {} : { 'content-type': 'application/json' };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await gateway.http(`/v1/subscribers/${path}${query}`, init);
  return { ...((await response.json()) as Answer), http: response.status };
}

function put(flow: Flow, id: string, body: object, query = ''): Promise<Answer> {
  return call(flow, 'PUT', encodeURIComponent(id), query, body);
}

function get(flow: Flow, id: string): Promise<Answer> {
  return call(flow, 'GET', id);
}

/** The hold is saved after the state is shown: a change that comes after it is answered after it, too. */
async function settled(flow: Flow, id: string): Promise<void> {
  assert.equal((await call(flow, 'DELETE', id)).code, 'BACKLOG_WOULD_BE_LOST');
}

function said({ gateway }: Flow, message: RegExp, fields: { [field: string]: unknown }): void {
  const found = gateway.logs.some(
    (line) => message.test(line.msg) && Object.entries(fields).every(([name, value]) => line[name] === value),
  );
  assert.ok(found, `nothing was said of ${JSON.stringify(fields)}\n${gateway.report}`);
}
