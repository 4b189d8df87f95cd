/** The pods are rolled by what takes a restart, and by nothing that the gateway puts in force while it runs. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadSettings } from '../../src/config/index.js';
import { frameOf } from '../../src/contracts-in-force.js';
import type { Settings } from '../../src/domain/settings.js';
import { planReload } from '../../src/reload-plan.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { render, type Values } from './helm.js';
import { the, type Manifest, type StatefulSet } from './manifests.js';

const checksumOf = (made: Manifest[]): string | undefined =>
  the<StatefulSet>(made, 'StatefulSet').spec.template.metadata.annotations!['checksum/config'];

function settingsOf(made: Manifest[]): Settings {
  const file = join(scratchDirectory('config'), 'gateway.yaml');
  writeFileSync(file, the(made, 'ConfigMap').data!['gateway.yaml']!);
  const loaded = loadSettings(file, { POD_NAME: 'gw-holdfast-0' });
  assert.ok('settings' in loaded, JSON.stringify(loaded));
  return loaded.settings;
}

/** What the gateway says that it cannot put in force without a restart. */
function needsRestart(before: Manifest[], after: Manifest[]): string[] {
  const started = settingsOf(before);
  const inForce = { frame: frameOf(started), subscribers: started.subscribers, http: started.http };
  const files = { answers: new Map(), looked: new Set<string>() };
  return planReload(inForce, files, started, settingsOf(after), started.broker).needsRestart;
}

const tokens = (...names: string[]): Values => ({
  auth: { tokens: names.map((name) => ({ name, token: name.repeat(32), scopes: ['read'] })) },
});
const exposed = { host: '0.0.0.0' };
const subscribers = [{ id: 'a', url: 'http://a.svc', topics: ['#'] }];

const RELOADED: [what: string, from: Values, to: Values][] = [
  ['contracts', {}, { contracts: { t: { format: 'text' } } }],
  ['subscribers', { subscribers }, { subscribers: [{ ...subscribers[0], url: 'http://b.svc' }] }],
  ['the first subscriber', {}, { subscribers }],
  ['subscriptions', { subscriptions: [{ filter: 'a/#' }] }, { subscriptions: [{ filter: 'b/#', qos: 2 }] }],
  [
    'publish.contracts',
    { contracts: { t: {} } },
    { contracts: { t: {} }, publish: { contracts: [{ filter: 'a', contract: 't' }] } },
  ],
  ['tokens', { http: { ...exposed, ...tokens('a') } }, { http: { ...exposed, ...tokens('a', 'b') } }],
];
const RESTARTED: [what: string, from: Values, to: Values][] = [
  ['the broker’s address', {}, { broker: { url: 'mqtt://other:1883' } }],
  ['a user name that stands in the file', {}, { broker: { username: 'other' } }],
  ['session', {}, { session: { expiry: '48h' } }],
  ['journal', {}, { journal: { retention: '1h' } }],
  ['publish.allow', {}, { publish: { allow: ['a'] } }],
  ['publish.wait beside contracts', {}, { publish: { wait: '1s', contracts: [] } }],
  ['registration', {}, { registration: { allow: ['a.svc'] } }],
  ['the port of REST', {}, { http: { port: 8081 } }],
  ['the first token', {}, { http: tokens('a') }],
  ['no tokens any more', { http: { ...exposed, ...tokens('a') } }, { http: { ...exposed, auth: 'none' } }],
  ['ops', {}, { ops: { drain: '21s' } }],
  ['log', {}, { log: { level: 'debug' } }],
  ['tracing', {}, { tracing: { endpoint: 'http://collector:4318' } }],
];

describe('the checksum', { skip: needs('helm') }, () => {
  for (const [what, from, to] of RELOADED) {
    it(`stays, as the gateway reloads it: ${what}`, () => {
      const [before, after] = [render({ config: from }), render({ config: to })];
      assert.deepEqual(needsRestart(before, after), []);
      assert.equal(checksumOf(after), checksumOf(before));
    });
  }

  for (const [what, from, to] of RESTARTED) {
    it(`changes, as the gateway wants a restart: ${what}`, () => {
      const [before, after] = [render({ config: from }), render({ config: to })];
      assert.notDeepEqual(needsRestart(before, after), []);
      assert.notEqual(checksumOf(after), checksumOf(before));
    });
  }

  it('stays when a file or a Secret changes', () => {
    assert.equal(checksumOf(render({ files: { 'a.json': '{}' } })), checksumOf(render()));
    assert.equal(checksumOf(render({ secrets: { values: { a: 'b' } } })), checksumOf(render()));
  });

  it('is not there for a ConfigMap that the chart does not see', () => {
    assert.equal(checksumOf(render({ existingConfigMap: 'mine' })), undefined);
  });
});
