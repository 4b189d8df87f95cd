import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { CONTROLLERS, createApp } from './app.module.js';
import { LiveFeed, type GatewayView } from './console/index.js';
import { systemClock } from './domain/clock.js';
import type { Publish } from './domain/publish.js';
import type { TokenSettings } from './domain/settings.js';
import { Publisher, type Requester } from './publish/index.js';
import { History, type HistoryPorts } from './records/index.js';
import type { Registry } from './registration/index.js';
import { Callers, routesOf, RouteTable, type RestServerSettings } from './rest/index.js';

export const TOKEN = 'a-token-with-every-scope';
export const ALL = { authorization: `Bearer ${TOKEN}` };
export const JSON_TYPE = { ...ALL, 'content-type': 'application/json' };
export const MAX_PAYLOAD_BYTES = 1_000;
/** Every route there is, with something for its parameters. */
export const ROUTES = routesOf(CONTROLLERS).map(({ method, url, access }) => ({
  method,
  path: url.replace(/:\w+/, '1'),
  access,
}));
/** What needs a token. */
export const CLOSED = ROUTES.filter(({ access }) => access !== 'public');
export const table = new RouteTable(routesOf(CONTROLLERS));
const HTTP: RestServerSettings = {
  host: '127.0.0.1',
  allowedHosts: [],
  limits: {
    connections: 100,
    headerBytes: 16_384,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 60_000,
    keepAliveMs: 72_000,
    inHandBytes: 32 * 2 ** 20,
    stallTimeoutMs: 60_000,
  },
};

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** The REST surface over a publisher and a view of the test's own. */
export class Surface {
  readonly accepted: Publish[] = [];
  readonly log: string[] = [];
  readonly refused: string[] = [];
  /** How often a connection was said to be of somebody who may call. */
  vouched = 0;
  /** What the router was given. */
  readonly routed: { method: string; url: string }[] = [];
  readonly publisher = new Publisher({
    settings: { allow: ['commands/#'], maxPayloadBytes: MAX_PAYLOAD_BYTES, waitMs: 5_000, checkWaitMs: 5_000 },
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
    stream: { maxClients: 0, maxPerToken: 1, stallTimeoutMs: 1_000 },
    fault: () => undefined,
  });
  #app!: NestFastifyApplication;
  #port = 0;

  async start(): Promise<void> {
    const view = { link: () => Promise.resolve(undefined) } as unknown as GatewayView;
    const app = {
      few: ['few-scopes', 'publish'],
      all: [TOKEN, 'publish', 'read', 'admin'],
    };
    const tokens = Object.entries(app).map(([name, [token, ...scopes]]) => ({ name, token: token!, scopes }));
    const auth = { tokens: tokens as TokenSettings[] };
    const { app: surface, rest } = await createApp({
      publisher: this.publisher,
      requester: {} as Requester,
      view,
      examiner: { allow: [], examine: () => Promise.resolve() },
      live: new LiveFeed(() => Promise.reject(new Error('nobody looks')), systemClock),
      asyncApi: { asyncApi: () => ({ asyncapi: '3.0.0' }) },
      history: this.#history,
      reloader: { reload: () => Promise.resolve({ result: 'unchanged', changed: [], needsRestart: [] }) },
      registry: { list: () => [], pause: (id: string) => Promise.resolve({ id }) } as unknown as Registry,
      http: { ...HTTP, auth },
      callers: new Callers(auth, systemClock),
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      refused: (why) => this.refused.push(why),
      logger: pino({ level: 'info' }, { write: (line: string) => this.log.push(line) }),
    });
    this.#app = surface;
    const vouch = rest.vouch.bind(rest);
    rest.vouch = (socket) => {
      this.vouched++;
      vouch(socket);
    };
    this.#app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRoute', ({ method, url }) => {
        this.routed.push(...[method].flat().map((one) => ({ method: one, url })));
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
