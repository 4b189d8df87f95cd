import type { FailureReason, Outcome } from '../../domain/attempt.js';
import { FORBIDDEN } from './guard.js';

/** No subscriber may ask for a longer pause than this, in milliseconds. */
export const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/**
 * What an answer means for the record. Pure.
 * @param retryAfterMs what the answer asked for, as {@link retryAfterMsOf} reads it
 * @param detail the start of the answer's body, fit to be shown
 */
export function outcomeOf(status: number, retryAfterMs: number | undefined, detail: string): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status >= 300 && status < 400) return { kind: 'dead', reason: 'redirect', status, detail };
  switch (status) {
    case 410:
      return { kind: 'gone', status, detail };
    case 429:
      return throttled('status', status, detail, retryAfterMs);
    case 502:
    case 503:
    case 504:
      if (retryAfterMs !== undefined) return throttled('status', status, detail, retryAfterMs);
      return { kind: 'retry', reason: 'status', status, detail, opensBreaker: false };
    case 401:
    case 403:
    case 404:
    case 407:
      return { kind: 'retry', reason: 'status', status, detail, opensBreaker: true };
    case 408:
    case 409:
      return { kind: 'retry', reason: 'status', status, detail, opensBreaker: false };
    default:
      if (status >= 400 && status < 500) return { kind: 'dead', reason: 'status', status, detail };
      return { kind: 'retry', reason: 'status', status, detail, opensBreaker: false };
  }
}

/**
 * Reads `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3).
 * @returns milliseconds from 0 to {@link RETRY_AFTER_MS_MAX}; undefined when it is absent or cannot be read
 */
export function retryAfterMsOf(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  const asked = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : dateOf(text) - nowMs;
  if (Number.isNaN(asked)) return undefined;
  return Math.min(Math.max(Math.ceil(asked), 0), RETRY_AFTER_MS_MAX);
}

/** Every form of an HTTP date is in GMT; the asctime form does not say so. */
function dateOf(text: string): number {
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return NaN;
  return Date.parse(/gmt$/i.test(text) ? text : `${text} GMT`);
}

function throttled(reason: FailureReason, status: number, detail: string, retryAfterMs?: number): Outcome {
  return retryAfterMs === undefined
    ? { kind: 'throttled', reason, status, detail }
    : { kind: 'throttled', reason, status, detail, retryAfterMs };
}

const TIMEOUTS = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** Codes of OpenSSL's certificate checks that do not speak of certificates in their name. */
const TLS_CODES = new Set([
  'EPROTO',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
]);
const TLS_CODE = /^(ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_)|_CERT(_|$)/;

/** What an attempt that got no whole answer means for the record. Pure. `detail`: fit to be shown. */
export function outcomeOfError(error: unknown, detail: string): Outcome {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return throttled('refused', 0, detail);
  if (code === FORBIDDEN) return retry('forbidden', detail, true);
  if (TIMEOUTS.has(code)) return retry('timeout', detail, false);
  // Neither a certificate nor a request that cannot be written depends on the record.
  if (TLS_CODES.has(code) || TLS_CODE.test(code)) return retry('tls', detail, true);
  return retry('network', detail, code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED');
}

function retry(reason: FailureReason, detail: string, opensBreaker: boolean): Outcome {
  return { kind: 'retry', reason, status: 0, detail, opensBreaker };
}

/** A name with several addresses fails with all their errors at once; the first code stands for them. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error.cause === undefined ? '' : codeOf(error.cause);
}
