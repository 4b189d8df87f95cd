/** What a publish needs to know of the HTTP request that asked for it. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { invalid, pointerTo } from '../domain/request-problem.js';
import { spanRefOf } from '../domain/trace.js';
import type { AskedOnce } from './kept-requests.js';

const KEY_LENGTH_MAX = 255;

const bodies = new WeakMap<object, Buffer>();

/** To be called by whoever reads bodies: what is parsed has lost what was written. */
export function keepBody(request: object, body: Buffer): void {
  bodies.set(request, body);
}

const gone = new WeakMap<Socket, AbortSignal>();

/** Aborted when the connection is closed: nobody is there any more to be answered. One for all that is sent ahead over it. */
export function goneOf(socket: Socket): AbortSignal {
  const known = gone.get(socket);
  if (known) return known;
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  if (socket.destroyed) closed.abort();
  gone.set(socket, closed.signal);
  return closed.signal;
}

/** Empty when there was none. */
export function bodyOf(request: object): Buffer {
  return bodies.get(request) ?? Buffer.alloc(0);
}

/**
 * The query must be percent-encoded UTF-8: what is not would be taken as it is written, and published to another topic.
 * @throws HoldfastError REQUEST_INVALID
 */
export function checkQueryEncoding({ raw }: FastifyRequest): void {
  try {
    decodeURIComponent(queryOf(raw.url));
  } catch {
    throw invalid([{ pointer: '', message: 'the query is not percent-encoded UTF-8' }]);
  }
}

/** Whoever writes `?qos=0` beside a body thinks that it counts. @throws HoldfastError REQUEST_INVALID */
export function refuseQuery({ raw }: FastifyRequest): void {
  const query = queryOf(raw.url);
  if (query === '') return;
  const names = [...new Set(new URLSearchParams(query).keys())];
  const message = 'is not a query parameter here: what is published is in the body alone';
  if (names.length > 0) throw invalid(names.map((name) => ({ pointer: pointerTo(name), message })));
}

function queryOf(url = ''): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at + 1);
}

/** What `Idempotency-Key` asks for; undefined without it. @throws HoldfastError REQUEST_INVALID */
export function askedOnce(request: FastifyRequest & CallerRequest): AskedOnce | undefined {
  if (request.headers['idempotency-key'] === undefined) return undefined;
  const given = request.raw.headersDistinct['idempotency-key'] ?? [];
  // As the draft standard writes it, and as everybody does.
  const key = given.length === 1 ? (/^"([^"\\]*)"$/.exec(given[0]!)?.[1] ?? given[0]!) : '';
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > KEY_LENGTH_MAX) {
    const message = `Idempotency-Key must be there once, with 1 to ${KEY_LENGTH_MAX} visible ASCII characters`;
    throw invalid([{ pointer: '', message }]);
  }
  return { caller: request.caller?.name ?? '', key, digest: digestOf(request) };
}

/** Of all that makes the request what it is. */
function digestOf(request: FastifyRequest): string {
  const { method, url } = request.raw;
  const digest = createHash('sha256');
  digest.update(JSON.stringify([method, url, request.headers['content-type'] ?? '']));
  return digest.update(bodyOf(request)).digest('hex');
}

/** Whether the `Prefer` header has this preference (RFC 7240: a list, in any case, each with parameters). */
export function prefers(request: FastifyRequest, preference: string): boolean {
  const { prefer = '' } = request.headers;
  const all = (Array.isArray(prefer) ? prefer.join() : prefer).split(',');
  return all.some((one) => one.split(';')[0]!.trim().toLowerCase() === preference);
}

/** With the trace context of the request, if it has one. */
export function traced<T extends object>(
  wanted: T,
  { headers }: Pick<FastifyRequest, 'headers'>,
): T & { trace?: string } {
  const { traceparent } = headers;
  return typeof traceparent === 'string' && spanRefOf(traceparent) ? { ...wanted, trace: traceparent } : wanted;
}
