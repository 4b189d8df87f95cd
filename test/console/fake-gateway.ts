/** A gateway that answers as the test says: for states that a real one is hardly ever in, and for answers that fail. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LiveEvents, Status } from '../../src/console/shown/types.js';
import { PAGE_POLICY, SECURITY_HEADERS } from '../../src/domain/security-headers.js';
import { atExit } from '../support/children.js';

const PAGE = fileURLToPath(new URL('../../../../dist/console/page/', import.meta.url));
const TYPES: { [ending: string]: string } = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

export interface Asked {
  method: string;
  path: string;
  body: string;
}

/** What one address answers with; a status alone is a problem. */
export type Reply = { status?: number; json?: unknown; lines?: unknown[]; of?: (address: URL) => unknown };

export class FakeGateway {
  readonly asked: Asked[] = [];
  /** By method and path without its query, such as `GET /v1/link`. What is missing is 404. */
  readonly replies = new Map<string, Reply>();
  /** The only one that it knows; '': none is needed. */
  token = '';
  readonly #listeners = new Set<ServerResponse>();
  /** Events that were told, as they are sent. */
  readonly #kept: string[] = [];

  constructor(
    private readonly server: Server,
    public status: Status,
  ) {}

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/console`;
  }

  /** How many live streams are open. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Every token is unknown from now on, and streams end, as when one is revoked. */
  revoke(token: string): void {
    this.token = token;
    for (const one of this.#listeners) one.end();
  }

  /** To every page that is open. */
  send<N extends keyof LiveEvents>(name: N, data: LiveEvents[N]): void {
    const id = name === 'told' ? `id: ${this.status.startedAt}-${this.#kept.length + 1}\n` : '';
    const event = `event: ${name}\n${id}data: ${JSON.stringify(data)}\n\n`;
    if (name === 'told') this.#kept.push(event);
    for (const one of this.#listeners) one.write(event);
  }

  sendStatus(status: Partial<Status>): void {
    this.status = { ...this.status, ...status, now: new Date().toISOString() };
    this.send('status', this.status);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method = '', url = '' } = request;
    const path = url.split('?')[0]!;
    if (path === '/console' || path.startsWith('/console/')) return this.#page(path, response);
    this.asked.push({ method, path: url, body });
    if (this.token !== '' && request.headers.authorization !== `Bearer ${this.token}`) {
      return problem(response, 401, 'UNAUTHORIZED');
    }
    const reply = this.replies.get(`${method} ${path}`);
    if (path === '/v1/live' && reply === undefined) return this.#live(request.headers['last-event-id'], response);
    if (reply?.status === 204) return void response.writeHead(204, SECURITY_HEADERS).end();
    if (reply?.status !== undefined && reply.json === undefined) return problem(response, reply.status, 'REFUSED');
    if (reply === undefined) return problem(response, 404, 'NOT_FOUND');
    response.writeHead(reply.status ?? 200, { ...SECURITY_HEADERS, 'content-type': 'application/json' });
    const json = reply.of ? reply.of(new URL(url, this.address)) : reply.json;
    response.end(reply.lines?.map((line) => `${JSON.stringify(line)}\n`).join('') ?? JSON.stringify(json));
  }

  #live(after: string | string[] | undefined, response: ServerResponse): void {
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'text/event-stream' });
    this.#listeners.add(response);
    response.on('close', () => this.#listeners.delete(response));
    if (after === '0') response.write(this.#kept.join(''));
    response.write(`event: status\ndata: ${JSON.stringify({ ...this.status, now: new Date().toISOString() })}\n\n`);
  }

  #page(path: string, response: ServerResponse): void {
    const name = path === '/console' ? 'index.html' : path.slice('/console/'.length);
    const type = TYPES[name.split('.').at(-1)!]!;
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-security-policy': PAGE_POLICY, 'content-type': type });
    response.end(readFileSync(join(PAGE, name)));
  }
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { ...SECURITY_HEADERS, 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ status, code, title: code, detail: `refused with ${code}`, hint: 'Ask somebody.' }));
}

export async function startFakeGateway(status: Status): Promise<FakeGateway> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => gateway.answer(request, response, body));
  });
  const gateway = new FakeGateway(server, status);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atExit(() => server.closeAllConnections());
  return gateway;
}
