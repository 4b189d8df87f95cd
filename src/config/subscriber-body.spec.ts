import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import { SUBSCRIBER_DEFAULTS } from '../domain/subscriber.js';
import { BROKER, settingsOf, told } from './config.fixture.js';
import { parseSubscriber } from './subscriber-body.js';

const GOOD = { url: 'http://localhost:3000/events', topics: ['devices/#'] };

/** The problems of a body that must have some, as pointer and first words. */
function problems(body: unknown, id = 'app'): { [pointer: string]: string } {
  try {
    parseSubscriber(id, body);
  } catch (error) {
    assert.ok(error instanceof HoldfastError && error.code === 'REQUEST_INVALID', String(error));
    const errors = error.details['errors'] as { pointer: string; message: string }[];
    assert.equal(new Set(errors.map(({ pointer }) => pointer)).size, errors.length);
    return Object.fromEntries(errors.map(({ pointer, message }) => [pointer, message]));
  }
  assert.fail('there is no problem');
}

describe('registration.allow', () => {
  it('takes hosts and networks, names what is neither, and is empty by default', () => {
    const allow = ['*.apps.svc.cluster.local', '10.0.0.0/8', 'localhost:3000', '[::1]:80'];
    assert.deepEqual(settingsOf(`${BROKER}registration: { allow: ${JSON.stringify(allow)} }`).registration, { allow });
    assert.deepEqual(settingsOf(BROKER).registration, { allow: [] });
    assert.deepEqual(told(`${BROKER}registration: { allow: ["*", app, "http://app"], alow: [] }`), [
      '2 registration.allow[0]: is neither a host, an address nor a network',
      '2 registration.allow[2]: is neither a host, an address nor a network',
      '2 registration.alow: unknown key',
    ]);
  });
});

describe('a subscriber in a request', () => {
  it('is what the same keys in the file would be', () => {
    const body = {
      ...GOOD,
      startFrom: 17,
      format: 'raw',
      ordering: 'topic',
      concurrency: 3,
      timeout: '5s',
      retry: { schedule: ['1s', '2s'], maxAge: '1h' },
      breaker: { failures: 2 },
      signing: { secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`] },
      headers: { 'X-One': 'a: b # c', empty: '' },
      auth: { basic: { username: 'u', password: 'p' } },
      tls: { serverName: 'app.internal' },
      rateLimit: { perSecond: 2.5 },
      maxBacklog: { records: 10, bytes: '1MiB' },
      reply: true,
      where: { all: [{ exact: { topic: 'a' } }, { not: { prefix: { '/kind': 'x' } } }] },
    };
    const file = settingsOf(`${BROKER}subscribers: [${JSON.stringify({ id: 'app', ...body })}]`);
    assert.deepEqual(parseSubscriber('app', body), file.subscribers[0]);
    assert.deepEqual(parseSubscriber('app', { ...body, id: 'app' }), file.subscribers[0]);
    assert.deepEqual(parseSubscriber('app', { ...GOOD, retry: null }), {
      ...SUBSCRIBER_DEFAULTS,
      id: 'app',
      ...GOOD,
    });
  });

  it('must fit together as in the file', () => {
    const found = problems({
      ...GOOD,
      ...{ ordering: 'key', timeout: '1s', connectTimeout: '2s', reply: true, answers: 'dapr' },
      ...{ auth: { bearer: 'secret', basic: { username: 'secret', password: 'secret' } }, where: { all: [{}] } },
    });
    assert.deepEqual(Object.keys(found).sort(), ['/auth', '/connectTimeout', '/key', '/reply', '/where/all/0']);
    assert.doesNotMatch(JSON.stringify(found), /secret/);
    let where: object = { exact: { topic: 'a' } };
    for (let depth = 1; depth < 8; depth++) where = { all: [where] };
    assert.ok(parseSubscriber('app', { ...GOOD, where }).where);
    assert.match(Object.values(problems({ ...GOOD, where: { not: where } }))[0]!, /nested more than 8 deep/);
  });

  it('every problem is told at once, with a pointer, and without the value', () => {
    const found = problems(
      {
        id: 'other',
        url: 'ftp://secret-host/',
        topics: ['a/#/secret'],
        concurrency: '3',
        retry: { schedule: ['1s', 'secret'] },
        headers: { 'a/b~c': 'x', Host: 'secret', one: 'a', ONE: 'b' },
        signing: { secrets: ['secret'] },
        tmeout: '1s',
        batch: {},
      },
      'Bad Id',
    );
    assert.deepEqual(Object.keys(found).sort(), [
      ...['/batch', '/concurrency', '/headers/Host', '/headers/ONE', '/headers/a~1b~0c', '/id', '/retry/schedule/1'],
      ...['/signing/secrets/0', '/tmeout', '/topics/0', '/url'],
    ]);
    assert.match(found['/tmeout']!, /Did you mean "timeout"/);
    assert.doesNotMatch(JSON.stringify(found), /secret-host|"secret"|#\/secret/);
  });

  it('what is no object, or has nothing in it', () => {
    for (const body of [undefined, null, [], 'x', 1]) assert.deepEqual(Object.keys(problems(body)), ['']);
    assert.deepEqual(Object.keys(problems({})).sort(), ['/topics', '/url']);
  });

  it('references are refused, whatever they name, and nothing is read', () => {
    process.env['HOLDFAST_TEST_SECRET'] = 'leaked';
    const found = problems({
      url: 'http://${HOLDFAST_TEST_SECRET}/',
      topics: ['${HOLDFAST_TEST_SECRET}', '$${x}', '${file:/etc/passwd}', '${'],
      headers: { a: 'Bearer ${NOT_SET_ANYWHERE:-leaked}' },
      ordering: '${HOLDFAST_TEST_SECRET}',
    });
    delete process.env['HOLDFAST_TEST_SECRET'];
    assert.equal(Object.keys(found).length, 7);
    for (const message of Object.values(found)) assert.match(message, /^holds a reference, which only/);
    assert.doesNotMatch(JSON.stringify(found), /leaked|root:/);
  });

  it('keys that name files are refused', () => {
    assert.match(problems({ ...GOOD, tls: { caFile: '/etc/passwd' } })['/tls/caFile']!, /names a file/);
  });

  it('a body of very many keys is refused whole: to tell of each would hold the gateway up', () => {
    const keys = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, 1]));
    for (const body of [keys, { ...GOOD, headers: keys }, { ...GOOD, topics: [[keys]] }]) {
      assert.deepEqual(Object.keys(problems(body)), ['']);
    }
  });

  it('a body that is nested deeply is refused, and does not overflow', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 100_000; i++) deep = [deep];
    assert.ok(Object.values(problems({ ...GOOD, topics: deep })).some((message) => /nested too deeply/.test(message)));
  });
});
