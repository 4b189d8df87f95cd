import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { createApp } from './app.module.js';
import type { GatewayView } from './console/index.js';
import type { Publish } from './domain/publish.js';
import { Publisher, type Requester } from './publish/index.js';
import { History, type HistoryPorts } from './records/index.js';
import type { Registry } from './registration/index.js';

const TOKEN = 'a-token-with-every-scope';
const ALL = { authorization: `Bearer ${TOKEN}` };
const JSON_TYPE = { ...ALL, 'content-type': 'application/json' };
const MAX_PAYLOAD_BYTES = 1_000;
const ROUTES: [method: string, path: string][] = [
  ['POST', '/v1/publish'],
  ['POST', '/v1/publish/raw'],
  ['POST', '/v1/publish/batch'],
  ['POST', '/v1/request'],
  ['GET', '/v1/publishes/1'],
  ['GET', '/v1/link'],
  ['GET', '/v1/subscribers'],
  ['GET', '/v1/records'],
  ['GET', '/v1/records/1'],
  ['GET', '/v1/subscribers/a'],
  ['PUT', '/v1/subscribers/a'],
  ['DELETE', '/v1/subscribers/a'],
  ['POST', '/v1/subscribers/a/pause'],
  ['POST', '/v1/subscribers/a/resume'],
  ['POST', '/v1/subscribers/a/test'],
  ['GET', '/v1/dead-letters'],
  ['GET', '/v1/dead-letters/1'],
  ['DELETE', '/v1/dead-letters?all=true'],
  ['POST', '/v1/dead-letters/replay'],
  ['GET', '/v1/rejections'],
  ['GET', '/v1/rejections/1'],
  ['DELETE', '/v1/rejections?all=true'],
  ['POST', '/v1/rejections/replay'],
  ['POST', '/v1/subscribers/app/replay'],
  ['DELETE', '/v1/subscribers/app/replay'],
  ['GET', '/v1/stream'],
  ['GET', '/asyncapi.json'],
  ['POST', '/v1/reload'],
];

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** The REST surface over a publisher and a view of the test's own. */
class Surface {
  readonly accepted: Publish[] = [];
  readonly log: string[] = [];
  readonly publisher = new Publisher({
    settings: { allow: ['commands/#'], maxPayloadBytes: MAX_PAYLOAD_BYTES, waitMs: 5_000 },
    outbox: {
      accept: ({ publishes }) => {
        this.accepted.push(...publishes);
        this.publisher.confirmed(
          publishes.map(({ id, topic }) => {
            const refused = topic.endsWith('denied');
            const outcome = refused ? 'refused' : 'published';
            return {
              sequence: 1,
              id,
              outcome,
              reasonCode: refused ? 0x87 : 0,
              ...(refused ? { cause: 'publish-denied' } : {}),
            };
          }),
        );
        return Promise.resolve();
      },
      keepAnswer: () => Promise.resolve(),
    },
    contracts: { check: () => undefined },
    reader: { publishStatus: () => undefined, keptRequest: () => undefined },
    clock: { now: () => 0, monotonic: () => 0 },
    observe: () => undefined,
  });
  /** A journal whose disk is gone: whatever is read of it throws. */
  readonly #history = new History({
    shelf: {
      admittedThrough: () => 0,
      lastDeadLetter: () => {
        throw new Error('the disk is gone');
      },
    } as unknown as HistoryPorts['shelf'],
    keeper: {} as HistoryPorts['keeper'],
    recipients: {} as HistoryPorts['recipients'],
    check: () => Promise.resolve([]),
    clock: { now: () => 0 },
    streamClientsMax: 0,
    fault: () => undefined,
  });
  #app!: NestFastifyApplication;
  #port = 0;

  async start(): Promise<void> {
    const view: GatewayView = { link: () => Promise.resolve(undefined) };
    const app = {
      few: ['few-scopes', 'publish'],
      all: [TOKEN, 'publish', 'read', 'admin'],
    };
    const tokens = Object.entries(app).map(([name, [token, ...scopes]]) => ({ name, token: token!, scopes }));
    this.#app = await createApp({
      publisher: this.publisher,
      requester: {} as Requester,
      view,
      asyncApi: { asyncApi: () => ({ asyncapi: '3.0.0' }) },
      history: this.#history,
      reloader: { reload: () => Promise.resolve({ result: 'unchanged', changed: [], needsRestart: [] }) },
      registry: { list: () => [] } as unknown as Registry,
      http: { auth: { tokens: tokens as { name: string; token: string; scopes: ('publish' | 'read' | 'admin')[] }[] } },
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      logger: pino({ level: 'warn' }, { write: (line: string) => this.log.push(line) }),
    });
    await this.#app.listen(0, '127.0.0.1');
    this.#port = (this.#app.getHttpServer().address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#history.streams.close();
    await this.#app.close();
  }

  /** The path goes out exactly as it is written. */
  call(method: string, path: string, headers: { [name: string]: string } = {}, body = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { port: this.#port, host: '127.0.0.1', method, path, headers, agent: false as const };
      const call = request(options, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      });
      call.on('error', reject).end(body);
    });
  }

  /** The status and code of a call that must be answered with problem details. */
  async problem(...args: Parameters<Surface['call']>): Promise<string> {
    const { status, headers, text } = await this.call(...args);
    assert.match(headers['content-type']!, /^application\/problem\+json\b/);
    const problem = JSON.parse(text) as { status: number; code: string; detail: string; hint: string; title: string };
    assert.equal(problem.status, status);
    for (const member of [problem.detail, problem.hint, problem.title]) assert.match(member, /\S/);
    return `${status} ${problem.code}`;
  }

  publish(body: object, headers: { [name: string]: string } = {}): Promise<Answer> {
    return this.call('POST', '/v1/publish', { ...JSON_TYPE, ...headers }, JSON.stringify(body));
  }
}

const surface = new Surface();
before(() => surface.start());
after(() => surface.stop());

describe('REST without the right token', () => {
  it('no call is answered, by whatever method or spelling of its address', async () => {
    for (const [method, path] of ROUTES) {
      const headers: { [name: string]: string } = method === 'POST' ? { 'content-type': 'application/json' } : {};
      const body = method === 'POST' ? '{}' : '';
      assert.equal(await surface.problem(method, path, headers, body), '401 UNAUTHORIZED');
      const basic = { ...headers, authorization: `Basic ${TOKEN}` };
      assert.equal(await surface.problem(method, path, basic, body), '401 UNAUTHORIZED');
    }
    const { status, headers } = await surface.call('HEAD', '/v1/link');
    assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer']);
    assert.equal(await surface.problem('GET', '/v1/%6cink'), '401 UNAUTHORIZED');
    assert.equal(await surface.problem('GET', `/v1/link?token=${TOKEN}`), '401 UNAUTHORIZED');
    for (const path of [
      '/v1/link/',
      '//v1/link',
      '/v1//link',
      '/V1/link',
      '/v1/link;a',
      '/v1/../v1/link',
      '/v1/link%2F',
    ]) {
      assert.equal(await surface.problem('GET', path), '404 NOT_FOUND', path);
    }
    for (const method of ['OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST']) {
      assert.equal(await surface.problem(method, '/v1/link'), '404 NOT_FOUND', method);
    }
  });

  it('a token opens what its scopes say, and nothing else', async () => {
    const few = { authorization: 'Bearer few-scopes' };
    for (const [method, path] of ROUTES.filter(([, path]) => !/publish|request/.test(path))) {
      assert.equal(await surface.problem(method, path, few), '403 FORBIDDEN');
    }
    assert.equal(await surface.problem('GET', '/v1/publishes/1', few), '404 NOT_FOUND');
  });
});

describe('a request that cannot be read', () => {
  it('is answered with problem details, whoever refused it', async () => {
    const post = (body: string, headers: { [name: string]: string } = JSON_TYPE): Promise<string> =>
      surface.problem('POST', '/v1/publish', headers, body);
    assert.equal(await post('{"topic":'), '400 REQUEST_INVALID');
    assert.equal(await post(''), '400 REQUEST_INVALID');
    assert.equal(await post('[]'), '400 REQUEST_INVALID');
    assert.equal(await post('{"topic":"commands/a","payload":1,"__proto__":{}}'), '400 REQUEST_INVALID');
    assert.equal(await post(`"${'x'.repeat(300_000)}"`), '413 PAYLOAD_TOO_LARGE');
    for (const path of ['/%zz', '/v1/publishes/%', `/v1/publishes/${'a'.repeat(1_000)}`]) {
      assert.equal(await surface.problem('GET', path, ALL), '400 REQUEST_INVALID');
    }
    assert.equal(await surface.problem('GET', '/nowhere', ALL), '404 NOT_FOUND');
    assert.equal(await surface.problem('GET', '/v1/link', ALL), '404 NOT_FOUND');
  });

  it('a body that any web page could send without asking is not taken for JSON', async () => {
    const body = '{"topic":"commands/a","payload":"x"}';
    const form = 'topic=commands%2Fa&payload=x';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a', '']) {
      for (const text of [body, form]) {
        const headers: { [name: string]: string } = type === '' ? ALL : { ...ALL, 'content-type': type };
        assert.equal(await surface.problem('POST', '/v1/publish', headers, text), '400 REQUEST_INVALID', type);
      }
    }
    assert.deepEqual(surface.accepted, []);
  });

  it('a fault inside is in the log, and not in the answer', async () => {
    assert.equal(await surface.problem('GET', '/v1/dead-letters', ALL), '500 INTERNAL');
    assert.equal(surface.log.length, 1);
    assert.match(surface.log[0]!, /the disk is gone/);
    assert.doesNotMatch(surface.log[0]!, new RegExp(TOKEN));
  });
});

describe('POST /v1/publish', () => {
  it('every answer of the table', async () => {
    const wanted = { topic: 'commands/a', payload: 'x' };
    const answer = async (body: object, headers?: { [name: string]: string }): Promise<[number, unknown]> => {
      const { status, text, headers: answered } = await surface.publish(body, headers);
      const { code, status: said } = JSON.parse(text) as { code?: string; status: unknown };
      assert.equal('retry-after' in answered, status === 503);
      return [status, code ?? said];
    };
    assert.deepEqual(await answer(wanted), [202, 'queued']);
    assert.deepEqual(await answer({ ...wanted, qos: 0 }), [503, 'LINK_DOWN']);
    surface.publisher.linkUp = true;
    assert.deepEqual(await answer(wanted), [200, 'published']);
    assert.deepEqual(await answer(wanted, { prefer: 'respond-async' }), [202, 'queued']);
    assert.deepEqual(await answer({ ...wanted, qos: 2 }), [400, 'QOS_UNSUPPORTED']);
    assert.deepEqual(await answer({ ...wanted, topic: 'a/#' }), [400, 'REQUEST_INVALID']);
    assert.deepEqual(await answer({ ...wanted, topic: 'other' }), [403, 'TOPIC_FORBIDDEN']);
    assert.deepEqual(await answer({ ...wanted, payload: 'x'.repeat(1_001) }), [413, 'PAYLOAD_TOO_LARGE']);
    assert.deepEqual(await answer({ ...wanted, topic: 'commands/denied' }), [502, 'PUBLISH_REFUSED']);
    const { cause } = JSON.parse((await surface.publish({ ...wanted, topic: 'commands/denied' })).text) as {
      cause: string;
    };
    assert.equal(cause, 'publish-denied');
    surface.publisher.stop();
    assert.deepEqual(await answer(wanted), [503, 'SHUTTING_DOWN']);
  });
});
