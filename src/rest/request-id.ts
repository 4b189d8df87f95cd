import type { IncomingMessage } from 'node:http';
import { uuid7, uuidText } from '../domain/uuid.js';

export const REQUEST_ID_HEADER = 'x-request-id';
/** What is safe in a header, in a log and in a search there. */
const SANE = /^[\w.:/+=-]{1,64}$/;

const ids = new WeakMap<IncomingMessage, string>();

export function newRequestId(): string {
  return uuidText(uuid7(Date.now()));
}

/** The name of a request in its answer and in the log: the caller's own, where it is a sane one. */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const own = request.headers[REQUEST_ID_HEADER];
  const id = typeof own === 'string' && SANE.test(own) ? own : newRequestId();
  ids.set(request, id);
  return id;
}
