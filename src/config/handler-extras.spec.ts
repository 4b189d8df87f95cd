import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SUBSCRIBER_DEFAULTS } from '../domain/subscriber.js';
import { settingsOf, BROKER } from './config.fixture.js';
import { handlerSettings } from './handler-extras.js';

/** What is said about these extras of a handler of `a/+`. */
function refused(extras: object, pattern = 'a/+'): string {
  let message = '';
  assert.throws(
    () => handlerSettings(pattern, extras, false),
    (error: Error & { code?: string }) => {
      message = error.message;
      return error.code === 'CONFIG_INVALID';
    },
  );
  return message;
}

describe('what a handler says of its subscriber', () => {
  it('every problem is told at once, with the pattern and the key', () => {
    const said = refused({ timeout: '1ms', retry: { schedule: ['soon'] }, concurrency: 0, orderring: 'topic' });
    assert.match(said, /^handler pattern "a\/\+": /);
    assert.match(said, /(: |; )timeout must be between 10ms and 10m\. /);
    assert.match(said, /; retry\.schedule\[0\] must be a duration/);
    assert.match(said, /; concurrency must be a whole number from 1 to 1000\. /);
    assert.match(said, /(: |; )orderring unknown key\. Did you mean "ordering"\?/);
  });

  it('a duration without a unit, and what is no plain data, are refused', () => {
    assert.match(refused({ timeout: 500 }), /timeout must be a duration/);
    for (const value of [(): string => '5s', 5n, Symbol('s'), { s: 5 }, ['5s'], NaN]) {
      assert.match(refused({ timeout: value }), /timeout must be/);
    }
    const endless: { not?: object } = {};
    endless.not = endless;
    assert.match(refused({ where: endless }), /nested too deeply/);
  });

  it('what only a webhook has is refused, and what the decorator says too', () => {
    for (const key of ['url', 'format', 'headers', 'signing', 'auth', 'tls', 'answers']) {
      assert.match(refused({ [key]: 'x' }), new RegExp(`${key} is for webhooks`));
    }
    assert.match(refused({ topics: ['b'] }), /topics is what the pattern says/);
    assert.match(refused({ reply: true }), /reply is what @MessagePattern says/);
  });

  it('a pattern that is no topic filter is refused', () => {
    for (const pattern of ['a/#/b', 'a+', '', '$share/group/a']) {
      assert.match(refused({}, pattern), /^handler pattern ".*": (is not a topic filter|may not|must not be empty)/);
    }
  });

  it('without a word it is served as any subscriber, under a name of its pattern', () => {
    const settings = handlerSettings('a/+', {}, false);
    assert.deepEqual(settings, { ...SUBSCRIBER_DEFAULTS, id: 'handler:a/+', topics: ['a/+'] });
    assert.equal(handlerSettings('a/+', { id: undefined }, true).id, 'handler:a/+');
    assert.equal(handlerSettings('a/+', {}, true).reply, true);
  });

  it('the keys mean what they mean in the file', () => {
    const written = `{ ordering: topic, concurrency: 3, timeout: 5s, startFrom: "2026-01-31T12:00:00Z",
      retry: { schedule: [1s, 2m], maxAge: 1h }, breaker: { failures: 3, openFor: 1s } }`;
    const yaml = `${BROKER}subscribers: [{ id: audit, url: "http://h/", topics: [a], ${written.slice(1, -1)} }]`;
    const file = settingsOf(yaml).subscribers[0]!;
    delete file.url;
    const extras = {
      ...{ id: 'audit', ordering: 'topic', concurrency: 3, timeout: '5s', startFrom: '2026-01-31T12:00:00Z' },
      retry: { schedule: ['1s', '2m'], maxAge: '1h' },
      breaker: { failures: 3, openFor: '1s' },
    };
    assert.deepEqual(handlerSettings('a', extras, false), file);
  });

  it('a reference means itself', () => {
    assert.match(refused({ id: '${HOME}' }), /id must be lower-case/);
    assert.deepEqual(handlerSettings('a/${HOME}', {}, false).topics, ['a/${HOME}']);
  });
});
