import type { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { readPastHangUp } from './hang-up.js';
import { InterimAnswers } from './interim.js';

/** Who sends on a connection at the moment. */
export interface Borrower {
  /** Until a connection is there, TLS included; milliseconds. */
  readonly connectMs: number;
  notConnected(): void;
}

/** One connection, with at most one request on it; when it is closed by the other side, the next request opens it anew. */
export class Connection {
  readonly client: Client;
  #borrower: Borrower | undefined;
  readonly #interim = new InterimAnswers();
  /** The newest socket. undici would leave one that still connects, or shakes hands, to its own timeout. */
  #socket: Socket | undefined;
  /** The other side has closed the newest socket while it was written to. */
  #hungUp = false;

  constructor(
    origin: string,
    private readonly connector: buildConnector.connector,
  ) {
    // The lane's own deadlines cover headers and body; undici's would cost two timers more and miss a dripping server.
    this.client = new Client(origin, {
      connect: (options, callback) => this.#connect(options, callback),
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Whoever answers before the request is read may never read it, and the next one would wait behind the rest of it. */
  get unread(): boolean {
    return this.#hungUp || (this.#socket !== undefined && this.#socket.writableLength > 0);
  }

  /** A request of theirs goes next; undefined: nobody's. */
  lendTo(borrower: Borrower | undefined): void {
    this.#borrower = borrower;
    this.#interim.begin();
  }

  hangUp(error: Error): void {
    void this.client.destroy(error);
    this.#socket?.destroy();
  }

  #connect(options: buildConnector.Options, callback: buildConnector.Callback): Socket {
    const borrower = this.#borrower;
    const socket = this.connector(options, (...result) => {
      clearTimeout(deadline);
      callback(...result);
    }) as unknown as Socket;
    const deadline = setTimeout(() => borrower?.notConnected(), borrower?.connectMs).unref();
    socket.once('close', () => clearTimeout(deadline));
    this.#socket = socket;
    this.#hungUp = false;
    this.#filter(socket);
    readPastHangUp(socket, () => (this.#hungUp = true));
    return socket;
  }

  /** undici takes what has come with `read()`. */
  #filter(socket: Socket): void {
    const read = socket.read.bind(socket);
    socket.read = (size?: number): unknown => {
      const bytes: unknown = read(size);
      if (bytes !== null) this.#interim.pass(bytes as Buffer);
      return bytes;
    };
  }
}

/**
 * Connections to one place that nobody sends on. Whoever needs one takes the one used last, so that there are as many as
 * requests at once, however many subscribers send there; the others are left to close.
 */
export class Connections {
  readonly #idle: Connection[] = [];
  #users = 0;
  /** Nobody sends here any more. */
  deserted: () => void = () => undefined;

  constructor(
    private readonly origin: string,
    private readonly connector: buildConnector.connector,
  ) {}

  take(borrower: Borrower): Connection {
    let connection = this.#idle.pop();
    while (connection?.unread) {
      connection.hangUp(new Error('answered before it was read'));
      connection = this.#idle.pop();
    }
    connection ??= new Connection(this.origin, this.connector);
    connection.lendTo(borrower);
    return connection;
  }

  giveBack(connection: Connection): void {
    connection.lendTo(undefined);
    if (this.#users > 0) this.#idle.push(connection);
    else void connection.client.close();
  }

  /** One more sends here, until {@link leave}. */
  join(): this {
    this.#users++;
    return this;
  }

  /** Resolves when the sockets are gone, if it was the last. */
  async leave(): Promise<void> {
    if (--this.#users > 0) return;
    this.deserted();
    await Promise.all(this.#idle.splice(0).map(({ client }) => client.close()));
  }
}

/** The connections of many subscribers, by where they lead. */
export class SharedConnections {
  readonly #places = new Map<string, Connections>();

  /** @param make opens a place that is not there yet */
  to(origin: string, make: () => Connections): Connections {
    const known = this.#places.get(origin);
    if (known) return known;
    const made = make();
    made.deserted = (): void => void this.#places.delete(origin);
    this.#places.set(origin, made);
    return made;
  }
}
