/** A webhook app in the test process: keeps what it was sent, answers as the test says. */
import { hash } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { atExit } from './children.js';
import { until } from './until.js';

export interface Received {
  /** `webhook-id`. */
  id: string;
  /** `mqtt-topic`. */
  topic: string;
  /** `ce-sequence`: the journal position; NaN when it was not sent. */
  sequence: number;
  /** `holdfast-attempt`. */
  attempt: number;
  replay: boolean;
  path: string;
  /** Of the body; two bodies with the same one are the same. */
  hash: string;
  /** Empty in a receiver that keeps hashes only. */
  body: Buffer;
  headers: IncomingHttpHeaders;
  /** Milliseconds since the epoch. */
  at: number;
  /** The status it was answered with; 0 while it is not, or when the connection was cut. */
  answered: number;
}

export interface Answer {
  /** Default 204. */
  status?: number;
  headers?: { [name: string]: string };
  body?: string | Uint8Array;
  /** Before answering. */
  delayMs?: number;
  /** Never answer; the connection stays open. */
  hang?: boolean;
  /** Cut the connection instead of answering. */
  cut?: boolean;
}

export interface ReceiverOptions {
  /** Default: a free one. */
  port?: number;
  /** Where it listens. Default 127.0.0.1. */
  host?: string;
  /** `hashes` drops bodies and headers: for hundreds of thousands of requests. Default `all`. */
  keep?: 'all' | 'hashes';
  /** Asked for each request, before it is kept. Default: 204. */
  answer?: (request: Received) => Answer | undefined;
}

const NO_BODY = Buffer.alloc(0);

export class Receiver {
  /** In order of arrival. */
  readonly requests: Received[] = [];
  /** May be replaced at any time. */
  answer: (request: Received) => Answer | undefined;
  readonly host: string;
  readonly #keepAll: boolean;
  readonly #server: Server;
  readonly #ids = new Set<string>();
  readonly #delivered = new Set<string>();
  #forget = (): unknown => undefined;

  constructor({ keep = 'all', answer = () => undefined, host = '127.0.0.1' }: ReceiverOptions) {
    this.host = host;
    this.#keepAll = keep === 'all';
    this.answer = answer;
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://${this.host}:${this.port}/events`;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.host, () => {
        this.#forget = atExit(() => this.#server.closeAllConnections());
        resolve();
      });
    });
  }

  /** Cuts what is open. The port refuses connections from then on. */
  async stop(): Promise<void> {
    this.#forget();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Every `webhook-id` that was seen. */
  distinctIds(): ReadonlySet<string> {
    return this.#ids;
  }

  /** Every `webhook-id` that was answered 2xx at least once. */
  deliveredIds(): ReadonlySet<string> {
    return this.#delivered;
  }

  /** Resolves when so many different ids were answered 2xx, or when `condition` holds. */
  async waitFor(condition: number | ((receiver: Receiver) => boolean), timeoutMs = 30_000): Promise<void> {
    const holds = typeof condition === 'number' ? () => this.#delivered.size >= condition : () => condition(this);
    const wanted = typeof condition === 'number' ? `${condition} deliveries` : 'what the test waits for';
    await until(holds, {
      timeoutMs,
      everyMs: 10,
      what: () =>
        `${wanted}: ${this.requests.length} requests, ${this.#ids.size} ids, ${this.#delivered.size} delivered`,
    });
  }

  /** The first request of each id, by topic, in order of arrival; only delivered ones when `answeredOnly`. */
  byTopicFirstOccurrences({ answeredOnly = false } = {}): Map<string, Received[]> {
    const seen = new Set<string>();
    const topics = new Map<string, Received[]>();
    for (const request of this.requests) {
      if (seen.has(request.id) || (answeredOnly && !isSuccess(request.answered))) continue;
      seen.add(request.id);
      const list = topics.get(request.topic);
      if (list) list.push(request);
      else topics.set(request.topic, [request]);
    }
    return topics;
  }

  /** Ids that came with two different bodies: there must be none. */
  conflictingIds(): string[] {
    const hashes = new Map<string, string>();
    const conflicts = new Set<string>();
    for (const { id, hash } of this.requests) {
      if (hashes.has(id) && hashes.get(id) !== hash) conflicts.add(id);
      hashes.set(id, hash);
    }
    return [...conflicts];
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const received = describe(request, body);
      const answer = this.answer(received) ?? {};
      if (!this.#keepAll) Object.assign(received, { body: NO_BODY, headers: {} });
      this.requests.push(received);
      this.#ids.add(received.id);
      if (answer.delayMs === undefined) this.#reply(received, answer, response);
      else setTimeout(() => this.#reply(received, answer, response), answer.delayMs);
    });
  }

  #reply(received: Received, { status = 204, headers, body, hang, cut }: Answer, response: ServerResponse): void {
    if (hang || response.destroyed) return;
    if (cut) return void response.destroy();
    received.answered = status;
    if (isSuccess(status)) this.#delivered.add(received.id);
    response.writeHead(status, headers).end(body);
  }
}

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = new Receiver(options);
  await receiver.listen(options.port ?? 0);
  return receiver;
}

function describe({ headers, url }: IncomingMessage, body: Buffer): Received {
  const header = (name: string): string => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    id: header('webhook-id'),
    topic: header('mqtt-topic'),
    sequence: headers['ce-sequence'] === undefined ? NaN : Number(headers['ce-sequence']),
    attempt: Number(header('holdfast-attempt')),
    replay: header('holdfast-replay') === 'true',
    path: url ?? '',
    hash: hash('sha1', body, 'base64'),
    body,
    headers,
    at: Date.now(),
    answered: 0,
  };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
