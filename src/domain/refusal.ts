import type { ErrorCode, HoldfastError } from './errors.js';

/** Why a call was refused at the door, or a connection closed. A closed list: it is a metric label. */
export const REFUSALS = [
  'unauthorized', // no token, or one that is not known
  'forbidden', // the token lacks the scope, or a page of another origin asked
  'host', // called by a name that is none of the gateway's
  'rate', // the token's rateLimit
  'malformed', // no HTTP request that can be read
  'headers', // too long
  'timeout', // it did not come in time
  'bodies', // there was no room for the body
  'connections', // one was closed: to make room for another, or because of requests sent ahead or answers not taken
] as const;
export type Refusal = (typeof REFUSALS)[number];

const BY_CODE: { readonly [code in ErrorCode]?: Refusal } = {
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'forbidden',
  HOST_FORBIDDEN: 'host',
  TOO_MANY_REQUESTS: 'rate',
  REQUEST_INVALID: 'malformed',
  BODIES_FULL: 'bodies',
  HEADERS_TOO_LARGE: 'headers',
  REQUEST_TIMEOUT: 'timeout',
};

/** Tells what is a refusal of a caller; an address at which nothing is, is none. */
export function tellRefusal({ code }: HoldfastError, tell: (why: Refusal) => void): void {
  const why = BY_CODE[code];
  if (why) tell(why);
}
