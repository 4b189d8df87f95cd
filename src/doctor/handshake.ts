/** The TLS handshake, as the gateway does it, but carried on past what is wrong so that everything wrong is named. */
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import type { BrokerSettings } from '../domain/settings.js';
import { serverNameOf, tlsOptions, type BrokerAddress } from './address.js';
import { judgeHandshake, judgeHandshakeError, type CertificateFacts } from './certificate.js';
import { failed, type Verdict } from './row.js';

/** With TLS 1.3 a broker refuses a client's certificate only after the client is done. */
const ALERT_WAIT_MS = 200;
const CHAIN_LENGTH_MAX = 10;

export async function shakeHands(
  address: BrokerAddress,
  tls: BrokerSettings['tls'],
  signal: AbortSignal,
): Promise<Verdict> {
  const opened = await open(address, tls, signal);
  if (opened instanceof Error) return judgeError(opened, tls);
  const refused = new Promise<Error>((resolve) => {
    opened.once('error', resolve);
    // An end without an alert is left to CONNECT: brokers may hang up on who does not speak at once.
  });
  const late = await Promise.race([refused, sleep(ALERT_WAIT_MS)]);
  const serverName = serverNameOf(address, tls);
  const certificate = opened.getPeerCertificate(true);
  const facts = {
    serverName,
    chain: chainOf(certificate),
    version: opened.getProtocol() ?? 'TLS',
    ...(opened.authorized ? {} : { chainError: chainErrorOf(opened) }),
    ...(checkServerIdentity(serverName, certificate) ? { wrongNames: namesOf(certificate) } : {}),
    ...(tls.cert === undefined ? {} : { own: ownFacts(tls.cert) }),
  };
  opened.on('error', () => undefined);
  opened.destroy();
  if (late instanceof Error) return judgeError(late, tls);
  return judgeHandshake(facts, Date.now());
}

/** Whether TLS is spoken there. */
export async function speaksTls(address: BrokerAddress, signal: AbortSignal): Promise<boolean> {
  const opened = await open({ ...address, secure: true }, {}, signal);
  if (opened instanceof Error) return false;
  opened.on('error', () => undefined);
  opened.destroy();
  return true;
}

function open(address: BrokerAddress, tls: BrokerSettings['tls'], signal: AbortSignal): Promise<TLSSocket | Error> {
  return new Promise((resolve) => {
    let socket: TLSSocket;
    try {
      const { host, port } = address;
      socket = connect({ host, port, ...tlsOptions(address, tls), rejectUnauthorized: false });
    } catch (error) {
      resolve(error as Error); // a CA, certificate or key that OpenSSL cannot read
      return;
    }
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', resolve);
    socket.once('close', () => resolve(Object.assign(new Error('closed'), { code: 'closed' })));
    signal.addEventListener('abort', () => socket.destroy(Object.assign(new Error('silence'), { code: 'silence' })));
  });
}

function judgeError(error: NodeJS.ErrnoException, tls: BrokerSettings['tls']): Verdict {
  if (error.code === 'silence') {
    return failed(
      'it accepts, but does not answer the handshake',
      'Is this the TLS port? Else look at the broker’s load.',
    );
  }
  return judgeHandshakeError(error.code ?? '', error.message, tls.cert !== undefined);
}

/** Node says it as a code in a text, or as an error with the code. */
function chainErrorOf(socket: TLSSocket): string | undefined {
  const error = socket.authorizationError as unknown as string | NodeJS.ErrnoException | null;
  const code = typeof error === 'string' ? error : error?.code;
  // The host name is looked at apart, also where the chain is broken.
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? undefined : (code ?? 'unknown error');
}

function chainOf(leaf: DetailedPeerCertificate): CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  const seen = new Set<string>();
  let next: DetailedPeerCertificate | undefined = leaf;
  while (next?.subject && !seen.has(next.fingerprint256) && chain.length < CHAIN_LENGTH_MAX) {
    seen.add(next.fingerprint256);
    chain.push({
      name: nameOf(next.subject),
      issuer: nameOf(next.issuer),
      validFromMs: Date.parse(next.valid_from),
      validToMs: Date.parse(next.valid_to),
    });
    next = next.issuerCertificate;
  }
  return chain;
}

function nameOf(name: DetailedPeerCertificate['subject']): string {
  const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
  return first(name.CN) ?? first(name.O) ?? 'somebody without a name';
}

function namesOf(certificate: DetailedPeerCertificate): string {
  const names = certificate.subjectaltname?.replaceAll('DNS:', '').replaceAll('IP Address:', '');
  return names ?? `${nameOf(certificate.subject)} (its common name, which no longer counts: it has no subjectAltName)`;
}

function ownFacts(pem: string): CertificateFacts {
  const own = new X509Certificate(pem);
  return {
    name: own.subject,
    issuer: own.issuer,
    validFromMs: Date.parse(own.validFrom),
    validToMs: Date.parse(own.validTo),
  };
}
