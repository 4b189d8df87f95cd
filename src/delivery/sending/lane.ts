import type { Borrower, Connection, Connections } from './connections.js';
import { Exchange, type Answer, type KeptMax } from './exchange.js';

/** Where a lane sends to, and its bounds. */
export interface LaneOptions {
  path: string;
  connections: Connections;
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
 * One request of one subscriber at a time, on a connection that is its own meanwhile: the request is written at once or
 * not at all, and one that is given up takes nothing with it but its own socket.
 */
export class Lane implements Borrower {
  signal: AbortSignal | undefined;
  #connection: Connection | undefined;
  #exchange: Exchange | undefined;
  #ended: (() => void) | undefined;
  /** Pushed forward by each request and never cleared between two: cheaper than a timer per request. */
  readonly #headersDeadline: NodeJS.Timeout;
  /** Of an answer whose head is here and whose body is late. */
  #wholeDeadline: NodeJS.Timeout | undefined;

  constructor(private readonly options: LaneOptions) {
    this.#headersDeadline = setTimeout(() => this.#headersDue(), options.timeouts.headersMs).unref();
  }

  get connectMs(): number {
    return this.options.timeouts.connectMs;
  }

  notConnected(): void {
    this.#expire('no connection', this.connectMs);
  }

  /**
   * Sends one request and resolves with its answer. Rejects with the error of undici or the system; code
   * `ETIMEDOUT` when a part of it or the whole took too long, whatever the server was dripping meanwhile.
   */
  exchange(headers: string[], body: Uint8Array, keptMax: KeptMax): Promise<Answer> {
    const { path, connections } = this.options;
    const { client } = (this.#connection = connections.take(this));
    return new Promise((resolve, reject) => {
      const ended = (answer: Answer | Error): void => {
        this.#letGo();
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      this.#exchange = new Exchange(ended, ended, keptMax);
      this.#headersDeadline.refresh();
      client.dispatch({ path, method: 'POST', headers, body }, this.#exchange);
    });
  }

  /** Ends the request in flight, if there is one, and its connection. */
  abort(error: Error): void {
    if (!this.#exchange || this.#exchange.ended) return;
    const connection = this.#connection;
    this.#connection = undefined; // nobody's any more
    this.#exchange.fail(error);
    connection?.hangUp(error);
  }

  /** Resolves when the request in flight has ended; within the timeout. */
  async close(): Promise<void> {
    if (this.#connection) await new Promise<void>((resolve) => (this.#ended = resolve));
    clearTimeout(this.#headersDeadline);
    clearTimeout(this.#wholeDeadline);
  }

  #letGo(): void {
    if (this.#connection) this.options.connections.giveBack(this.#connection);
    this.#connection = undefined;
    this.#ended?.();
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
}
