import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The flaky app works and fails in turns of this length. */
const FLAKY_TURN_MS = 6_000;

/** Two webhook apps: `/billing` checks signatures, `/audit` is flaky. */
export class Apps {
  readonly received = { billing: 0, audit: 0 };
  readonly #server: Server;
  #down = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly secret: string,
    private readonly say: (line: string) => void,
  ) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#answer(request, Buffer.concat(chunks), response));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#timer = setInterval(() => {
      this.#down = !this.#down;
      this.say(this.#down ? 'the audit app fails from now on (503)' : 'the audit app works again');
    }, FLAKY_TURN_MS);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    if (request.url === '/audit') {
      if (this.#down) return void response.writeHead(503).end();
      this.received.audit++;
      return void response.writeHead(204).end();
    }
    if (!signatureHolds(this.secret, request, body)) return void response.writeHead(401).end('bad signature');
    this.received.billing++;
    response.writeHead(204).end();
  }
}

/** What a receiver does to know who sent it (Standard Webhooks 1.0). */
function signatureHolds(secret: string, { headers }: IncomingMessage, body: Buffer): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = Buffer.from(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`);
  const wanted = createHmac('sha256', key).update(signed).update(body).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .map((one) => Buffer.from(one.replace('v1,', ''), 'base64'))
    .some((given) => given.length === wanted.length && timingSafeEqual(given, wanted));
}
