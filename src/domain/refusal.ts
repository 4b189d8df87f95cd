import type { ErrorCode } from './errors.js';

/** Why a call was refused at the door, or a connection closed. A closed list: it is a metric label. */
export const REFUSALS = [
  'unauthorized', // no token, or one that is not known
  'forbidden', // the token lacks the scope, or a page of another origin asked
  'host', // called by a name that is none of the gateway's
  'rate', // the token's rateLimit
  'malformed', // no HTTP request that can be read
  'headers', // too long
  'timeout', // it did not come in time
  'connections', // one was closed: to make room for another, or because it sent too many requests ahead
] as const;
export type Refusal = (typeof REFUSALS)[number];

const BY_CODE: { readonly [code in ErrorCode]?: Refusal } = {
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'forbidden',
  HOST_FORBIDDEN: 'host',
  TOO_MANY_REQUESTS: 'rate',
  REQUEST_INVALID: 'malformed',
  HEADERS_TOO_LARGE: 'headers',
  REQUEST_TIMEOUT: 'timeout',
};

/** Undefined: that is no refusal of a caller, such as an address at which nothing is. */
export function refusalOf(code: ErrorCode): Refusal | undefined {
  return BY_CODE[code];
}
