import type { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { Exchange, type Answer, type KeptMax } from './exchange.js';

/** Where a lane sends to, and its bounds. */
export interface LaneOptions {
  origin: string;
  path: string;
  /** Shared by the lanes of a subscriber, so that one may resume the TLS session of another. */
  connector: buildConnector.connector;
  timeouts: LaneTimeouts;
}

/** In milliseconds. The first two are at most as long as the last. */
export interface LaneTimeouts {
  /** Until a connection is there, TLS included. */
  connectMs: number;
  /** From the start to the head of the answer. */
  headersMs: number;
  /** For connecting, sending and the whole answer together. */
  wholeMs: number;
}

/**
 * One connection of one subscriber, with at most one request on it. A client per lane instead of a pool: a
 * request is then written at once or not at all, and one that is given up takes nothing with it but its own socket.
 */
export class Lane {
  signal: AbortSignal | undefined;
  #client: Client | undefined;
  #exchange: Exchange | undefined;
  /** The newest socket. undici would leave one that still connects, or shakes hands, to its own timeout. */
  #socket: Socket | undefined;
  /** Pushed forward by each request and never cleared between two: cheaper than a timer per request. */
  readonly #headersDeadline: NodeJS.Timeout;
  /** Of an answer whose head is here and whose body is late. */
  #wholeDeadline: NodeJS.Timeout | undefined;

  constructor(private readonly options: LaneOptions) {
    this.#headersDeadline = setTimeout(() => this.#headersDue(), options.timeouts.headersMs).unref();
  }

  /**
   * Sends one request and resolves with its answer. Rejects with the error of undici or the system; code
   * `ETIMEDOUT` when a part of it or the whole took too long, whatever the server was dripping meanwhile.
   */
  exchange(headers: string[], body: Uint8Array, keptMax: KeptMax): Promise<Answer> {
    const { path } = this.options;
    // Whoever answers before the request is read may never read it, and this one would wait behind the rest of it.
    if (this.#socket && this.#socket.writableLength > 0) this.#hangUp(new Error('answered before it was read'));
    return new Promise((resolve, reject) => {
      this.#client ??= this.#newClient();
      this.#exchange = new Exchange(resolve, reject, keptMax);
      this.#headersDeadline.refresh();
      this.#client.dispatch({ path, method: 'POST', headers, body }, this.#exchange);
    });
  }

  /** Ends the request in flight, if there is one, and its connection. */
  abort(error: Error): void {
    if (!this.#exchange || this.#exchange.ended) return;
    this.#exchange.fail(error);
    this.#hangUp(error);
  }

  /** Resolves when the request in flight has ended and the socket is gone; within the timeout. */
  async close(): Promise<void> {
    await this.#client?.close();
    clearTimeout(this.#headersDeadline);
    clearTimeout(this.#wholeDeadline);
  }

  #hangUp(error: Error): void {
    const client = this.#client;
    this.#client = undefined;
    void client?.destroy(error);
    this.#socket?.destroy();
  }

  #headersDue(): void {
    const { headersMs, wholeMs } = this.options.timeouts;
    const exchange = this.#exchange;
    if (!exchange || exchange.ended) return;
    if (headersMs === wholeMs) return this.#expire('no whole answer', wholeMs);
    if (!exchange.answering) return this.#expire('no answer', headersMs);
    const expire = (): void => {
      if (this.#exchange === exchange) this.#expire('no whole answer', wholeMs);
    };
    this.#wholeDeadline = setTimeout(expire, wholeMs - headersMs).unref();
  }

  #expire(what: string, ms: number): void {
    this.abort(Object.assign(new Error(`${what} within ${ms} ms`), { code: 'ETIMEDOUT' }));
  }

  /** The lane's own deadlines cover headers and body; undici's would cost two timers more and miss a dripping server. */
  #newClient(): Client {
    return new Client(this.options.origin, {
      connect: (options, callback) => this.#connect(options, callback),
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  #connect(options: buildConnector.Options, callback: buildConnector.Callback): Socket {
    const { connectMs } = this.options.timeouts;
    const socket = this.options.connector(options, (...result) => {
      clearTimeout(deadline);
      callback(...result);
    }) as unknown as Socket;
    const deadline = setTimeout(() => this.#expire('no connection', connectMs), connectMs).unref();
    socket.once('close', () => clearTimeout(deadline));
    this.#socket = socket;
    return socket;
  }
}
