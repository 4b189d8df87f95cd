import type { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { Exchange, type Answer } from './exchange.js';

/** Where a lane sends to, and its bounds. */
export interface LaneOptions {
  origin: string;
  path: string;
  /** Shared by the lanes of a subscriber, so that one may resume the TLS session of another. */
  connector: buildConnector.connector;
  /** For connecting, sending and the whole answer together. */
  timeoutMs: number;
  /** How much of a body to keep. */
  keptBytesMax: number;
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
  readonly #deadline: NodeJS.Timeout;

  constructor(private readonly options: LaneOptions) {
    this.#deadline = setTimeout(() => this.#expire(), options.timeoutMs).unref();
  }

  /**
   * Sends one request and resolves with its answer. Rejects with the error of undici or the system; code
   * `ETIMEDOUT` when the whole of it took too long, whatever the server was dripping meanwhile.
   */
  exchange(headers: string[], body: Uint8Array): Promise<Answer> {
    const { path, keptBytesMax } = this.options;
    return new Promise((resolve, reject) => {
      this.#client ??= this.#newClient();
      this.#exchange = new Exchange(resolve, reject, keptBytesMax);
      this.#deadline.refresh();
      this.#client.dispatch({ path, method: 'POST', headers, body }, this.#exchange);
    });
  }

  /** Ends the request in flight, if there is one, and its connection. */
  abort(error: Error): void {
    if (!this.#exchange || this.#exchange.ended) return;
    this.#exchange.fail(error);
    const client = this.#client;
    this.#client = undefined;
    void client?.destroy(error);
    this.#socket?.destroy();
  }

  /** Resolves when the request in flight has ended and the socket is gone; within the timeout. */
  async close(): Promise<void> {
    await this.#client?.close();
    clearTimeout(this.#deadline);
  }

  #expire(): void {
    const error = new Error(`no whole answer within ${this.options.timeoutMs} ms`);
    this.abort(Object.assign(error, { code: 'ETIMEDOUT' }));
  }

  /** The lane's own deadline covers headers and body; undici's would cost two timers more and miss a dripping server. */
  #newClient(): Client {
    const connect: buildConnector.connector = (options, callback) => {
      this.#socket = this.options.connector(options, callback) as unknown as Socket;
      return this.#socket;
    };
    return new Client(this.options.origin, {
      connect,
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
}

export function connectorWithin(timeoutMs: number): buildConnector.connector {
  return buildConnector({ allowH2: false, timeout: timeoutMs });
}
