import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tlsInWords } from './tls-words.js';

const OWN = /broker\.tls\.certFile and broker\.tls\.keyFile/;
const ALERT = 'C0A8:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../rec_layer_s3.c:916:';

describe('TLS in words', () => {
  for (const [code, text, evidence, mend] of [
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'try running Node.js with --use-system-ca', /self-signed/, /broker\.tls\.caFile/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in chain', /not trusted/, /broker\.tls\.caFile/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify', /neither sent/, /broker\.tls\.caFile/],
    ['CERT_HAS_EXPIRED', 'certificate has expired', /has expired/, /at the broker/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname/IP does not match', /another name/, /broker\.tls\.serverName/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'alert', /wants a client certificate/, OWN],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'alert', /gateway’s certificate has expired/, OWN],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'alert', /does not accept the gateway’s/, OWN],
    ['EPROTO', `write EPROTO ${ALERT}`, /does not accept the gateway’s/, OWN],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number', /does not speak TLS/, /broker\.url/],
    ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'key values mismatch', /cannot be used/, OWN],
  ] as const) {
    it(`${code}: ${evidence.source}`, () => {
      const words = tlsInWords(code, [text])!;
      assert.match(words.evidence, evidence);
      assert.ok(words.evidence.endsWith(` (${code})`), words.evidence);
      assert.match(words.mend, mend);
      assert.doesNotMatch(words.evidence + words.mend, /use-system-ca|routines|Node/);
    });
  }

  it('what is not known is left to the text of the error', () => {
    assert.equal(tlsInWords('ERR_SSL_SOMETHING_NEW', ['something new']), undefined);
  });
});
