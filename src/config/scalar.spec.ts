import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BROKER, settingsOf, told } from './config.fixture.js';
import { durationMs, sizeBytes } from './quantity.js';
import { suggestion } from './suggestion.js';

describe('durations and sizes', () => {
  it('what is not exactly a whole number and a unit is neither', () => {
    for (const text of ['', '5', '1.5s', '-5s', '+5s', ' 5s', '5s ', '5 s', '5S', '5sec', '0x5s', '1e3s', 's', '٥s']) {
      assert.equal(durationMs(text), undefined, text);
    }
    for (const text of ['', '0', '5', '1.5KiB', '-1B', '1kib', '1 KiB', '1K', '1b', 'KiB', '1constructor', '1e3B']) {
      assert.equal(sizeBytes(text), undefined, text);
    }
    assert.equal(durationMs('999999999999d'), undefined, 'beyond a safe integer');
    assert.equal(sizeBytes('999999999999TiB'), undefined, 'beyond a safe integer');
  });

  it('every unit counts as documented', () => {
    assert.deepEqual(['500ms', '30s', '5m', '24h', '7d', '0'].map(durationMs), [500, 3e4, 3e5, 864e5, 6048e5, 0]);
    assert.deepEqual(['1B', '1KB', '1MB', '1GB', '1TB'].map(sizeBytes), [1, 1e3, 1e6, 1e9, 1e12]);
    assert.deepEqual(
      ['1KiB', '64KiB', '1MiB', '1GiB', '1TiB'].map(sizeBytes),
      [10, 16, 20, 30, 40].map((power) => 2 ** power),
    );
  });

  it('any text is a whole number of units or nothing, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,13}[A-Za-z]{0,3}$/)), (text) => {
        for (const value of [durationMs(text), sizeBytes(text)]) {
          assert.ok(value === undefined || (Number.isSafeInteger(value) && value >= 0));
        }
      }),
    );
  });

  it('both bounds are allowed, what is past them is not', () => {
    const { session, publish } = settingsOf(
      `${BROKER}session: { keepalive: 65535s, maxPacket: 1KiB }\npublish: { wait: 0, maxPayload: 256MiB }`,
    );
    assert.deepEqual([session.keepaliveMs, session.maxPacketBytes], [65_535_000, 1_024]);
    assert.deepEqual([publish.waitMs, publish.maxPayloadBytes], [0, 2 ** 28]);
    const past = `${BROKER}session: { keepalive: 4s, maxPacket: 1023B, expiry: 366d }
publish: { wait: 301s, maxPayload: 0B }
journal: { maxSize: 1023KiB }
`;
    assert.deepEqual(told(past), [
      '2 session.keepalive: must be between 5s and 65535s',
      '2 session.maxPacket: must be between 1KiB and 256MiB',
      '2 session.expiry: must be between 0s and 365d',
      '3 publish.wait: must be between 0s and 5m',
      '3 publish.maxPayload: must be between 1B and 256MiB',
      '4 journal.maxSize: must be between 1MiB and 16TiB',
    ]);
    assert.deepEqual(told(`${BROKER}session: { keepalive: 5500ms }`), ['2 session.keepalive: must be whole seconds']);
  });
});

describe('values of the wrong type', () => {
  /** A key for each kind of value, and what is not that kind. */
  const wrong: [key: string, values: string[], message: RegExp][] = [
    ['broker: { url: mqtt://localhost, username: @ }', ['5', 'true', '1.5'], /^must be text$/],
    ['broker: { url: mqtt://localhost, username: @ }', ['[a]', '{ a: b }'], /^must be a single value$/],
    ['http: { port: @ }', ['"80"', 'a', 'true', '80.5', '-1', '65536', '.inf', '.nan'], /^must be a whole number/],
    ['session: { adopt: @ }', ['"true"', 'yes', '1', 'TRUEish'], /^must be true or false$/],
    ['session: { keepalive: @ }', ['30', 'true', '1.5s'], /^must be a duration/],
    ['log: { level: @ }', ['5', 'INFO', 'true', '""'], /^must be one of/],
    ['publish: { allow: @ }', ['a', '5', '{ a: b }', 'true'], /^must be a list$/],
    ['publish: { allow: [@] }', ['5', 'null', '[a]', '""'], /^must (be text|not be empty|be a single value)$/],
    ['session: @', ['5', 'a', '[a]', 'true'], /^must be a mapping$/],
    ['contracts: @', ['5', 'a', '[a]'], /^must be a mapping$/],
    ['contracts: { a: @ }', ['5', 'a', '[a]'], /^must be a mapping$/],
    ['contracts: { a: { schema: @ } }', ['5', 'true', '[a]', '{ a: b }'], /^must be (text|a single value)$/],
    ['contracts: { a: { class: @ } }', ['5', 'true', '[a]', '{ a: b }'], /^must be (text|a single value)$/],
    ['subscriptions: @', ['5', 'a', '{ a: b }'], /^must be a list$/],
    ['subscriptions: [@]', ['5', 'a', '[a]', 'null'], /^must (be a mapping|not be empty)$/],
    ['subscriptions: [{ filter: @ }]', ['5', 'true'], /^must be text$/],
    ['subscriptions: [{ filter: a, name: @ }]', ['5', '[a]'], /^must be (text|a single value)$/],
    ['http: { auth: @ }', ['all', '5', '[a]', 'true'], /^must be a mapping or "none"$/],
    ['http: { auth: { tokens: @ } }', ['5', 'a', '{ a: b }', '[]'], /^(must be a list|needs at least 1)$/],
    ['http: { auth: { tokens: [@] } }', ['5', 'null'], /^must (be a mapping|not be empty)$/],
  ];

  for (const [key, values, message] of wrong) {
    it(`${key}: ${values.join(' ')}`, () => {
      for (const value of values) {
        const text = key.startsWith('broker') ? key : BROKER + key;
        const problems = told(text.replace('@', value)).map((one) => one.slice(one.indexOf(': ') + 2));
        assert.ok(problems.length === 1 && message.test(problems[0]!), `${value}: ${problems.join('; ')}`);
      }
    });
  }
});

describe('suggestions', () => {
  it('only a word that is near is suggested, and short words need more likeness', () => {
    assert.equal(suggestion('bilings', ['audit', 'billing']), 'billing');
    assert.equal(suggestion('a', ['b']), undefined);
    assert.equal(suggestion('elephant', ['session', 'broker']), undefined);
    assert.equal(suggestion('x'.repeat(1e6), ['broker']), undefined);
    assert.equal(suggestion('', ['broker']), undefined);
  });
});
