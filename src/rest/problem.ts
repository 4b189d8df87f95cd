import { ERRORS, HoldfastError, type ErrorCode } from '../domain/errors.js';

/** RFC 9457 problem details. `code` is stable; `errors` lists every problem of a request at once. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  hint: string;
  [member: string]: unknown;
}

/** Names the kind of problem; docs/errors.md explains each. */
const TYPE_BASE = 'urn:holdfast:error:';
const TITLES: { [status: number]: string } = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export function problemDetails(error: HoldfastError): ProblemDetails {
  const { status } = ERRORS[error.code];
  return {
    ...error.details,
    type: `${TYPE_BASE}${error.code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail: error.message,
    code: error.code,
    hint: error.hint,
  };
}

/** What the framework refused (a body that is no JSON, an unknown address) in our own terms. */
export function asHoldfastError(thrown: unknown): HoldfastError | undefined {
  if (thrown instanceof HoldfastError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const { status, statusCode } = thrown as { status?: unknown; statusCode?: unknown };
  const code = codeOf(status ?? statusCode);
  const message = (status ?? statusCode) === 415 ? 'the content type must be application/json' : thrown.message;
  const details = code === 'REQUEST_INVALID' ? { errors: [{ pointer: '', message }] } : {};
  return code && new HoldfastError(code, message, { cause: thrown, details });
}

function codeOf(status: unknown): ErrorCode | undefined {
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'PAYLOAD_TOO_LARGE';
  return typeof status === 'number' && status >= 400 && status < 500 ? 'REQUEST_INVALID' : undefined;
}
