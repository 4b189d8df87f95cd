import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CONTRACT_LIMITS } from '../domain/contract.js';
import { BROKER, directory, load, problemsOf, settingsOf, told, write } from './config.fixture.js';

const TOKENS = 'auth: { tokens: [{ name: app, token: 0123456789abcdef0123456789abcdef, scopes: [read] }] }';

function warnings(text: string): string[] {
  return load(text).warnings.map(({ path, line, message }) => `${line} ${path}: ${message}`);
}

describe('will and birth message', () => {
  it('a topic that nobody can publish to, a payload that is too large or no text, QoS 2', () => {
    const text = `${BROKER}session:
  will: { topic: a/#, payload: 1, qos: 2, delay: 500ms }
  birth:
    payload: "${'ä'.repeat(32_768)}"
    retian: true
`;
    assert.deepEqual(told(text), [
      '3 session.will.topic: is not a topic name: a topic to publish to may not contain the wildcards + or #',
      '3 session.will.payload: must be text',
      '3 session.will.qos: must be a whole number from 0 to 1',
      '3 session.will.delay: must be whole seconds',
      '5 session.birth.topic: is missing',
      '5 session.birth.payload: must not be longer than 65535 bytes',
      '6 session.birth.retian: unknown key',
    ]);
  });

  it('a delay that cannot hold is warned of', () => {
    const will = (session: string, protocol = 'auto'): string[] =>
      warnings(`broker: { url: mqtt://b, protocol: ${protocol} }\nsession: { ${session} }`);
    assert.deepEqual(will('will: { topic: a, delay: 2h }, expiry: 1h'), [
      '2 session.will.delay: is cut short: the session ends before',
    ]);
    assert.deepEqual(will('will: { topic: a, delay: 1s }', '3.1.1'), [
      '2 session.will.delay: has no effect: MQTT 3.1.1 has no delay',
    ]);
    assert.deepEqual(will('will: { topic: a, delay: 1h }, expiry: 1h'), []);
  });

  it('left out there are none; given, they have defaults', () => {
    const { will, birth } = settingsOf(BROKER).session;
    assert.deepEqual([will, birth], [undefined, undefined]);
    const { session } = settingsOf(`${BROKER}session: { will: { topic: a, delay: 5m }, birth: { topic: b, qos: 0 } }`);
    assert.deepEqual(session.will, { topic: 'a', payload: '', qos: 1, retain: false, delaySeconds: 300 });
    assert.deepEqual(session.birth, { topic: 'b', payload: '', qos: 0, retain: false });
  });
});

describe('what publishes may take of the journal', () => {
  it('less than half unless told otherwise, and never what messages that come in need', () => {
    const { outbox } = settingsOf(`${BROKER}journal: { maxSize: 16MiB }`).journal;
    const share = { recordsMax: 100_000, bytesMax: 4 << 20, resultsMax: 8_192, keyBytesMax: 2 << 20 };
    assert.deepEqual(outbox, share);
    const asked = settingsOf(
      `${BROKER}publish: { outbox: { maxRecords: 5, maxBytes: 1MiB, maxResults: 0, maxKeyBytes: 0B } }`,
    ).journal.outbox;
    assert.deepEqual(asked, { recordsMax: 5, bytesMax: 1 << 20, resultsMax: 0, keyBytesMax: 0 });
    assert.equal(settingsOf(`${BROKER}publish: { outbox: { maxRecords: 5 } }`).publish.batchMax, 5);
    assert.equal(settingsOf(`${BROKER}publish: { request: { maxWaiting: 5 } }`).publish.request!.perTokenMax, 3);
    for (const key of ['maxBytes: 13MiB', 'maxKeyBytes: 13MiB', 'maxResults: 100000']) {
      assert.deepEqual(told(`${BROKER}journal: { maxSize: 16MiB }\npublish: { outbox: { ${key} } }`), [
        '3 publish.outbox: leaves less than a quarter of journal.maxSize for messages that come in',
      ]);
    }
  });
});

describe('a batch that is larger than the outbox', () => {
  it('is warned of where it is given, and not where it is the default', () => {
    const warned = (keys: string): string[] =>
      load(`${BROKER}publish: { ${keys}outbox: { maxRecords: 500 } }`).warnings.map(
        ({ line, path, message }) => `${line} ${path}: ${message}`,
      );
    assert.deepEqual(warned('maxBatch: 1000, '), [
      '2 publish.maxBatch: is more than publish.outbox.maxRecords, and no batch may have more than that',
    ]);
    assert.deepEqual(warned('maxBatch: 500, '), []);
    assert.deepEqual(warned(''), []);
  });
});

describe('where we listen', () => {
  it('REST beyond loopback is refused without auth, and none must be said in words', () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.7', 'gateway', '127.0.0.1.example.com', '0', '""']) {
      const problems = problemsOf(`${BROKER}http: { host: "${host.replaceAll('"', '')}" }`);
      assert.equal(problems[0]!.path, 'http.host', host);
    }
    const [problem] = problemsOf(`${BROKER}http:\n  host: 0.0.0.0\n`);
    assert.deepEqual([problem!.line, problem!.message], [3, 'is not loopback, and http.auth is missing']);
    assert.match(problem!.mend, /tokens.*127\.0\.0\.1.*http\.auth: none/);
    assert.deepEqual(told(`${BROKER}http: { host: 0.0.0.0, auth: }`), [
      '2 http.host: is not loopback, and http.auth is missing',
    ]);
    assert.equal(settingsOf(`${BROKER}http: { host: 0.0.0.0, auth: none }`).http.auth, 'none');
    assert.equal(typeof settingsOf(`${BROKER}http: { host: 0.0.0.0, ${TOKENS} }`).http.auth, 'object');
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) {
      assert.equal(settingsOf(`${BROKER}http: { host: "${host}" }`).http.auth, undefined);
    }
    assert.equal(settingsOf(`${BROKER}http: { host: "[::1]" }`).http.host, '::1');
  });

  it('one port for both is refused where they would meet, and told beside what else is wrong', () => {
    assert.deepEqual(told(`${BROKER}http: { host: 0.0.0.0, port: 9090 }`), [
      '1 ops.port: is the same as http.port',
      '2 http.host: is not loopback, and http.auth is missing',
    ]);
    assert.deepEqual(told(`${BROKER}http: { port: 81 }\nops: { host: 127.0.0.1, port: 81 }`), [
      '3 ops.port: is the same as http.port',
    ]);
    settingsOf(`${BROKER}http: { port: 0 }\nops: { port: 0 }`);
    settingsOf(`${BROKER}http: { host: 127.0.0.1, port: 81 }\nops: { host: 192.168.0.7, port: 81 }`);
  });

  it('tokens: names and tokens are used once, scopes are known, short ones are warned of', () => {
    const token = 'x'.repeat(32);
    const text = `${BROKER}http:
  auth:
    tokens:
      - { name: a, token: ${token}, scopes: [read] }
      - { name: a, token: ${token}, scopes: [write] }
      - { name: b, token: "with space", scopes: [] }
      - { name: c, scopes: [read] }
`;
    assert.deepEqual(told(text), [
      '6 http.auth.tokens[1].name: is the same as an earlier one',
      '6 http.auth.tokens[1].token: is the same as an earlier one',
      '6 http.auth.tokens[1].scopes[0]: must be one of publish, read, admin',
      '7 http.auth.tokens[2].token: must be printable ASCII without spaces',
      '7 http.auth.tokens[2].scopes: needs at least 1',
      '8 http.auth.tokens[3].token: is missing',
    ]);
    assert.deepEqual(warnings(`${BROKER}http: { auth: { tokens: [{ name: a, token: short, scopes: [read] }] } }`), [
      '2 http.auth.tokens[0].token: is shorter than 16 characters',
    ]);
  });
});

describe('the link', () => {
  it('without a broker, or with both url and urls, there is nothing to connect to', () => {
    assert.deepEqual(told('log:\n'), ['1 broker.url: is missing']);
    assert.deepEqual(told('broker:\n'), ['1 broker.url: is missing']);
    assert.deepEqual(told('broker: { urls: [] }'), ['1 broker.urls: needs at least 1']);
    assert.deepEqual(told('broker: { url: mqtt://a, urls: [mqtt://b] }'), ['1 broker.urls: stands beside url']);
    assert.deepEqual(settingsOf('broker: { urls: [mqtt://a, wss://b/mqtt] }').broker.urls, [
      'mqtt://a',
      'wss://b/mqtt',
    ]);
  });

  it('an address with another protocol, no host, port 0 or credentials is refused', () => {
    const message = (url: string): string => told(`broker: { url: "${url}" }`)[0]!.replace('1 broker.url: ', '');
    assert.match(message('http://broker'), /must start with/);
    assert.match(message('mqtt:broker'), /must start with/);
    assert.match(message('broker:1883'), /must start with/);
    assert.equal(message('mqtt://'), 'is not an address');
    assert.equal(message('mqtt://a b'), 'is not an address');
    assert.equal(message('mqtt://broker:99999'), 'is not an address');
    assert.equal(message('mqtt://broker:0'), 'names port 0, where nothing can listen');
    assert.equal(message('mqtt://user@broker'), 'must not hold credentials; use broker.username and broker.password');
  });

  it('a session that would not be kept is refused: expiry 0 with MQTT 5', () => {
    const message = 'session.expiry: must not be 0: the session would not be kept';
    assert.deepEqual(told(`${BROKER}session: { expiry: 0s }`), [`2 ${message}`]);
    assert.deepEqual(told(`${BROKER}session: { expiry: 0 }`), [`2 ${message}`]);
    assert.deepEqual(told('broker: { url: mqtt://a, protocol: 5 }\nsession: { expiry: 0s }'), [`2 ${message}`]);
    settingsOf('broker: { url: mqtt://a, protocol: 3.1.1 }\nsession: { expiry: 0s }');
  });

  it('waits between connects must fit together', () => {
    assert.deepEqual(told(`${BROKER}session: { reconnect: { initial: 31s } }`), [
      '2 session.reconnect.max: is shorter than reconnect.initial',
    ]);
  });

  it('a password needs a user name, unless the protocol is 5', () => {
    assert.deepEqual(told('broker: { url: mqtt://a, password: x }'), [
      '1 broker.password: stands without username, which MQTT 3.1.1 forbids',
    ]);
    assert.equal(settingsOf('broker: { url: mqtt://a, password: x, protocol: 5 }').broker.password, 'x');
  });

  it('what has no effect is warned of', () => {
    const text = 'broker: { url: mqtt://a, tls: { serverName: b }, wsHeaders: { a: b } }';
    assert.deepEqual(warnings(text), [
      '1 broker.tls: has no effect: no address uses TLS',
      '1 broker.wsHeaders: has no effect: no address is a WebSocket',
    ]);
    assert.deepEqual(
      warnings('broker: { urls: [mqtt://a, wss://a], tls: { serverName: b }, wsHeaders: { a: b } }'),
      [],
    );
  });

  it('headers that the gateway sets itself, and what no header may hold, are refused', () => {
    const text = 'broker: { url: ws://a, wsHeaders: { Host: a, sec-websocket-key: a, "a b": c, d: "e\\nf" } }';
    assert.deepEqual(told(text), [
      '1 broker.wsHeaders.Host: is a header that the gateway sets itself',
      '1 broker.wsHeaders.sec-websocket-key: is a header that the gateway sets itself',
      '1 broker.wsHeaders["a b"]: is not a header name',
      '1 broker.wsHeaders.d: has characters that no header may have',
    ]);
  });
});

describe('TLS', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  write('tls/key.pem', key);
  write('tls/words.pem', 'no PEM at all');
  write('tls/cert.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const tls = (text: string): string => `broker: { url: mqtts://a, tls: { ${text} } }`;

  it('a certificate without its key, or a key without its certificate, is refused', () => {
    assert.deepEqual(told(tls('certFile: tls/cert.pem')), ['1 broker.tls.certFile: stands without keyFile']);
    assert.deepEqual(told(tls('keyFile: tls/key.pem')), ['1 broker.tls.keyFile: stands without certFile']);
  });

  it('a file that is missing, or of another kind, is refused', () => {
    assert.deepEqual(told(tls('caFile: nowhere.pem, certFile: tls/words.pem, keyFile: tls/cert.pem')), [
      '1 broker.tls.caFile: names a file that does not exist',
      '1 broker.tls.certFile: names a file that is not a PEM file of its kind',
      '1 broker.tls.keyFile: names a file that is not a PEM file of its kind',
    ]);
  });

  it('a key that does not fit the certificate is refused', () => {
    assert.deepEqual(told(tls('certFile: tls/cert.pem, keyFile: tls/key.pem')), [
      '1 broker.tls.keyFile: is not an unencrypted private key that fits certFile',
    ]);
  });
});

describe('from subscription to subscriber', () => {
  it('filters that overlap are refused, and told with the line of the other', () => {
    const text = `${BROKER}subscriptions:
  - { filter: a/+ }
  - { filter: a/b }
  - { filter: $share/g/a/# }
  - { filter: b/# }
`;
    assert.deepEqual(told(text), [
      '4 subscriptions[1].filter: overlaps subscriptions[0].filter (line 3): brokers may send such messages more than once',
      '5 subscriptions[2].filter: overlaps subscriptions[0].filter (line 3): brokers may send such messages more than once',
    ]);
    settingsOf(`${BROKER}subscriptions: [{ filter: a/+ }, { filter: a/b, overlap: allow }]`);
    settingsOf(`${BROKER}subscriptions: [{ filter: a/+, overlap: allow }, { filter: a/b }]`);
  });

  it('the gateway’s own topics are for its subscribers: not asked of the broker, and not published to it', () => {
    const filters = ['$holdfast/link/gap', '$share/g/$holdfast/#', '$holdfast', '$holdfast/+/gap'];
    const own = 'reaches what is not the broker’s: topics below $holdfast/ are the gateway’s own';
    for (const filter of filters) {
      assert.deepEqual(told(`${BROKER}subscriptions: [{ filter: "${filter}" }]`), [
        `2 subscriptions[0].filter: ${own}`,
      ]);
    }
    assert.deepEqual(told(`${BROKER}publish: { allow: [$holdfast/#] }`), [`2 publish.allow[0]: ${own}`]);
    for (const of of ['canary', 'will', 'birth']) {
      assert.match(told(`${BROKER}session: { ${of}: { topic: $holdfast/a } }`)[0]!, /the gateway’s own$/);
    }
    settingsOf(`${BROKER}subscriptions: [{ filter: "#" }, { filter: $SYS/x }]\npublish: { allow: ["#", "$SYS/x"] }`);
  });

  it('the same filter twice is refused even where overlaps are allowed, and told once', () => {
    const text = `${BROKER}subscriptions: [{ filter: a, overlap: allow }, { filter: a, overlap: allow }]`;
    assert.deepEqual(told(text), ['2 subscriptions[1].filter: is the same filter as subscriptions[0].filter (line 2)']);
  });

  it('names and ids are used once', () => {
    const text = `${BROKER}subscriptions: [{ filter: a }, { filter: b, name: a }]
subscribers:
  - { id: x, url: "http://localhost", topics: [a] }
  - { id: x, url: "http://localhost", topics: [a] }
`;
    assert.deepEqual(told(text), [
      '2 subscriptions[1].name: is the same as in subscriptions[0]',
      '5 subscribers[1].id: is the same as in subscribers[0]',
    ]);
  });

  it('a contract that is not there, has two rules, or names no file is refused', () => {
    write('there.json', '{}');
    const text = `${BROKER}subscriptions: [{ filter: a, contract: b }]
contracts:
  one: { schema: there.json, class: there.json#A }
  two: { schema: ${'x'.repeat(300)} }
  three: { class: there.json/deeper#A }
  four: { class: there.json }
  five: { schema: "." }
`;
    assert.deepEqual(told(text), [
      '2 subscriptions[0].contract: names no contract',
      '4 contracts.one.class: stands beside schema',
      '5 contracts.two.schema: names no existing file',
      '6 contracts.three.class: names no existing file',
      '7 contracts.four.class: must be written file#Export',
      '8 contracts.five.schema: names no existing file',
    ]);
  });

  it('a format that its rules cannot check, and protobuf that is missing, needless or leads nowhere, are refused', () => {
    write('there.json', '{}');
    write('there.proto', '');
    const text = `${BROKER}contracts:
  one: { format: bytes, schema: there.json }
  two: { format: text, class: there.json#A }
  three: { format: protobuf }
  four: { protobuf: { file: there.proto, message: a.B } }
  five: { format: auto, protobuf: { file: gone.proto, message: "a b", root: there.json } }
  six: { format: auto, protobuf: { file: gone.proto, message: a.B, root: there.json } }
  seven: { format: text, schema: there.json }
`;
    assert.deepEqual(told(text), [
      '3 contracts.one.schema: stands beside format: bytes, which it cannot check',
      '4 contracts.two.class: stands beside format: text, which it cannot check',
      '5 contracts.three.format: is protobuf, and the key protobuf is missing',
      '6 contracts.four.protobuf: stands beside format: json',
      '7 contracts.five.protobuf.message: is not the name of a message',
      '8 contracts.six.protobuf.file: names no existing file',
      '8 contracts.six.protobuf.root: names no existing folder',
    ]);
  });

  it('formats, compression and limits become settings, with the defaults of those left out', () => {
    const file = write('protos/a/there.proto', '');
    const text = `${BROKER}contracts:
  one: { format: auto, compression: gzip, protobuf: { file: protos/a/there.proto, message: a.B, root: protos } }
  two: { protobuf: { file: protos/a/there.proto, message: a.B }, format: protobuf, limits: { maxBytes: 1KiB, budget: 50ms } }
`;
    const [one, two] = settingsOf(text).contracts;
    assert.deepEqual(
      [one!.format, one!.compression, one!.protobuf],
      ['auto', 'gzip', { file, root: join(directory, 'protos'), message: 'a.B' }],
    );
    assert.deepEqual(one!.limits, CONTRACT_LIMITS);
    assert.equal(two!.protobuf!.root, join(directory, 'protos/a'));
    assert.deepEqual(two!.limits, { ...CONTRACT_LIMITS, maxBytes: 1_024, budgetMs: 50 });
  });

  it('redact takes JSON pointers, in which * is a step like any other', () => {
    const contract = (redact: string): string => `${BROKER}contracts: { one: { redact: [${redact}] } }\n`;
    assert.deepEqual(settingsOf(contract('/owner/pin, /list/*/key')).contracts[0]!.redact, [
      '/owner/pin',
      '/list/*/key',
    ]);
    assert.deepEqual(told(contract('pin, /a~b')), [
      '2 contracts.one.redact[0]: is not a JSON pointer: a JSON pointer starts with /',
      '2 contracts.one.redact[1]: is not a JSON pointer: in a JSON pointer ~ is written ~0, and / within a name ~1',
    ]);
  });

  it('subscribers: no shared filter, no list without topics, no header in two spellings', () => {
    const text = `${BROKER}subscriptions: [{ filter: a }]
subscribers:
  - { id: a, url: "http://localhost", topics: [$share/g/a] }
  - { id: b, url: "http://localhost", topics: [] }
  - { id: c, url: "http://localhost", topics: [a], headers: { X-A: "1", x-a: "2", Webhook-Id: "3" } }
  - { id: d, url: "http://localhost", topics: [a], startFrom: 2026-01-31T12:00:00, signing: { secrets: [whsec_AAAA] } }
`;
    assert.deepEqual(told(text), [
      '4 subscribers[0].topics[0]: may not be a shared filter: only subscriptions share',
      '5 subscribers[1].topics: needs at least 1',
      '6 subscribers[2].headers.x-a: is here twice, in other letters',
      '6 subscribers[2].headers.Webhook-Id: is a header that the gateway sets itself',
      '7 subscribers[3].startFrom: must be now, earliest, a position or a time',
      '7 subscribers[3].signing.secrets[0]: must hold 24 to 64 bytes after whsec_',
    ]);
  });
});
