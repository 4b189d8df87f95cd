/** What a TLS handshake showed, judged. Pure. */
import { failed, ok, together, warning, type Verdict } from './row.js';
import { day, span } from './words.js';

export const EXPIRES_SOON_MS = 30 * 86_400_000;

export interface CertificateFacts {
  /** Common name, or what stands for it. */
  name: string;
  issuer: string;
  validFromMs: number;
  validToMs: number;
}

export interface HandshakeFacts {
  /** OpenSSL's code for what is wrong with the chain; absent: trusted. */
  chainError?: string;
  /** The name the certificate has to be for. */
  serverName: string;
  /** Names the certificate is for, when `serverName` is not among them. */
  wrongNames?: string;
  /** The broker's certificate first, then its issuers. */
  chain: CertificateFacts[];
  /** The gateway's own certificate, when it has one. */
  own?: CertificateFacts;
  /** Such as TLSv1.3. */
  version: string;
}

export function judgeHandshake(facts: HandshakeFacts, nowMs: number): Verdict {
  const { chain, own, serverName, version } = facts;
  const [leaf] = chain;
  const findings: Verdict[] = [];
  const dated = [
    ...chain.map((one, i) => judgeDates(one, i === 0 ? 'the certificate' : `the issuer "${one.name}"`, nowMs, BROKERS)),
    ...(own ? [judgeDates(own, 'the gateway’s own certificate', nowMs, OWN)] : []),
  ].filter((verdict) => verdict !== undefined);
  findings.push(...dated);
  if (facts.wrongNames !== undefined) {
    findings.push(
      failed(
        `the certificate is not for ${serverName}, but for ${facts.wrongNames}`,
        'Connect by a name it is for, or set broker.tls.serverName to that name, or get a certificate for this one.',
      ),
    );
  }
  // The dates have said it better.
  const told =
    dated.some(({ state }) => state === 'failed') && /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(facts.chainError ?? '');
  if (facts.chainError !== undefined && !told) findings.push(judgeChain(facts.chainError, chain));
  if (findings.length === 0 && leaf) {
    findings.push(
      ok(`${version}, certificate for ${serverName}, issued by ${leaf.issuer}, until ${day(leaf.validToMs)}`),
    );
  }
  return together(findings);
}

const BROKERS = 'Renew it at the broker';
const OWN = 'Renew it and replace broker.tls.certFile';

function judgeDates(certificate: CertificateFacts, what: string, nowMs: number, mend: string): Verdict | undefined {
  const { validFromMs, validToMs } = certificate;
  if (validToMs <= nowMs)
    return failed(`${what} expired on ${day(validToMs)}, ${span(nowMs - validToMs)} ago`, `${mend}.`);
  if (validFromMs > nowMs) {
    return failed(
      `${what} is not valid before ${day(validFromMs)}`,
      'Check the clock of this machine, then the certificate.',
    );
  }
  if (validToMs - nowMs > EXPIRES_SOON_MS) return undefined;
  return warning(
    `${what} expires on ${day(validToMs)}, in ${span(validToMs - nowMs)}`,
    `${mend} before then: the first reconnect after it fails, a link that is up does not notice.`,
  );
}

function judgeChain(code: string, chain: readonly CertificateFacts[]): Verdict {
  const leaf = chain[0];
  const last = chain.at(-1);
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return failed(
        `the certificate of ${leaf?.name ?? 'the broker'} is self-signed, and nothing here says that it is trusted`,
        'If it is the right one, name it in broker.tls.caFile.',
      );
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return failed(
        `the chain ends at "${last?.issuer ?? ''}", which is not trusted here`,
        'Name the file of that authority’s certificate in broker.tls.caFile.',
      );
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return failed(
        `the chain breaks off: the issuer "${last?.issuer ?? ''}" is neither sent by the broker nor trusted here`,
        'Name that authority’s certificate in broker.tls.caFile; if it is an intermediate one, have the broker send it.',
      );
    default:
      return failed(`the chain is not valid (${code})`, 'Look at the broker’s certificates and at broker.tls.caFile.');
  }
}

/** Why a handshake did not come about. */
export function judgeHandshakeError(code: string, message: string, ownCertificate: boolean): Verdict {
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code) || /wrong version number/.test(message)) {
    return failed(
      'what listens there does not speak TLS',
      'Use mqtt:// or ws://, or the port of the broker’s TLS listener (often 8883).',
    );
  }
  if (/CERTIFICATE_REQUIRED/.test(code) || (!ownCertificate && /HANDSHAKE_FAILURE/.test(code))) {
    return failed(
      `the broker ended the handshake: it wants a client certificate (${code})`,
      'Set broker.tls.certFile and broker.tls.keyFile to a certificate the broker trusts.',
    );
  }
  if (/ALERT_CERTIFICATE_EXPIRED/.test(code)) {
    return failed(
      `the broker says that the gateway’s certificate has expired (${code})`,
      'Renew it, and replace broker.tls.certFile and broker.tls.keyFile; look at the clock of the broker’s machine too.',
    );
  }
  if (ownCertificate && /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_\w+|ACCESS_DENIED|DECRYPT_ERROR)/.test(code)) {
    return failed(
      `the broker does not accept the gateway’s certificate (${code})`,
      'Check broker.tls.certFile: its issuer must be one the broker trusts, and it must not have expired or been revoked.',
    );
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER/.test(code)) {
    return failed(`no TLS version or cipher in common (${code})`, 'Let the broker offer TLS 1.2 or 1.3.');
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'closed') {
    return failed(
      'the connection was closed during the handshake',
      'Is this the TLS port? A load balancer that knows no backend for the name also answers so: see broker.tls.serverName.',
    );
  }
  return failed(`the handshake failed: ${message} (${code})`, 'Look at broker.tls and at the broker’s log.');
}
