/** What Node and OpenSSL say of a TLS connection, in words for who runs the gateway. Pure. */

export interface TlsWords {
  evidence: string;
  mend: string;
}

const OWN_CERTIFICATE = 'broker.tls.certFile and broker.tls.keyFile';

/** What is looked for in the code or the text of an error; the first that is there counts. */
const KNOWN: readonly (readonly [sign: RegExp, evidence: string, mend: string])[] = [
  [
    /DEPTH_ZERO_SELF_SIGNED_CERT/,
    'the broker’s certificate is self-signed, and nothing here says that it is trusted',
    'If it is the right one, name it in broker.tls.caFile.',
  ],
  [
    /SELF_SIGNED_CERT_IN_CHAIN/,
    'the chain of the broker’s certificate ends at an authority that is not trusted here',
    'Name the file of that authority’s certificate in broker.tls.caFile.',
  ],
  [
    /UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/,
    'the issuer of the broker’s certificate is neither sent by the broker nor trusted here',
    'Name that authority’s certificate in broker.tls.caFile; if it is an intermediate one, have the broker send it.',
  ],
  [
    /CERT_HAS_EXPIRED/,
    'the broker’s certificate, or one of its issuers, has expired',
    'Renew it at the broker; look at the clock of this machine too.',
  ],
  [
    /CERT_NOT_YET_VALID/,
    'the broker’s certificate, or one of its issuers, is not valid yet',
    'Check the clock of this machine, then the certificate.',
  ],
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    'the broker’s certificate is for another name than that in broker.url',
    'Connect by a name it is for, or set broker.tls.serverName to that name, or get a certificate for this one.',
  ],
  [
    /ALERT_CERTIFICATE_EXPIRED/,
    'the broker says that the gateway’s certificate has expired',
    `Renew it, and replace ${OWN_CERTIFICATE}: they are read again at the next connect.`,
  ],
  [
    /CERTIFICATE_REQUIRED/,
    'the broker wants a client certificate',
    `Set ${OWN_CERTIFICATE} to a certificate the broker trusts, and its key.`,
  ],
  [
    /ALERT_HANDSHAKE_FAILURE/,
    'the broker ended the handshake, as one does that wants a client certificate',
    `Set ${OWN_CERTIFICATE} to a certificate the broker trusts, and its key; if they are, the two may have no cipher in common.`,
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR)/,
    'the broker does not accept the gateway’s certificate, or the lack of one',
    `Check ${OWN_CERTIFICATE}: the issuer must be one the broker trusts, and it must not have expired or been revoked.`,
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    'what listens there does not speak TLS',
    'Write mqtt:// or ws:// into broker.url, or the port of the broker’s TLS listener (often 8883).',
  ],
  [
    /KEY_VALUES_MISMATCH|ERR_OSSL_|PEM_/,
    'the files of broker.tls cannot be used',
    `Check broker.tls.caFile, ${OWN_CERTIFICATE}: each must be PEM, and the key must belong to the certificate.`,
  ],
];

/** @param code of the error, as Node gives it @param texts of the errors; undefined: nothing better is known */
export function tlsInWords(code: string, texts: readonly string[]): TlsWords | undefined {
  // As `write EPROTO …:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:…` some come as a text alone.
  const said = [code, ...texts].join(' ').replaceAll(/[ -]+/g, '_').toUpperCase();
  const known = KNOWN.find(([sign]) => sign.test(said));
  if (!known) return undefined;
  const [, evidence, mend] = known;
  return { evidence: code === '' ? evidence : `${evidence} (${code})`, mend };
}
