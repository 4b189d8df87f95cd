import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BROKER, load, settingsOf, told, write } from './config.fixture.js';

const TOKEN = 'token: a-token-of-enough-characters';

describe('limits of REST', () => {
  it('are given with their units, and what cannot be kept is refused', () => {
    const limits =
      '{ connections: 10, headers: 4KiB, headersTimeout: 2s, requestTimeout: 2s, keepAlive: 1s, inHand: 2MiB, stallTimeout: 3s }';
    const stream = '{ maxClients: 1, maxPerToken: 1, stallTimeout: 1s }';
    const { http } = settingsOf(`${BROKER}http: { limits: ${limits}, stream: ${stream} }`);
    assert.deepEqual(http.limits, {
      connections: 10,
      headerBytes: 4_096,
      headersTimeoutMs: 2_000,
      requestTimeoutMs: 2_000,
      keepAliveMs: 1_000,
      inHandBytes: 2 * 1_024 * 1_024,
      stallTimeoutMs: 3_000,
    });
    assert.deepEqual(http.stream, { maxClients: 1, maxPerToken: 1, stallTimeoutMs: 1_000 });
    assert.deepEqual(told(`${BROKER}http: { limits: { headersTimeout: 2s, requestTimeout: 1s } }`), [
      '2 http.limits.requestTimeout: is shorter than headersTimeout, which is a part of it',
    ]);
    assert.deepEqual(told(`${BROKER}http: { limits: { connections: 1, headers: 1KiB, keepAlive: 0s } }`), [
      '2 http.limits.connections: must be a whole number from 10 to 100000',
      '2 http.limits.headers: must be between 4KiB and 256KiB',
      '2 http.limits.keepAlive: must be between 1s and 1h',
    ]);
  });

  it('names it is called by are host names, in any case', () => {
    const { http } = settingsOf(`${BROKER}http: { allowedHosts: [Holdfast.Apps.svc] }`);
    assert.deepEqual(http.allowedHosts, ['holdfast.apps.svc']);
    for (const name of ['a:80', '*.a', 'http://a', 'a/b', '""', '[a]']) {
      assert.equal(told(`${BROKER}http: { allowedHosts: ['${name}'] }`).length, 1, name);
    }
  });
});

describe('what a token may do', () => {
  it('topics and a rate; topics without the scope to publish are warned of', () => {
    const more = 'publish: [a/#], rateLimit: { perSecond: 0.5 }';
    const text = (scopes: string): string =>
      `${BROKER}http: { auth: { tokens: [{ name: a, ${TOKEN}, scopes: [${scopes}], ${more} }] } }`;
    const { auth } = settingsOf(text('publish')).http;
    assert.ok(typeof auth === 'object');
    assert.deepEqual(auth.tokens[0], {
      name: 'a',
      token: 'a-token-of-enough-characters',
      scopes: ['publish'],
      publish: ['a/#'],
      rateLimit: { perSecond: 0.5 },
    });
    const { warnings } = load(text('read'));
    assert.deepEqual(
      warnings.map(({ path, message }) => `${path} ${message}`),
      ['http.auth.tokens[0].publish has no effect: scopes does not have publish'],
    );
    assert.deepEqual(told(text('publish').replace('a/#', 'a/#/b').replace('0.5', '0')), [
      '2 http.auth.tokens[0].publish[0]: is not a topic filter: # must be the last level',
      '2 http.auth.tokens[0].rateLimit.perSecond: must be a number from 0.001 to 100000',
    ]);
  });
});

describe('TLS of REST', () => {
  it('needs both files; certificates of clients are no tokens', () => {
    write('http/words.pem', 'no PEM at all');
    const tls = (text: string, more = ''): string => `${BROKER}http: { ${more}tls: { ${text} } }`;
    assert.deepEqual(told(tls('certFile: http/words.pem')), [
      '2 http.tls.keyFile: is missing',
      '2 http.tls.certFile: names a file that is not a PEM file of its kind',
    ]);
    const files = 'certFile: nowhere.pem, keyFile: nowhere.key, clientCaFile: http/words.pem';
    assert.deepEqual(told(tls(files, 'host: 0.0.0.0, ')), [
      '2 http.host: is not loopback, and http.auth is missing',
      '2 http.tls.certFile: names a file that does not exist',
      '2 http.tls.keyFile: names a file that does not exist',
      '2 http.tls.clientCaFile: names a file that is not a PEM file of its kind',
    ]);
  });
});
