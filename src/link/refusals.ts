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
const WANTS_TLS = 'Write mqtts:// into broker.url, or the port of the broker’s listener without TLS (often 1883).';
const WANTS_LOGIN =
  'Whoever answers, the broker or a proxy in front of it, wants a login before it lets MQTT through: give it in broker.wsHeaders.';
const REDIRECTED = 'Redirects are not followed: write the final address into broker.url.';
const SILENT =
  'If that port wants TLS, write mqtts:// into broker.url: `holdfast doctor` asks it. Else check that the broker runs and has room for one more: its log tells.';
const TOO_OLD_PERHAPS =
  'The broker may be too old for MQTT 5: broker.protocol: 3.1.1 would show it, and auto tries that by itself. Or that port wants TLS: mqtts:// in broker.url; `holdfast doctor` asks it. Or the broker is full: its log tells.';

export function unreached(evidence: Evidence): Judgement {
  const { systemCode = '', errors, webSocket, securing = false } = evidence;
  if (DNS_CODES.has(systemCode)) return found('dns', 'certain');
  if (isOfTls(systemCode)) return ofTls(evidence, 'certain');
  if (UNREACHABLE_CODES.has(systemCode)) return found('broker-unreachable', 'certain');
  if (evidence.spoke === 'TLS') {
    const text = 'a TLS alert came back: this port wants mqtts://';
    return { ...found('tls', 'certain', text), mend: WANTS_TLS, inWords: true };
  }
  if (evidence.spoke === 'HTTP') {
    const text = 'HTTP came back: a web server answers';
    return { ...found('protocol-error', 'certain', text), mend: WRONG_PORT, inWords: true };
  }
  if (securing) {
    return found('tls', 'likely', 'the TLS handshake began and did not end: what answers may not speak TLS');
  }
  if (errors.some((text) => TLS_TEXT.test(text))) return ofTls(evidence, 'certain');
  if (webSocket?.stage === 'upgrading') return { ...found('websocket-upgrade', 'certain'), ...mendOfUpgrade(errors) };
  if (errors.some((text) => text.includes('connack timeout'))) {
    return found('broker-unreachable', 'likely', 'connected, and nothing came back');
  }
  if (isSilentRefusal(evidence)) return silentlyRefused(evidence);
  if (systemCode !== '') return found('network', 'likely', 'the connection broke before the broker answered');
  return { ...found('protocol-error', 'likely', 'what came back is not MQTT'), mend: WRONG_PORT };
}

/** By the status of the answer, which is in the text of `ws` alone. */
function mendOfUpgrade(errors: readonly string[]): { mend?: string } {
  const status = Number(/server response: (\d+)/.exec(errors.join())?.[1] ?? 0);
  if (status === 401 || status === 403 || status === 407) return { mend: WANTS_LOGIN };
  return status >= 300 && status < 400 ? { mend: REDIRECTED } : {};
}

export function isOfTls(systemCode: string): boolean {
  return TLS_CODE.test(systemCode);
}

export function ofTls({ systemCode = '', errors }: Evidence, confidence: Judgement['confidence']): Judgement {
  const words = tlsInWords(systemCode, errors);
  if (!words) return found('tls', confidence);
  return { ...found('tls', confidence, words.evidence), mend: words.mend, inWords: true };
}

function silentlyRefused({ protocolVersion, systemCode, silentRefusals = 0, webSocket }: Evidence): Judgement {
  const how = systemCode === undefined ? 'closed without a word' : 'reset';
  const text = `${how} in answer to a CONNECT of MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`;
  if (protocolVersion === 5 && silentRefusals > 0) {
    const evidence = `${text} again: it may be too old for that, or full`;
    return { ...found('protocol-version', 'guess', evidence), mend: TOO_OLD_PERHAPS };
  }
  const judgement = found('broker-unreachable', 'guess', `${text}: the broker may be starting, full, or want TLS`);
  return webSocket ? judgement : { ...judgement, mend: SILENT };
}

/** Whether the broker may have taken the CONNECT: neither has it refused it, nor was it out of reach. */
export function mayHaveConnected({ cause, confidence }: Diagnosis, { code }: CloseEvidence): boolean {
  return (
    code === 0 && cause !== 'dns' && cause !== 'tls' && !(cause === 'broker-unreachable' && confidence === 'certain')
  );
}
