/** Bytes as they are written, over a socket of the test's own: what no HTTP client would send. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/until.js';

export interface RawAnswer {
  status: number;
  /** Names in lower case. */
  headers: Map<string, string>;
  body: string;
}

export class RawConnection {
  /** All that came, as Latin-1. */
  received = '';
  closed = false;
  readonly #socket: Socket;

  constructor(port: number, options: { localAddress?: string } = {}) {
    this.#socket = connect({ port, host: '127.0.0.1', ...options });
    this.#socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    this.#socket.on('close', () => (this.closed = true)).on('error', () => undefined);
  }

  write(text: string | Buffer): this {
    this.#socket.write(text);
    return this;
  }

  /** One piece after the other, until all are sent or the other end closes. @returns how many were sent */
  async drip(pieces: Iterable<string>, everyMs: number): Promise<number> {
    let sent = 0;
    for (const piece of pieces) {
      if (this.closed) break;
      this.write(piece);
      sent++;
      await sleep(everyMs);
    }
    return sent;
  }

  /** Writes as much as the other end takes, up to `bytes`. @returns how much it took */
  async flood(piece: Buffer, bytes: number): Promise<number> {
    let taken = 0;
    while (taken < bytes && !this.closed) {
      taken += piece.length;
      if (this.#socket.write(piece)) continue;
      await Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), sleep(1_000)]);
    }
    return taken;
  }

  /** The answers so far. */
  get answers(): RawAnswer[] {
    const found: RawAnswer[] = [];
    for (let rest = this.received; rest !== '';) {
      const end = rest.indexOf('\r\n\r\n');
      const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
      const headers = new Map(lines.map((line) => line.toLowerCase().split(/: ?(.*)/, 2) as [string, string]));
      const length = Number(headers.get('content-length') ?? 0);
      found.push({ status: Number(first.split(' ')[1]), headers, body: rest.slice(end + 4, end + 4 + length) });
      rest = rest.slice(end + 4 + length);
    }
    return found;
  }

  /** The first answer's status and code; or that it was closed without one. */
  async verdict(timeoutMs = 10_000): Promise<string> {
    const whole = (): boolean => this.closed || /\r\n\r\n/.test(this.received);
    await until(whole, { timeoutMs, what: () => `an answer, or the end: ${this.received.slice(0, 200)}` });
    if (this.received === '') return 'closed';
    const length = /content-length: (\d+)/i.exec(this.received)?.[1] ?? '0';
    const there = (): boolean => this.closed || (this.answers[0]?.body.length ?? 0) >= Number(length);
    await until(there, { timeoutMs, what: 'the body of the answer' });
    const [{ status, body }] = this.answers as [RawAnswer];
    const code = /"code":"(\w+)"/.exec(body)?.[1];
    return code === undefined ? String(status) : `${status} ${code}`;
  }

  async ended(timeoutMs: number): Promise<void> {
    await until(() => this.closed, { timeoutMs, what: () => `the end: ${this.received.slice(0, 200)}` });
  }

  close(): void {
    this.#socket.destroy();
  }
}
