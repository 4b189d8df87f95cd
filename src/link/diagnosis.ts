import type { Cause, Diagnosis } from '../domain/cause.js';
import type { CloseEvidence } from './connection.js';

/**
 * One table for every reason code that can end or refuse a connection or an operation
 * [MQTT 5.0, 2.4; MQTT 3.1.1, 3.2.2.3]. Codes 1–5 are CONNACK return codes of 3.1.1.
 */
const CAUSE_OF_CODE: { [code: number]: Cause } = {
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

const MEND: { [cause in Cause]?: string } = {
  'client-id-conflict': 'Another client uses this client id. Give every gateway its own session.clientId.',
  'client-id-rejected': 'The broker does not accept this client id. Set session.clientId to one it allows.',
  'not-authorized': 'Ask the broker’s operator to let this user connect, and check broker.username.',
  'bad-credentials': 'Check broker.username, broker.password and the client certificate.',
  'keepalive-timeout': 'The broker or the network went silent. Look at both, and at session.keepalive.',
  'broker-shutdown': 'The broker is stopping. The gateway comes back by itself.',
  'broker-unreachable': 'Check that the broker runs and that broker.url and the network lead to it.',
  dns: 'The broker’s name cannot be resolved. Check broker.url and the cluster’s DNS.',
  tls: 'The TLS handshake failed. Check broker.tls, the certificate chain and the host name.',
  'websocket-upgrade':
    'The server does not speak MQTT over WebSocket here. Check the path of broker.url and broker.wsHeaders.',
  'protocol-version': 'The broker does not speak this MQTT version. Set broker.protocol.',
  'packet-too-large': 'A packet was larger than one side allows. Check session.maxPacket and the broker’s limit.',
  network: 'The connection broke on the way. Look at load balancers, idle limits and the broker’s log.',
};

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']);
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EHOSTDOWN']);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/;

/** The cause behind a code the broker gave, `unknown` for one the specifications do not have. */
export function causeOfCode(code: number): Cause {
  return CAUSE_OF_CODE[code] ?? 'unknown';
}

/** Why a connection ended or never came up. Pure: evidence in, diagnosis out. */
export function diagnose(evidence: CloseEvidence): Diagnosis {
  const [cause, confidence] = judge(evidence);
  const seen = [...evidence.errors];
  if (evidence.code !== 0) seen.unshift(`${evidence.where} reason code 0x${evidence.code.toString(16)}`);
  if (seen.length === 0)
    seen.push(evidence.wasUp ? 'the broker closed the connection without a word' : 'closed before CONNACK');
  return { cause, confidence, evidence: seen, mend: MEND[cause] ?? 'See GET /v1/link and the broker’s log.' };
}

function judge(evidence: CloseEvidence): [Cause, Diagnosis['confidence']] {
  const { code, ended, systemCode = '', wasUp } = evidence;
  if (ended === 'stop') return ['requested', 'certain'];
  if (ended === 'keepalive') return ['keepalive-timeout', 'certain'];
  if (code !== 0) return [causeOfCode(code), 'certain'];
  if (DNS_CODES.has(systemCode)) return ['dns', 'certain'];
  if (TLS_CODE.test(systemCode)) return ['tls', 'certain'];
  if (UNREACHABLE_CODES.has(systemCode)) return [wasUp ? 'network' : 'broker-unreachable', 'certain'];
  if (evidence.webSocket?.stage === 'upgrading') return ['websocket-upgrade', 'certain'];
  if (systemCode !== '') return ['network', 'likely'];
  if (evidence.errors.some((text) => text.includes('connack timeout'))) return ['broker-unreachable', 'likely'];
  return [wasUp ? 'network' : 'broker-unreachable', 'guess'];
}
