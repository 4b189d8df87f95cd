import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratchDirectory } from '../test/support/scratch.js';
import { loadSettings } from './config/index.js';
import type { FilesRead } from './contract/index.js';
import { frameOf } from './contracts-in-force.js';
import type { Settings } from './domain/settings.js';
import { planReload, type Reloadable, type ReloadPlan } from './reload-plan.js';

const directory = scratchDirectory('plan');
const FILES: FilesRead = { answers: new Map(), looked: new Set() };
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
  return planReload(inForce(started), FILES, started, settings(text), started.broker);
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
    const { changed, needsRestart } = plan(
      ['mqtt://localhost', 'mqtt://127.0.0.1'],
      ['allow: [c/#]', 'wait: 1s, maxPayload: 1KiB, allow: [c/1]'],
      ['subscribers:', 'log: { level: debug }\nsession: { keepalive: 10s }\nsubscribers:'],
    );
    const keys = 'broker session log publish.allow publish.maxPayload publish.wait';
    assert.deepEqual([changed, needsRestart], [[], keys.split(' ')]);
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

  it('subscriptions: their qos and names, those that are new, and those that are gone', () => {
    const asked = plan(['first, filter: a/+', 'first, qos: 0, filter: a/+'], ['name: second', 'name: other']);
    assert.deepEqual(
      asked.frame.subscriptions.map(({ name, qos }) => [name, qos]),
      [
        ['first', 0],
        ['other', 1],
      ],
    );
    const keys = ['subscriptions.first', 'subscriptions.second', 'subscriptions.other'];
    assert.deepEqual([asked.changed, asked.needsRestart], [keys, []]);
    assert.deepEqual(asked.frame.former.subscriptions, [], 'under another name it is what it was');
    const added = plan(['  - { name: second', '  - { filter: d/+ }\n  - { name: second']);
    assert.deepEqual(routes(added), ['first a/+ x', 'd/+ d/+ undefined', 'second b/+ y']);
    assert.deepEqual([added.changed, added.needsRestart], [['subscriptions.d/+'], []]);
  });

  it('one that is gone keeps its contract, its members and what their files held, last in order, until it is back', () => {
    const started = settings(STARTED.replace('y: { mode: shadow }', 'y: { oneOf: [x, w] }, w: {}'));
    const without = (...changes: [from: string, to: string][]): Settings =>
      settings(changes.reduce((text, [from, to]) => text.replace(from, to), STARTED));
    const second = '  - { name: second, filter: b/+, contract: y }';
    const planned = (before: Reloadable, next: Settings, files = FILES): ReloadPlan =>
      planReload(before, files, started, next, started.broker);
    const gone = planned(inForce(started), without([second, ''], [', y: { mode: shadow }', '']));
    assert.deepEqual(routes(gone), ['first a/+ x']);
    const { former } = gone.frame;
    assert.deepEqual(
      [former.subscriptions, former.contracts, [...former.files]],
      [
        [started.subscriptions[1]],
        started.contracts.filter(({ name }) => name !== 'x'),
        [
          ['y', FILES],
          ['w', FILES],
        ],
      ],
    );
    assert.deepEqual(gone.changed, ['contracts.y', 'contracts.w', 'subscriptions.second']);
    const other: FilesRead = { ...FILES };
    const next = without([second, '  - { name: second, filter: c/+, contract: y }']);
    const moved = planned(gone, next, other);
    assert.deepEqual(moved.frame.former.contracts, [], 'the file has a contract of that name again');
    assert.deepEqual(moved.frame.former.subscriptions, former.subscriptions);
    const both = planned(moved, without([second, ''], [', y: { mode: shadow }', '']), other);
    const kept = both.frame.former;
    assert.deepEqual(
      kept.subscriptions.map(({ filter }) => filter),
      ['c/+', 'b/+'],
    );
    assert.equal(kept.files.get('y'), other);
    assert.deepEqual(
      planned(both, started).frame.former.subscriptions.map(({ filter }) => filter),
      ['c/+'],
    );
  });

  it('credentials that are followed by themselves are no change', () => {
    const started = settings(STARTED);
    const next = settings(STARTED.replace('password: one', 'password: two'));
    const { needsRestart } = planReload(inForce(started), FILES, started, next, next.broker);
    assert.deepEqual(needsRestart, []);
    assert.deepEqual(planReload(inForce(started), FILES, started, next, started.broker).needsRestart, ['broker']);
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
      planReload(inForce(before), FILES, before, settings(`${STARTED}${text}`), before.broker);
    const other = planned(auth('654321', ', rateLimit: { perSecond: 5 }'));
    assert.deepEqual([other.changed, other.httpChanged, other.needsRestart], [[], ['http.auth'], []]);
    assert.deepEqual(other.http, { ...before.http, auth: other.http.auth });
    for (const text of ['', 'http: { auth: none }', auth('123456').replace('auth:', 'port: 81, auth:')]) {
      const { http, httpChanged, needsRestart } = planned(text);
      assert.deepEqual([http, httpChanged, needsRestart], [before.http, [], ['http']], text);
    }
  });
});
