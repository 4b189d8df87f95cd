/** A webhook app that misbehaves. It speaks raw TCP, or TLS, so that no HTTP library keeps it from doing so. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { atExit } from './children.js';

/** What it does with a request that has arrived whole. */
export type Behaviour = (socket: Socket, path: string) => void;

const END_OF_HEAD = '\r\n\r\n';

export class HostileReceiver {
  /** When requests came, by path: milliseconds of the monotonic clock. */
  readonly requests = new Map<string, number[]>();
  /** Most connections that were open at once. */
  connectionsMax = 0;
  readonly #open = new Set<Socket>();
  readonly #server: Server;
  #forget = (): unknown => undefined;

  constructor(
    private readonly behaviour: Behaviour,
    private readonly tls?: TlsOptions,
  ) {
    // Half open: the other side's end is not answered with one, unless a behaviour does so.
    const options = { ...tls, allowHalfOpen: true };
    this.#server = tls ? createTlsServer(options, (socket) => this.#serve(socket)) : createServer(options);
    this.#server.on('connection', (socket: Socket) => this.#opened(socket));
    if (!tls) this.#server.on('connection', (socket: Socket) => this.#serve(socket));
  }

  get url(): string {
    return `${this.tls ? 'https' : 'http'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        this.#forget = atExit(() => this.#cut());
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    this.#forget();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#cut();
    await closed;
  }

  #cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #opened(socket: Socket): void {
    this.#open.add(socket);
    this.connectionsMax = Math.max(this.connectionsMax, this.#open.size);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  #serve(socket: Socket): void {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      // As servers answer a TLS handshake that they did not expect.
      if (!text.startsWith('POST'.slice(0, text.length))) return socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      const request = wholeRequest(text);
      if (!request) return;
      text = text.slice(request.length);
      const times = this.requests.get(request.path);
      if (times) times.push(performance.now());
      else this.requests.set(request.path, [performance.now()]);
      this.behaviour(socket, request.path);
    });
  }
}

export async function startHostile(behaviour: Behaviour, tls?: TlsOptions): Promise<HostileReceiver> {
  const receiver = new HostileReceiver(behaviour, tls);
  await receiver.listen();
  return receiver;
}

function wholeRequest(text: string): { path: string; length: number } | undefined {
  const headLength = text.indexOf(END_OF_HEAD);
  if (headLength < 0) return undefined;
  const head = text.slice(0, headLength);
  const bodyLength = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const length = headLength + END_OF_HEAD.length + bodyLength;
  return text.length < length ? undefined : { path: head.split(' ', 2)[1] ?? '', length };
}

/** A whole answer. */
export function answer(status: number, headers: { [name: string]: string } = {}, body = ''): Behaviour {
  const lines = Object.entries({ 'content-length': String(body.length), ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const text = `HTTP/1.1 ${status} Whatever\r\n${status === 204 ? '' : head}\r\n${body}`;
  return (socket) => void socket.write(text);
}

/** Bytes as they are. */
export function write(text: string): Behaviour {
  return (socket) => void socket.write(text, 'latin1');
}

/** `text`, and then `again` for ever: `everyMs` apart, or as fast as it is taken. */
export function pour(text: string, again: string, everyMs?: number): Behaviour {
  return (socket) => {
    socket.write(text, 'latin1');
    if (everyMs !== undefined) {
      const timer = setInterval(() => socket.write(again, 'latin1'), everyMs);
      socket.once('close', () => clearInterval(timer));
      return;
    }
    const more = (): void => {
      while (!socket.destroyed && socket.write(again, 'latin1'));
    };
    socket.on('drain', more);
    more();
  };
}
