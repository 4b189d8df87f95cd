/** Why a connection never came up, where the broker gave no code. Pure. */
import type { Diagnosis } from '../domain/cause.js';
import type { CloseEvidence } from './connection.js';
import { found, isSilentRefusal, type Evidence, type Judgement } from './evidence.js';
import { tlsInWords } from './tls-words.js';

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EHOSTDOWN']);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;
const TLS_TEXT = /certificate|\bTLS\b|\bSSL\b|wrong version number/i;

const WRONG_PORT =
  'Something else than an MQTT broker seems to listen there (a web server, or the broker’s WebSocket port?): check the port in broker.url.';
const TOO_OLD_PERHAPS =
  'The broker may be too old for MQTT 5: broker.protocol: 3.1.1 would show it, and auto tries that by itself. It may as well be full, or want TLS: its log tells.';

export function unreached(evidence: Evidence): Judgement {
  const { systemCode = '', errors, webSocket, securing = false } = evidence;
  if (DNS_CODES.has(systemCode)) return found('dns', 'certain');
  if (isOfTls(systemCode)) return ofTls(evidence, 'certain');
  if (UNREACHABLE_CODES.has(systemCode)) return found('broker-unreachable', 'certain');
  if (evidence.spoke === 'TLS') return found('tls', 'certain', 'a TLS alert came back: this port wants mqtts://');
  if (evidence.spoke === 'HTTP') {
    return { ...found('protocol-error', 'certain', 'HTTP came back: a web server answers'), mend: WRONG_PORT };
  }
  if (securing) {
    return found('tls', 'likely', 'the TLS handshake began and did not end: what answers may not speak TLS');
  }
  if (errors.some((text) => TLS_TEXT.test(text))) return ofTls(evidence, 'certain');
  if (webSocket?.stage === 'upgrading') return found('websocket-upgrade', 'certain');
  if (errors.some((text) => text.includes('connack timeout'))) {
    return found('broker-unreachable', 'likely', 'connected, and nothing came back');
  }
  if (isSilentRefusal(evidence)) return silentlyRefused(evidence);
  if (systemCode !== '') return found('network', 'likely', 'the connection broke before the broker answered');
  return { ...found('protocol-error', 'likely', 'what came back is not MQTT'), mend: WRONG_PORT };
}

export function isOfTls(systemCode: string): boolean {
  return TLS_CODE.test(systemCode);
}

export function ofTls({ systemCode = '', errors }: Evidence, confidence: Judgement['confidence']): Judgement {
  const words = tlsInWords(systemCode, errors);
  if (!words) return found('tls', confidence);
  return { ...found('tls', confidence, words.evidence), mend: words.mend, inWords: true };
}

function silentlyRefused({ protocolVersion, systemCode, silentRefusals = 0 }: Evidence): Judgement {
  const how = systemCode === undefined ? 'closed without a word' : 'reset';
  const text = `${how} in answer to a CONNECT of MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`;
  if (protocolVersion === 5 && silentRefusals > 0) {
    const evidence = `${text} again: it may be too old for that, or full`;
    return { ...found('protocol-version', 'guess', evidence), mend: TOO_OLD_PERHAPS };
  }
  return found('broker-unreachable', 'guess', `${text}: the broker may be starting, full, or want TLS`);
}

/** Whether the broker may have taken the CONNECT: neither has it refused it, nor was it out of reach. */
export function mayHaveConnected({ cause, confidence }: Diagnosis, { code }: CloseEvidence): boolean {
  return (
    code === 0 && cause !== 'dns' && cause !== 'tls' && !(cause === 'broker-unreachable' && confidence === 'certain')
  );
}
