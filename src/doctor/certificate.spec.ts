import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeHandshake, judgeHandshakeError, type CertificateFacts, type HandshakeFacts } from './certificate.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY = 86_400_000;

function certificate(more: Partial<CertificateFacts> = {}): CertificateFacts {
  return { name: 'broker', issuer: 'Our CA', validFromMs: NOW - 100 * DAY, validToMs: NOW + 100 * DAY, ...more };
}

function judge(more: Partial<HandshakeFacts>) {
  return judgeHandshake({ serverName: 'broker', chain: [certificate()], version: 'TLSv1.3', ...more }, NOW);
}

describe('doctor: TLS', () => {
  it('an expired certificate fails, and is not told twice', () => {
    const chain = [certificate({ validToMs: NOW - 2 * DAY })];
    const { state, seen, mend } = judge({ chain, chainError: 'CERT_HAS_EXPIRED' });
    assert.equal(state, 'failed');
    assert.equal(seen, 'the certificate expired on 2026-05-30, 2 days ago');
    assert.match(mend, /Renew it at the broker/);
  });

  it('one that is not valid yet points to the clock', () => {
    const { state, mend } = judge({
      chain: [certificate({ validFromMs: NOW + DAY })],
      chainError: 'CERT_NOT_YET_VALID',
    });
    assert.equal(state, 'failed');
    assert.match(mend, /clock/);
  });

  it('the name is looked at also where the chain is broken', () => {
    const { state, seen } = judge({ chainError: 'DEPTH_ZERO_SELF_SIGNED_CERT', wrongNames: 'other.example' });
    assert.equal(state, 'failed');
    assert.match(seen, /not for broker, but for other\.example/);
    assert.match(seen, /self-signed/);
  });

  it('chains that break off name the authority that is missing', () => {
    for (const chainError of ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN']) {
      const { state, seen, mend } = judge({ chainError });
      assert.equal(state, 'failed');
      assert.match(seen, /Our CA/);
      assert.match(mend, /broker\.tls\.caFile/);
    }
    assert.match(judge({ chainError: 'CERT_REVOKED' }).seen, /CERT_REVOKED/);
  });

  it('within 30 days of its end it is a warning; so are issuers and the gateway’s own', () => {
    assert.equal(judge({ chain: [certificate({ validToMs: NOW + 31 * DAY })] }).state, 'ok');
    const soon = certificate({ name: 'Our CA', validToMs: NOW + 29 * DAY });
    assert.match(judge({ chain: [soon] }).seen, /expires on 2026-06-30, in 29 days/);
    assert.match(judge({ chain: [certificate(), soon] }).seen, /^the issuer "Our CA" expires/);
    const own = judge({ own: soon });
    assert.equal(own.state, 'warning');
    assert.match(own.mend, /broker\.tls\.certFile/);
  });

  it('a good one says until when', () => {
    const { state, seen } = judge({});
    assert.equal(state, 'ok');
    assert.equal(seen, 'TLSv1.3, certificate for broker, issued by Our CA, until 2026-09-09');
  });

  it('handshakes that do not come about are told apart', () => {
    const mend = (code: string, own = false): string => judgeHandshakeError(code, 'text', own).mend;
    assert.match(mend('ERR_SSL_WRONG_VERSION_NUMBER'), /mqtt:\/\//);
    assert.match(mend('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), /Set broker\.tls\.certFile/);
    assert.match(mend('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'), /Set broker\.tls\.certFile/);
    assert.match(mend('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', true), /Check broker\.tls\.certFile/);
    assert.match(
      judgeHandshakeError('ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'text', true).seen,
      /certificate has expired/,
    );
    assert.match(mend('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), /TLS 1\.2/);
    assert.match(mend('closed'), /Is this the TLS port\?/);
    assert.match(judgeHandshakeError('EX', 'odd', false).seen, /odd \(EX\)/);
  });
});
