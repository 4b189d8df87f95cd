import type { Cause } from '../domain/cause.js';

/**
 * One table for every reason code that can end or refuse a connection or an operation
 * [MQTT 5.0, 2.4; MQTT 3.1.1, 3.2.2.3]. Codes 1–5 are CONNACK return codes of 3.1.1.
 */
export const CAUSE_OF_CODE: { readonly [code: number]: Cause } = {
  1: 'protocol-version',
  2: 'client-id-rejected',
  3: 'broker-unreachable',
  4: 'bad-credentials',
  5: 'not-authorized',
  0x80: 'unknown',
  0x81: 'malformed-packet',
  0x82: 'protocol-error',
  0x83: 'unknown',
  0x84: 'protocol-version',
  0x85: 'client-id-rejected',
  0x86: 'bad-credentials',
  0x87: 'not-authorized',
  0x88: 'broker-unreachable',
  0x89: 'server-busy',
  0x8a: 'banned',
  0x8b: 'broker-shutdown',
  0x8c: 'bad-credentials',
  0x8d: 'keepalive-timeout',
  0x8e: 'client-id-conflict',
  0x8f: 'subscribe-denied',
  0x90: 'publish-denied',
  0x91: 'protocol-error',
  0x92: 'protocol-error',
  0x93: 'receive-maximum-exceeded',
  0x94: 'protocol-error',
  0x95: 'packet-too-large',
  0x96: 'quota-exceeded',
  0x97: 'quota-exceeded',
  0x98: 'admin-kick',
  0x99: 'malformed-packet',
  0x9a: 'unsupported',
  0x9b: 'unsupported',
  0x9c: 'server-moved',
  0x9d: 'server-moved',
  0x9e: 'unsupported',
  0x9f: 'quota-exceeded',
  0xa0: 'admin-kick',
  0xa1: 'unsupported',
  0xa2: 'unsupported',
};

/** The cause behind a code the broker gave, `unknown` for one the specifications do not have. */
export function causeOfCode(code: number): Cause {
  return CAUSE_OF_CODE[code] ?? 'unknown';
}

/** The cause behind a refused SUBSCRIBE or PUBLISH: where the code says no more than no, the operation is denied. */
export function causeOfRefusal(operation: 'subscribe' | 'publish', code: number): Cause {
  const cause = causeOfCode(code);
  return cause === 'not-authorized' || cause === 'unknown' ? `${operation}-denied` : cause;
}
