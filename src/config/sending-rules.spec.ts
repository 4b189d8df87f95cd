import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { BROKER, load, settingsOf, told, write } from './config.fixture.js';

const SECRET = 'hunter2hunter2';

function config(more: string, url = 'https://localhost'): string {
  return `${BROKER}subscriptions: [{ filter: a }]\nsubscribers:\n  - { id: a, url: "${url}", topics: [a], ${more} }\n`;
}

function subscriber(more: string): SubscriberSettings {
  return settingsOf(config(more)).subscribers[0]!;
}

describe('where we send to', () => {
  it('auth: exactly one way, sound values, and no second authorization header', () => {
    const wrong = (more: string): string[] => told(config(more));
    assert.deepEqual(wrong('auth: {}'), ['4 subscribers[0].auth: holds neither bearer nor basic']);
    assert.deepEqual(wrong(`auth: { bearer: x, basic: { username: a, password: b } }`), [
      '4 subscribers[0].auth: holds both bearer and basic',
    ]);
    assert.deepEqual(wrong('auth: { bearer: x }, headers: { Authorization: y }'), [
      '4 subscribers[0].auth: stands beside headers.authorization',
    ]);
    const values = wrong(`auth: { bearer: "${SECRET} x", basic: { username: "a:b", password: "${SECRET}\\n" } }`);
    assert.deepEqual(values, [
      '4 subscribers[0].auth.bearer: must be printable ASCII without spaces',
      '4 subscribers[0].auth.basic.username: must not hold a colon or control characters',
      '4 subscribers[0].auth.basic.password: must not hold control characters',
    ]);
    assert.deepEqual(wrong('auth: { basic: { username: a } }'), ['4 subscribers[0].auth.basic.password: is missing']);
  });

  it('a part of an attempt cannot have more time than the whole', () => {
    assert.deepEqual(told(config('timeout: 1s, connectTimeout: 2s, headersTimeout: 1001ms')), [
      '4 subscribers[0].connectTimeout: is longer than timeout, which is for all of it',
      '4 subscribers[0].headersTimeout: is longer than timeout, which is for all of it',
    ]);
  });

  it('a body cannot be a Dapr status and a reply', () => {
    assert.deepEqual(told(config('answers: dapr, reply: true')), [
      '4 subscribers[0].reply: stands beside answers: dapr, and a body cannot be both',
    ]);
    assert.deepEqual(told(config('format: cloudevents-batch, reply: true')), [
      '4 subscribers[0].reply: stands beside format: cloudevents-batch, and a batch has no one to answer',
    ]);
  });

  it('tls: files are read and checked as those of the broker, each at its place', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    write('sending/client.key', key);
    write('sending/text.pem', 'no certificate');
    assert.deepEqual(told(config('tls: { caFile: sending/none.pem, keyFile: sending/client.key }')), [
      '4 subscribers[0].tls.caFile: names a file that does not exist',
      '4 subscribers[0].tls.keyFile: stands without certFile',
    ]);
    assert.deepEqual(told(config('tls: { certFile: sending/text.pem, keyFile: sending/client.key }')), [
      '4 subscribers[0].tls.certFile: names a file that is not a PEM file of its kind',
    ]);
  });

  it('tls: an authority that cannot be read would leave nobody to trust, and is refused', () => {
    const [authority] = rootCertificates;
    const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const text of [damaged, `${authority}\n${damaged}`, authority!.slice(0, -40)]) {
      write('sending/damaged.pem', text);
      assert.deepEqual(told(config('tls: { caFile: sending/damaged.pem }')), [
        '4 subscribers[0].tls.caFile: names a file with a certificate that cannot be read',
      ]);
    }
  });

  it('tls without https is warned of', () => {
    const { warnings } = load(config('tls: { serverName: b }', 'http://localhost'));
    assert.deepEqual(
      warnings.map(({ path, message }) => `${path}: ${message}`),
      ['subscribers[0].tls: has no effect: url does not use TLS'],
    );
  });

  it('left out, everything has its default; the short timeouts are never longer than the whole', () => {
    const { answers, reply, auth, tls, timeoutMs, connectTimeoutMs, headersTimeoutMs } = subscriber('');
    assert.deepEqual([answers, reply, auth, tls], ['status', false, undefined, undefined]);
    assert.deepEqual([timeoutMs, connectTimeoutMs, headersTimeoutMs], [15_000, 5_000, 15_000]);
    const short = subscriber('timeout: 2s');
    assert.deepEqual([short.connectTimeoutMs, short.headersTimeoutMs], [2_000, 2_000]);
  });

  it('given, everything arrives', () => {
    const [authority] = rootCertificates;
    const ca = write('sending/ca.pem', `An authority:\n${authority}\n`);
    const all = subscriber(
      `format: cloudevents-structured, answers: dapr, connectTimeout: 1s, headersTimeout: 3s,
       auth: { basic: { username: a, password: "${SECRET}" } }, tls: { caFile: ${ca}, serverName: b }`,
    );
    assert.deepEqual([all.format, all.answers], ['cloudevents-structured', 'dapr']);
    assert.deepEqual([all.connectTimeoutMs, all.headersTimeoutMs], [1_000, 3_000]);
    assert.deepEqual(all.auth, { basic: { username: 'a', password: SECRET } });
    const tls = { ca: `An authority:\n${authority}\n`, cert: undefined, key: undefined, serverName: 'b' };
    assert.deepEqual(all.tls, tls);
    assert.deepEqual(subscriber('auth: { bearer: abc }, reply: true').auth, { bearer: 'abc' });
  });
});
