import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { HoldfastError } from '../domain/errors.js';
import { InHand } from '../domain/in-hand.js';
import { tellRefusal, type Refusal } from '../domain/refusal.js';
import { invalid } from '../domain/request-problem.js';
import { SECURITY_HEADERS } from '../domain/security-headers.js';
import type { HttpSettings } from '../domain/settings.js';
import { Bodies } from './bodies.js';
import { Connections } from './connections.js';
import { refusalOf } from './front.js';
import { Owed } from './owed.js';
import { problemMessage, writeProblem } from './problem.js';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.js';

/** So late, at most, Node finds that a time is over. */
const CHECKING_MS = 1_000;
/**
 * A connection on which nothing moves is closed. Longer than the longest wait for an answer: a publish may wait 5 minutes for the broker, a request 10 for its answer, a test 10 for a subscriber.
 */
const SILENCE_MS = 15 * 60_000;
/** Of a connection that is closed because of what came over it. */
const LINGER_MS = 1_000;

/** Requests of one connection that were not answered yet: far more than clients that send ahead have. */
const IN_HAND_MAX = 16;

const HEADERS = Object.entries(SECURITY_HEADERS);

export type RestServerSettings = Pick<HttpSettings, 'host' | 'allowedHosts' | 'auth' | 'limits' | 'tls'>;

/** The server under the framework: limits, times, TLS, and what is refused before anything is routed. */
export class RestServer {
  readonly server: Server | SecureServer;
  readonly #connections: Connections;
  readonly #bodies: Bodies;
  readonly #owed: Owed;
  /** The answer that each connection waits for, or had last. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();
  readonly #failing = new WeakSet<Socket>();

  /** @param refused told of what gets no further than here */
  constructor(
    settings: RestServerSettings,
    listener: RequestListener,
    private readonly refused: (why: Refusal) => void,
  ) {
    const { limits, tls } = settings;
    const options: ServerOptions = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: CHECKING_MS,
      requireHostHeader: false, // it is looked at here, and refused in words
    };
    const closed = (): void => refused('connections');
    this.#connections = new Connections(limits.connections, closed);
    const inHand = new InHand(IN_HAND_MAX, closed);
    this.#bodies = new Bodies(limits.inHandBytes);
    this.#owed = new Owed(
      { bytesMax: limits.inHandBytes, stallMs: limits.stallTimeoutMs, silenceMs: SILENCE_MS },
      { closed, ended: ({ req }) => this.#bodies.done(req) },
    );
    this.server = tls
      ? createSecureServer({ ...options, ...secureOptions(tls), handshakeTimeout: limits.headersTimeoutMs })
      : createServer(options);
    this.server.timeout = SILENCE_MS;
    this.server.maxHeadersCount = 0; // their size is bounded; those over a count would be dropped in silence
    const front = { ...settings, tokens: typeof settings.auth === 'object' };
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      if (!inHand.take(request.socket, response)) return;
      this.#answers.set(request.socket, response);
      if (hasBody(request)) this.#closeLate(request.socket);
      for (const [name, value] of HEADERS) response.setHeader(name, value);
      response.setHeader(REQUEST_ID_HEADER, requestIdOf(request));
      this.#owed.take(response, () => {
        const refusal = refusalOf(request, front);
        if (!refusal) return listener(request, response);
        tellRefusal(refusal, refused);
        writeProblem(refusal, response);
      });
    };
    this.server
      .on('request', answer)
      .on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
        continueWhenRead(request, response);
        answer(request, response);
      })
      .on('checkExpectation', answer) // what is expected besides 100-continue nobody has to know [RFC 9110, 10.1.1]
      .on('connection', (socket: Socket) => this.#connections.opened(socket))
      .on('timeout', (socket: Socket) => {
        if (socket.writableLength > 0) closed();
        socket.destroy();
      })
      .on('listening', () => this.#owed.start())
      .on('close', () => this.#owed.stop())
      .on('clientError', (error, socket) => this.#failed(error, socket as Socket));
  }

  /** A request of this connection was let in: it is not closed to make room. */
  vouch(socket: Socket): void {
    this.#connections.vouch(socket);
  }

  /**
   * The body of this request is wanted. @param bytesMax of any body; a longer one is not read
   * @throws HoldfastError BODIES_FULL
   */
  takeBody(request: IncomingMessage, bytesMax: number): void {
    if (!hasBody(request)) return;
    const { 'content-length': length = bytesMax } = request.headers;
    if (Number(length) <= bytesMax) this.#bodies.take(request, Number(length));
  }

  /** It was read. */
  bodyRead(request: IncomingMessage, bytes: number): void {
    this.#bodies.read(request, bytes);
  }

  /** Takes up another certificate, for the connections to come. */
  replaceTls(tls: NonNullable<HttpSettings['tls']>): void {
    if ('setSecureContext' in this.server) this.server.setSecureContext(secureOptions(tls));
  }

  /**
   * To close a connection while its client still writes would take the answer from it: what comes is read to its end first,
   * and thrown away. Node ends it when `requestTimeout` is over.
   */
  #closeLate(socket: Socket): void {
    if (Object.hasOwn(socket, 'destroySoon')) return;
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = (): void => {
      const request = this.#answers.get(socket)!.req;
      if (request.complete) return destroySoon();
      socket.end();
      request.once('close', () => socket.destroy()).resume();
    };
  }

  /**
   * No request could be read, or not all of one. Those before it are answered first: no answer goes to another's request.
   * What still comes is taken and thrown away for a moment, or the answer would be lost with it.
   */
  #failed(error: NodeJS.ErrnoException, socket: Socket): void {
    if (this.#failing.has(socket)) return;
    this.#failing.add(socket);
    const refusal = refusalFor(error.code ?? '');
    if (refusal) tellRefusal(refusal, this.refused);
    if (!refusal || !socket.writable) return void socket.destroy();
    const last = this.#answers.get(socket);
    const broken = last?.req.complete === false ? last : undefined;
    this.#owed.settled(socket, broken, () => {
      if (!socket.writable || broken?.headersSent) return void socket.destroy();
      socket.end(problemMessage(refusal));
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    });
  }
}

/**
 * A client that waits for `100 Continue` gets it when its body is wanted, which whoever looks at the head decides: what
 * is refused for its token, address or length is refused before any of it is sent. A refused body is read, too, to be thrown
 * away, but after the answer. Node then closes the connection: nobody knows whether the body still comes.
 */
function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  request.once('resume', () => {
    if (!response.headersSent) response.writeContinue();
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function secureOptions({ cert, key, clientCa }: NonNullable<HttpSettings['tls']>): TlsOptions {
  const asked = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, minVersion: 'TLSv1.2', ...asked };
}

/** Undefined: nobody is there to be told, or does not speak HTTP. */
function refusalFor(code: string): HoldfastError | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HoldfastError('REQUEST_TIMEOUT', 'the request did not come in the time that http.limits gives it');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HoldfastError('HEADERS_TOO_LARGE', 'the head of the request is longer than http.limits.headers');
  }
  return code.startsWith('HPE_') ? invalid([{ pointer: '', message: 'is no HTTP request' }]) : undefined;
}
