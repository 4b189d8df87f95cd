import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PUBLISH_BATCH_MAX, PUBLISHES_IN_FLIGHT, REQUEST_DEFAULTS, TOPIC_LEVELS_MAX } from '../domain/settings.js';
import { BROKER, directory, load, problemsOf, settingsOf, told, write } from './config.fixture.js';
import { loadSettings } from './load.js';
import { formatProblems } from './problem.js';

describe('a configuration with problems', () => {
  it('all of them are told at once, in the order of the file, each with its path, line and mend', () => {
    const text = `broker:
  url: http://broker
  protocol: 4
sesion: {}
session:
  keepalive: 30
  adopt: maybe
  receiveMaximum: "7"
subscriptions:
  - { filter: a/#/b }
  - { name: x }
  - 7
subscribers:
  - id: Billing
    url: [http://localhost]
    topics: a
    retry: { schedule: [1s, soon], maxAge: 72h }
log: { level: loud }
`;
    assert.deepEqual(told(text), [
      '2 broker.url: must start with mqtt:// or mqtts:// or ws:// or wss://',
      '3 broker.protocol: must be one of 5, 3.1.1, auto',
      '4 sesion: unknown key',
      '6 session.keepalive: must be a duration: a whole number and ms, s, m, h or d',
      '7 session.adopt: must be true or false',
      '8 session.receiveMaximum: must be a whole number from 1 to 65535',
      '10 subscriptions[0].filter: is not a topic filter: # must be the last level',
      '11 subscriptions[1].filter: is missing',
      '12 subscriptions[2]: must be a mapping',
      '14 subscribers[0].id: must be lower-case letters, digits, ".", "_" or "-"',
      '15 subscribers[0].url: must be a single value',
      '16 subscribers[0].topics: must be a list',
      '17 subscribers[0].retry.schedule[1]: must be a duration: a whole number and ms, s, m, h or d',
      '18 log.level: must be one of trace, debug, info, warn, error, fatal',
    ]);
  });

  it('a key that is nearly right is answered with the one that was meant, any other with those there are', () => {
    const meant = (text: string): string => problemsOf(BROKER + text)[0]!.mend;
    assert.equal(meant('sesion: {}'), 'Did you mean "session"?');
    assert.equal(meant('session: { keep-alive: 30s }'), 'Did you mean "keepalive"?');
    assert.equal(meant('session: { CLIENTID: a }'), 'Did you mean "clientId"?');
    assert.equal(
      meant('publish: { quota: 1 }'),
      'Known keys here: allow, contracts, maxPayload, maxTopicLevels, wait, checkWait, maxBatch, inFlight, outbox, request.',
    );
    const names = 'subscriptions: [{ filter: a, contract: telemetri }]\ncontracts: { telemetry: }';
    assert.equal(meant(names), 'Did you mean "telemetry"?');
  });

  it('YAML that cannot be read is told with its line, in words of our own', () => {
    const secret = 'hunter2hunter2';
    const broken: [text: string, problem: string][] = [
      [`a: 1\nb: "${secret}`, '2 : a quote, comma, bracket, colon or space is missing'],
      [`a:\n\t- ${secret}\n`, '2 : a tab may not indent'],
      [`broker: !${secret} x\n`, '1 : tags (!) mean nothing here'],
      [`${BROKER}---\nb: ${secret}\n`, '2 : the file holds more than one YAML document'],
      [`broker: [${secret}\n`, '2 : the indentation does not fit'],
      [`${BROKER}log: { level: \${${secret}} }\n`, '2 : this does not belong here'],
    ];
    for (const [text, problem] of broken) assert.deepEqual(told(text), [problem]);
  });

  it('a mistake is told once, not with every token that stumbles over it', () => {
    const text = 'a: "\\q \\q"\nb: "\\q"\nlog: { level: ${X}, format: ${X} }\nops: 5\n';
    assert.deepEqual(told(text), ['1 : this is not an escape sequence', '2 : this is not an escape sequence']);
  });

  it('an alias that names no anchor is told, not taken for an empty value', () => {
    assert.deepEqual(told('broker: { url: mqtt://localhost, username: &name a, password: *nam }\nlog: *other\n'), [
      '1 broker.password: this alias (*) names no anchor (&)',
      '2 log: this alias (*) names no anchor (&)',
    ]);
  });

  it('a key that is there twice is told where it is the second time', () => {
    assert.deepEqual(told(`${BROKER}log: { level: info }\nlog: { level: warn }\n`), ['3 : this key is here twice']);
  });

  it('a file that is missing, a folder, too large or not UTF-8 is a problem like any other', () => {
    const first = (path: string): string => {
      const loaded = loadSettings(path, {});
      assert.ok('problems' in loaded);
      assert.equal(loaded.problems.length, 1);
      const [{ message, line }] = loaded.problems as [(typeof loaded.problems)[0]];
      return `${line} ${message}`;
    };
    mkdirSync(join(directory, 'folder.yaml'));
    assert.equal(first(join(directory, 'nowhere.yaml')), '0 the file does not exist');
    assert.equal(first(join(directory, 'folder.yaml')), '0 the file is not a regular file');
    assert.equal(first(write('large.yaml', '#'.repeat(4 * 2 ** 20 + 1))), '0 the file is larger than 4194304 bytes');
    const latin = Buffer.from('log: {}\n# caf\u00e9\n', 'latin1');
    assert.equal(first(write('latin.yaml', latin)), '2 the file is not UTF-8 text');
    assert.equal(first('no\0where'), '0 the file cannot be read (ERR_INVALID_ARG_VALUE)');
  });

  it('a document that is no mapping, or nested beyond reason, is a problem', () => {
    assert.deepEqual(told('- a\n- b\n')[0], '1 : must be a mapping');
    assert.deepEqual(told('just words\n')[0], '1 : must be a mapping');
    assert.match(told('['.repeat(10_000)).join(), /nested too deeply|bracket/);
  });

  it('problems read well in a terminal and in a file', () => {
    const [problem] = problemsOf(`${BROKER}log: { level: loud }`);
    const text = formatProblems('gateway.yaml', [problem!], false);
    assert.equal(
      text,
      'gateway.yaml:2:15  log.level  must be one of trace, debug, info, warn, error, fatal\n' +
        '    mend: Write "trace" or "debug" or "info" or "warn" or "error" or "fatal".\n',
    );
    // eslint-disable-next-line no-control-regex -- that is what colours are made of
    assert.equal(formatProblems('gateway.yaml', [problem!], true).replace(/\u001b\[\d+m/g, ''), text);
    assert.equal(formatProblems('gateway.yaml', [{ ...problem!, line: 0 }], false).split('  ')[0], 'gateway.yaml');
  });
});

describe('a configuration without problems', () => {
  it('needs nothing but a broker: everything else has the documented default', () => {
    const settings = settingsOf(BROKER);
    assert.deepEqual(settings.broker.urls, ['mqtt://localhost']);
    assert.deepEqual(settings.session, {
      clientId: '',
      adopt: false,
      expiryMs: 86_400_000,
      keepaliveMs: 30_000,
      receiveMaximum: 1_024,
      maxPacketBytes: 2 ** 20,
      reconnect: { initialMs: 500, maxMs: 30_000, refusedMs: 30_000, conflictMs: 60_000, bannedMs: 300_000 },
      canary: undefined,
    });
    assert.deepEqual(settings.publish, {
      allow: [],
      contracts: [],
      maxPayloadBytes: 256 * 1_024,
      topicLevelsMax: TOPIC_LEVELS_MAX,
      waitMs: 5_000,
      checkWaitMs: 5_000,
      batchMax: PUBLISH_BATCH_MAX,
      inFlight: PUBLISHES_IN_FLIGHT,
      request: { ...REQUEST_DEFAULTS, responseTopic: undefined },
    });
    assert.deepEqual(settings.http, {
      host: '127.0.0.1',
      port: 8_080,
      auth: undefined,
      allowedHosts: [],
      limits: {
        connections: 1_000,
        headerBytes: 16_384,
        headersTimeoutMs: 10_000,
        requestTimeoutMs: 60_000,
        keepAliveMs: 72_000,
        inHandBytes: 32 * 1_024 * 1_024,
        stallTimeoutMs: 60_000,
      },
      stream: { maxClients: 20, maxPerToken: 10, stallTimeoutMs: 60_000 },
    });
    assert.deepEqual(settings.ops, {
      host: '0.0.0.0',
      port: 9_090,
      stallLimitMs: 600_000,
      readyNeedsLink: false,
      drainMs: 20_000,
    });
    const { retentionMs, failedRetentionMs, whenFull } = settings.journal;
    assert.deepEqual([retentionMs, failedRetentionMs, whenFull], [86_400_000, 30 * 86_400_000, 'hold']);
  });

  it('relative paths are relative to the file, absolute ones stay as they are', () => {
    const schema = write('contracts/a.json', '{}');
    write('contracts/b.js', '');
    const text = `${BROKER}contracts:
  a: { schema: contracts/a.json }
  b: { class: ./contracts/b.js#B }
  c: { schema: ${schema} }
journal: { directory: ../elsewhere }
`;
    const { contracts, journal } = settingsOf(text);
    assert.deepEqual(
      contracts.map((one) => one.schemaFile ?? one.class),
      [schema, { file: join(directory, 'contracts/b.js'), export: 'B' }, schema],
    );
    assert.equal(journal.directory, join(directory, '../elsewhere'));
  });

  it('keys without a value, empty contracts, anchors, a byte order mark and CRLF are all fine', () => {
    const text = `\ufeffbroker: { url: mqtt://localhost }
session:
subscriptions:
  - &one { filter: a, contract: any }
subscribers:
contracts:
  any:
`.replaceAll('\n', '\r\n');
    const { subscriptions, contracts, subscribers } = settingsOf(text);
    assert.equal(subscriptions[0]!.contract, 'any');
    assert.deepEqual([contracts.length, subscribers.length], [1, 0]);
  });

  it('words that look like numbers are words: protocol 5, startFrom 17', () => {
    const text = `broker: { url: mqtt://localhost, protocol: 5 }
subscriptions: [{ filter: a }]
subscribers:
  - { id: a, url: "http://localhost", topics: [a], startFrom: 17 }
  - { id: b, url: "http://localhost", topics: [a], startFrom: 2026-01-31T12:00:00+01:00 }
  - { id: c, url: "http://localhost", topics: [a], startFrom: earliest }
`;
    const { broker, subscribers } = settingsOf(text);
    assert.equal(broker.protocol, '5');
    assert.deepEqual(
      subscribers.map(({ startFrom }) => startFrom),
      [{ position: 17 }, { time: Date.UTC(2026, 0, 31, 11) }, 'earliest'],
    );
  });

  it('warnings do not stop it', () => {
    const loaded = load(`${BROKER}subscribers: [{ id: a, url: "http://localhost", topics: [a/b] }]`);
    assert.ok('settings' in loaded);
    assert.deepEqual(
      loaded.warnings.map(({ path, line, message }) => `${line} ${path}: ${message}`),
      ['2 subscribers[0].topics[0]: matches no topic that any subscription brings'],
    );
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const ahead = load(
      `${BROKER}subscribers: [{ id: a, url: "http://localhost", topics: [$holdfast/#], startFrom: ${later} }]`,
    );
    assert.deepEqual(
      ahead.warnings.map(({ path, message }) => `${path}: ${message}`),
      ['subscribers[0].startFrom: is in the future: a new subscriber starts now'],
    );
  });
});
