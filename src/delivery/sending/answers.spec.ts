import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeOf, outcomeOfError, RETRY_AFTER_MS_MAX, retryAfterMsOf } from './answers.js';

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);

describe('the meaning of an answer', () => {
  const table: [statuses: number[], retryAfterMs: number | undefined, expected: object][] = [
    [[401, 403, 404, 407], undefined, { kind: 'retry', reason: 'status', opensBreaker: true }],
    [
      [408, 409, 500, 501, 502, 503, 504, 507, 599],
      undefined,
      { kind: 'retry', reason: 'status', opensBreaker: false },
    ],
    [[408, 409, 500, 501], 5_000, { kind: 'retry', reason: 'status', opensBreaker: false }],
    [[600, 999], undefined, { kind: 'retry', reason: 'status', opensBreaker: false }],
    [[429], undefined, { kind: 'throttled', reason: 'status' }],
    [[429, 502, 503, 504], 5_000, { kind: 'throttled', reason: 'status', retryAfterMs: 5_000 }],
    [[429, 502, 503, 504], 0, { kind: 'throttled', reason: 'status', retryAfterMs: 0 }],
    [[400, 402, 405, 406, 411, 413, 415, 422, 431, 451, 499], undefined, { kind: 'dead', reason: 'status' }],
    [[300, 301, 302, 303, 304, 307, 308], undefined, { kind: 'dead', reason: 'redirect' }],
    [[410], undefined, { kind: 'gone' }],
  ];
  for (const [statuses, retryAfterMs, expected] of table) {
    const words = JSON.stringify(expected);
    it(`${statuses.join(', ')} with Retry-After ${retryAfterMs ?? 'absent'}: ${words}`, () => {
      for (const status of statuses) {
        assert.deepEqual(outcomeOf(status, retryAfterMs, 'why'), { ...expected, status, detail: 'why' });
      }
    });
  }

  it('every 2xx is delivered, whatever it says besides', () => {
    for (const status of [200, 201, 202, 204, 206, 299]) {
      assert.deepEqual(outcomeOf(status, 5_000, 'why'), { kind: 'delivered' });
    }
  });
});

describe('Retry-After', () => {
  it('is ignored when it cannot be read', () => {
    for (const value of [undefined, '', ' ', 'soon', '5s', '1e3', '0x10', '2026-01-31', 'Sun', '5, 10', '-5', '+5']) {
      assert.equal(retryAfterMsOf(value, NOW), undefined, value);
    }
  });

  it('never asks for a negative pause', () => {
    assert.equal(retryAfterMsOf('Sat, 31 Jan 2026 11:59:00 GMT', NOW), 0);
  });

  it('never asks for more than a day', () => {
    assert.equal(retryAfterMsOf('9'.repeat(400), NOW), RETRY_AFTER_MS_MAX);
    assert.equal(retryAfterMsOf('86401', NOW), RETRY_AFTER_MS_MAX);
    assert.equal(retryAfterMsOf('Sat, 31 Jan 2099 12:00:00 GMT', NOW), RETRY_AFTER_MS_MAX);
  });

  it('is read as seconds, and as each form of an HTTP date', () => {
    assert.equal(retryAfterMsOf('120', NOW), 120_000);
    assert.equal(retryAfterMsOf(' 0 ', NOW), 0);
    assert.equal(retryAfterMsOf('1.5', NOW), 1_500);
    assert.equal(retryAfterMsOf('Sat, 31 Jan 2026 12:01:00 GMT', NOW), 60_000);
    assert.equal(retryAfterMsOf('Saturday, 31-Jan-26 12:01:00 GMT', NOW), 60_000);
    assert.equal(retryAfterMsOf('Sat Jan 31 12:01:00 2026', NOW), 60_000);
  });
});

describe('the meaning of an error', () => {
  const table: [codes: string[], expected: object][] = [
    [['ECONNREFUSED'], { kind: 'throttled', reason: 'refused' }],
    [
      ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
      { kind: 'retry', reason: 'timeout', opensBreaker: false },
    ],
    [
      ['ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_SOCKET', 'HPE_INVALID_CONSTANT', ''],
      { kind: 'retry', reason: 'network', opensBreaker: false },
    ],
    [
      [
        'CERT_HAS_EXPIRED',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'SELF_SIGNED_CERT_IN_CHAIN',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_SSL_WRONG_VERSION_NUMBER',
        'EPROTO',
      ],
      { kind: 'retry', reason: 'tls', opensBreaker: true },
    ],
    [['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED'], { kind: 'retry', reason: 'network', opensBreaker: true }],
  ];
  for (const [codes, expected] of table) {
    it(`${codes.join(', ')}: ${JSON.stringify(expected)}`, () => {
      for (const code of codes) {
        const error = Object.assign(new Error('it broke'), { code });
        assert.deepEqual(outcomeOfError(error, 'why'), { ...expected, status: 0, detail: 'why' });
      }
    });
  }

  it('something that is no error at all is still an outcome', () => {
    for (const thrown of [undefined, null, 'text', 7]) {
      assert.equal(outcomeOfError(thrown, 'why').kind, 'retry');
    }
  });

  it('is found inside a cause, and inside the errors of a name with several addresses', () => {
    const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
    assert.equal(outcomeOfError(new Error('outer', { cause: refused }), '').kind, 'throttled');
    assert.equal(outcomeOfError(new AggregateError([refused, new Error('other')]), '').kind, 'throttled');
  });
});
