import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratchDirectory } from '../test/support/scratch.js';
import { loadSettings } from './config/index.js';
import { frameOf } from './contracts-in-force.js';
import type { Settings } from './domain/settings.js';
import { planReload, type Reloadable, type ReloadPlan } from './reload-plan.js';

const directory = scratchDirectory('plan');
const STARTED = `
broker: { url: mqtt://localhost, username: a, password: one }
subscriptions:
  - { name: first, filter: a/+, contract: x }
  - { name: second, filter: b/+, contract: y }
contracts: { x: {}, y: { mode: shadow } }
subscribers: [{ id: app, url: 'http://localhost', topics: [a/+] }]
publish: { allow: [c/#], contracts: [{ filter: c/1, contract: x }] }
`;

function settings(text: string): Settings {
  const file = join(directory, 'gateway.yaml');
  writeFileSync(file, text);
  const loaded = loadSettings(file, {});
  assert.ok('settings' in loaded, JSON.stringify(loaded));
  return loaded.settings;
}

/** Of a file in which these were replaced. */
function plan(...changes: [from: string, to: string][]): ReloadPlan {
  const started = settings(STARTED);
  let text = STARTED;
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  return planReload(inForce(started), started, settings(text), started.broker);
}

function inForce(started: Settings): Reloadable {
  return { frame: frameOf(started), subscribers: started.subscribers, http: started.http };
}

function routes({ frame }: ReloadPlan): string[] {
  return frame.subscriptions.map(({ name, filter, contract }) => `${name} ${filter} ${contract}`);
}

describe('what a reload can put in force', () => {
  it('nothing, where nothing is different', () => {
    const { changed, needsRestart } = plan();
    assert.deepEqual([changed, needsRestart], [[], []]);
  });

  it('everything else is named, and stays as it is', () => {
    const { frame, changed, needsRestart } = plan(
      ['mqtt://localhost', 'mqtt://127.0.0.1'],
      ['name: first, filter: a/+', 'name: first, qos: 0, filter: a/+'],
      ['allow: [c/#]', 'wait: 1s, maxPayload: 1KiB, allow: [c/1]'],
      ['subscribers:', 'log: { level: debug }\nsession: { keepalive: 10s }\nsubscribers:'],
    );
    const keys = 'broker session log subscriptions.first publish.allow publish.maxPayload publish.wait';
    assert.deepEqual([changed, needsRestart], [[], keys.split(' ')]);
    assert.equal(frame.subscriptions[0]!.qos, 1);
  });

  it('contracts, those of subscriptions and publishes, parameters, and the order that says which counts', () => {
    const named = plan(['filter: a/+, contract: x', "filter: 'a/{id}', contract: y"], ['filter: c/1', 'filter: c/2']);
    assert.deepEqual(routes(named), ['first a/+ y', 'second b/+ y']);
    assert.deepEqual(named.frame.subscriptions[0]!.parameters, [{ name: 'id', level: 1 }]);
    assert.deepEqual([named.changed, named.needsRestart], [['subscriptions.first', 'publish.contracts'], []]);
    const [, first, second] = /(  - .*first.*\n)(  - .*\n)/.exec(STARTED)!;
    const ordered = plan([first! + second!, second! + first!]);
    assert.deepEqual(routes(ordered), ['second b/+ y', 'first a/+ x']);
    assert.deepEqual(ordered.changed, ['the order of subscriptions']);
  });

  it('a subscription that is new waits for a restart; one that is gone keeps its contract and that one’s members', () => {
    const { frame, changed, needsRestart } = plan(
      ['  - { name: second, filter: b/+, contract: y }', '  - { name: third, filter: d/+, contract: z }'],
      ['y: { mode: shadow }', 'z: {}'],
    );
    assert.deepEqual(
      frame.contracts.map(({ name }) => name),
      ['x', 'z', 'y'],
    );
    assert.deepEqual(
      frame.subscriptions.map(({ name }) => name),
      ['first', 'second'],
    );
    assert.deepEqual([changed, needsRestart], [['contracts.z'], ['subscriptions.second', 'subscriptions.third']]);
  });

  it('credentials that are followed by themselves are no change', () => {
    const started = settings(STARTED);
    const next = settings(STARTED.replace('password: one', 'password: two'));
    const { needsRestart } = planReload(inForce(started), started, next, next.broker);
    assert.deepEqual(needsRestart, []);
    assert.deepEqual(planReload(inForce(started), started, next, started.broker).needsRestart, ['broker']);
  });

  it('subscribers, each by its id; their order says nothing', () => {
    const two = plan([
      "subscribers: [{ id: app, url: 'http://localhost'",
      "subscribers: [{ id: new, url: 'http://b', topics: [b/+] }, { id: app, url: 'http://localhost'",
    ]);
    assert.deepEqual([two.changed, two.subscribersChanged, two.needsRestart], [[], ['subscribers.new'], []]);
    const other = plan(['id: app', 'id: other']);
    assert.deepEqual(other.subscribersChanged, ['subscribers.app', 'subscribers.other']);
    const changed = plan(['topics: [a/+]', 'headers: { a: b }, topics: [a/+]']);
    assert.deepEqual([changed.subscribersChanged, changed.subscribers[0]!.headers], [['subscribers.app'], { a: 'b' }]);
  });

  it('tokens, with all that they may do; whether there are any, and anything else of http, waits', () => {
    const auth = (token: string, more = ''): string =>
      `http: { auth: { tokens: [{ name: a, token: a-long-token-${token}, scopes: [read]${more} }] } }`;
    const before = settings(`${STARTED}${auth('123456')}`);
    const planned = (text: string): ReloadPlan =>
      planReload(inForce(before), before, settings(`${STARTED}${text}`), before.broker);
    const other = planned(auth('654321', ', rateLimit: { perSecond: 5 }'));
    assert.deepEqual([other.changed, other.httpChanged, other.needsRestart], [[], ['http.auth'], []]);
    assert.deepEqual(other.http, { ...before.http, auth: other.http.auth });
    for (const text of ['', 'http: { auth: none }', auth('123456').replace('auth:', 'port: 81, auth:')]) {
      const { http, httpChanged, needsRestart } = planned(text);
      assert.deepEqual([http, httpChanged, needsRestart], [before.http, [], ['http']], text);
    }
  });
});
