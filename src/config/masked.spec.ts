import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Settings } from '../domain/settings.js';
import { settingsOf } from './config.fixture.js';
import { MASK, maskedSettings } from './masked.js';

const MARKER = 'm4rker';

const FULL = `
broker:
  url: mqtts://broker.example:8883/?key=${MARKER}
  username: ${MARKER}
  password: ${MARKER}
  wsHeaders: { x-key: ${MARKER} }
session:
  clientId: gateway
  birth: { topic: t/birth, payload: ${MARKER}, qos: 1, retain: true }
  will: { topic: t/will, payload: ${MARKER}, qos: 1, retain: true, delay: 5s }
subscriptions: [{ filter: devices/+/telemetry, contract: readings }]
contracts: { readings: { format: json, limits: { maxBytes: 1MiB } } }
subscribers:
  - id: app
    url: https://app.example/in?token=${MARKER}
    topics: ['#']
    headers: { x-key: ${MARKER} }
    auth: { basic: { username: ${MARKER}, password: ${MARKER} } }
    signing: { secrets: ['whsec_bTRya2VybTRya2VybTRya2VybTRya2Vy'] }
    batch: { maxMessages: 10, maxBytes: 64KiB, maxWait: 50ms }
    format: cloudevents-batch
publish: { allow: ['commands/#'] }
tracing: { endpoint: 'http://127.0.0.1:4318/in?key=${MARKER}', headers: { x-key: ${MARKER} } }
http:
  auth: { tokens: [{ name: operator, token: ${MARKER}-${MARKER}-${MARKER}-${MARKER}, scopes: [read] }] }
`;

/** Every text of the settings replaced by where it stands. */
function marked(value: unknown, path: string): unknown {
  if (typeof value === 'string') return `marker:${path}`;
  if (Array.isArray(value)) return value.map((one) => marked(one, `${path}.*`));
  if (typeof value !== 'object' || value === null) return value;
  const named = /(headers|wsHeaders)$/.test(path);
  const entries = Object.entries(value).map(
    ([key, one]) => [key, marked(one, `${path}.${named ? '*' : key}`)] as const,
  );
  return Object.fromEntries(entries);
}

describe('the settings as they may be shown', () => {
  it('no secret is in them, wherever one may stand', () => {
    const text = JSON.stringify(maskedSettings(settingsOf(FULL)));
    assert.doesNotMatch(text, new RegExp(`${MARKER}|whsec|bTRya2`));
    assert.ok(text.includes(`mqtts://broker.example:8883/?${MASK}`), text);
    assert.ok(text.includes(`https://app.example/in?${MASK}`), text);
  });

  it('of the texts of a setting only those are shown that are known to be harmless, new ones not', () => {
    const settings = settingsOf(FULL);
    const tls = { ca: 'x', cert: 'x', key: 'x', serverName: 'x' };
    const more = { ...settings.subscribers[0]!, tls, somethingNew: { inIt: 'x' } };
    const full = {
      ...settings,
      broker: { ...settings.broker, tls },
      subscribers: [more],
    };
    const text = JSON.stringify(maskedSettings(marked(full, '') as Settings));
    const shown = [...new Set([...text.matchAll(/marker:\.([\w.*-]+)/g)].map(([, path]) => path!))].sort();
    assert.deepEqual(shown, [
      ...['broker.protocol', 'broker.tls.serverName'],
      ...['contracts.*.compression', 'contracts.*.format', 'contracts.*.mode', 'contracts.*.name'],
      ...['http.auth.tokens.*.name', 'http.auth.tokens.*.scopes.*', 'http.host'],
      ...['journal.directory', 'journal.whenFull', 'log.format', 'log.level', 'ops.host', 'publish.allow.*'],
      ...['session.birth.topic', 'session.clientId', 'session.will.topic'],
      ...['subscribers.*.answers', 'subscribers.*.format', 'subscribers.*.id', 'subscribers.*.ordering'],
      ...['subscribers.*.payload', 'subscribers.*.startFrom', 'subscribers.*.tls.serverName', 'subscribers.*.topics.*'],
      ...['subscriptions.*.contract', 'subscriptions.*.filter', 'subscriptions.*.name', 'subscriptions.*.overlap'],
      'tracing.service',
    ]);
  });

  it('keys and units are those of the file', () => {
    const file = fileURLToPath(new URL('../../../../config/gateway.example.yaml', import.meta.url));
    const example = parse(readFileSync(file, 'utf8')) as { [section: string]: { [key: string]: unknown } };
    const masked = maskedSettings(settingsOf(FULL)) as typeof example;
    for (const section of ['session', 'journal', 'publish', 'http', 'ops', 'log', 'tracing']) {
      const unknown = Object.keys(masked[section]!).filter((key) => !(key in example[section]!));
      assert.deepEqual(
        unknown.filter((key) => !['will', 'birth', 'auth', 'tls', 'endpoint'].includes(key)),
        [],
        section,
      );
    }
    const { session, journal, publish, http, contracts } = masked;
    const [subscriber] = masked['subscribers'] as unknown as object[];
    const wanted = { session, journal, publish, http, contracts, subscriber };
    const found = JSON.parse(JSON.stringify(wanted)) as { [section: string]: { [key: string]: unknown } };
    assert.equal(found['session']!['expiry'], '1d');
    assert.deepEqual(found['session']!['reconnect'], {
      initial: '500ms',
      max: '30s',
      refused: '30s',
      conflict: '1m',
      banned: '5m',
    });
    assert.equal((found['session']!['will'] as { delay: string }).delay, '5s');
    assert.deepEqual([found['journal']!['maxSize'], found['journal']!['retention']], ['1GiB', '1d']);
    const request = { timeout: '10s', maxTimeout: '1m', maxWaiting: 1_000, maxPerToken: 500 };
    assert.deepEqual(found['publish']!['request'], request);
    assert.deepEqual(found['publish']!['inFlight'], { maxRecords: 10_000, maxBytes: '32MiB' });
    assert.equal((found['publish']!['outbox'] as { maxKeyBytes: string }).maxKeyBytes, '128MiB');
    assert.equal((found['http']!['limits'] as { headers: string }).headers, '16KiB');
    assert.equal((found['contracts']!['readings'] as { limits: { maxBytes: string } }).limits.maxBytes, '1MiB');
    assert.deepEqual(found['subscriber']!['batch'], { maxMessages: 10, maxWait: '50ms', maxBytes: '64KiB' });
    assert.deepEqual((found['subscriber']!['retry'] as { schedule: unknown }).schedule, [
      '1s',
      '5s',
      '30s',
      '2m',
      '10m',
      '1h',
    ]);
  });
});
