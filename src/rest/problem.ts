import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { ERRORS, HoldfastError, type ErrorCode } from '../domain/errors.js';
import { SECURITY_HEADERS } from '../domain/security-headers.js';
import { newRequestId, REQUEST_ID_HEADER, requestIdOf } from './request-id.js';

/** RFC 9457 problem details. `code` is stable; `errors` lists every problem of a request at once. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  hint: string;
  /** As in the header `x-request-id`, and in the log. */
  requestId?: string;
  [member: string]: unknown;
}

/** Names the kind of problem; docs/errors.md explains each. */
const TYPE_BASE = 'urn:holdfast:error:';
const RETRY_AFTER_SECONDS = 5;
const TYPES_TAKEN =
  'the content type must be application/json; for /v1/publish/raw it may be any media type, such as text/plain';
const TITLES: { [status: number]: string } = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** @param requestId of the request that it answers; absent for one of several in an answer */
export function problemDetails(error: HoldfastError, requestId?: string): ProblemDetails {
  const { status } = ERRORS[error.code];
  return {
    ...error.details,
    type: `${TYPE_BASE}${error.code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail: error.message,
    code: error.code,
    hint: error.hint,
    ...(requestId === undefined ? {} : { requestId }),
  };
}

export function sendProblem(error: HoldfastError, reply: FastifyReply): void {
  const details = problemDetails(error, requestIdOf(reply.request.raw));
  void reply.status(details.status).headers(headersOf(error)).send(details);
}

/** For what is refused before the framework sees it. */
export function writeProblem(error: HoldfastError, response: ServerResponse): void {
  const details = problemDetails(error, requestIdOf(response.req));
  const body = JSON.stringify(details);
  const length = { 'content-length': Buffer.byteLength(body) };
  response.writeHead(details.status, { ...headersOf(error), ...length, connection: 'close' }).end(body);
}

/** The whole answer, for a connection on which no request could be read. */
export function problemMessage(error: HoldfastError): string {
  const requestId = newRequestId();
  const details = problemDetails(error, requestId);
  const body = JSON.stringify(details);
  const own = {
    'content-length': String(Buffer.byteLength(body)),
    [REQUEST_ID_HEADER]: requestId,
    connection: 'close',
  };
  const headers = { ...SECURITY_HEADERS, ...headersOf(error), ...own };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${details.status} ${details.title}\r\n${lines.join('')}\r\n${body}`;
}

function headersOf({ code, retryable, details }: HoldfastError): { [name: string]: string } {
  const { allow, retryAfterSeconds = RETRY_AFTER_SECONDS } = details as {
    allow?: string[];
    retryAfterSeconds?: number;
  };
  return {
    'content-type': 'application/problem+json',
    ...(retryable ? { 'retry-after': String(retryAfterSeconds) } : {}),
    ...(code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Bearer' } : {}),
    ...(code === 'METHOD_NOT_ALLOWED' && allow ? { allow: allow.join(', ') } : {}), // [RFC 9110, 15.5.6]
  };
}

/** What the framework refused (a body that is no JSON, an unknown address) in our own terms. */
export function asHoldfastError(thrown: unknown): HoldfastError | undefined {
  if (thrown instanceof HoldfastError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const { status, statusCode } = thrown as { status?: unknown; statusCode?: unknown };
  const code = codeOf(status ?? statusCode);
  const message = code === 'CONTENT_TYPE_UNSUPPORTED' ? TYPES_TAKEN : thrown.message;
  const details = code === 'REQUEST_INVALID' ? { errors: [{ pointer: '', message }] } : {};
  return code && new HoldfastError(code, message, { cause: thrown, details });
}

function codeOf(status: unknown): ErrorCode | undefined {
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'PAYLOAD_TOO_LARGE';
  if (status === 415) return 'CONTENT_TYPE_UNSUPPORTED';
  return typeof status === 'number' && status >= 400 && status < 500 ? 'REQUEST_INVALID' : undefined;
}
