import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import type { Record } from '../domain/record.js';
import { FakeJournal } from './journal.fixture.js';
import { orderingKey } from './ordering-key.js';
import { PayloadJson } from '../domain/payload-json.js';

const record = (topic: string, payload: string): Record => new FakeJournal().add(topic, 0, payload);

function keyOf(pointer: string, topic: string, payload: string): string {
  return orderingKey({ ordering: 'key', key: pointer }, new PayloadJson())(record(topic, payload));
}

describe('ordering key', () => {
  it('is the value, of its own type; records of one value share it, whatever their topic', () => {
    const keys = ['{"id":7}', '{"id":"7"}', '{"id":true}', '{"id":"true"}', '{"id":7.5}'].map((one) =>
      keyOf('/id', 't', one),
    );
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(keyOf('/id', 'a', '{"id":7.0}'), keyOf('/id', 'b', '{"n":1,"id":7}'));
  });

  it('without a value it is the topic, and no value can be mistaken for it', () => {
    const topics = ['{}', '{"id":null}', '{"id":{}}', '{"id":["a"]}', 'no json', '', '\ufeff{"id":1}', '[1]'];
    assert.equal(new Set(topics.map((payload) => keyOf('/id', 'a/b', payload))).size, 1);
    assert.notEqual(keyOf('/id', 'a/b', ''), keyOf('/id', 'a/c', ''));
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, text, fc.string(), fc.string(), (value, topic, one, other) => {
        const pointers = [one, other].map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
        const keys = [
          keyOf(pointers[0]!, topic, JSON.stringify({ [one]: value })),
          keyOf(pointers[0]!, topic, ''),
          orderingKey({ ordering: 'topic' }, new PayloadJson())(record(topic.replaceAll('#', ''), '')),
        ];
        assert.equal(new Set(keys).size, 3);
        if (one !== other) assert.notEqual(keys[1], keyOf(pointers[1]!, topic, ''));
      }),
      { seed, numRuns: 500 },
    );
  });

  it('of what a contract decodes is the value there, and never the key of another decoder or of JSON', () => {
    const decoding = (way: string, value: unknown): string => {
      const json = new PayloadJson(() => ({ value, way }));
      return orderingKey({ ordering: 'key', key: '/id' }, json)(record('t', '{"id":"a"}'));
    };
    assert.equal(decoding('cbor', { id: 'a' }), decoding('cbor', { id: 'a', n: 1 }));
    const keys = [
      decoding('cbor', { id: 'a' }),
      decoding('cbor', { id: 'b' }),
      decoding('other', { id: 'a' }),
      decoding('cbor', undefined),
      decoding('other', undefined),
      keyOf('/id', 't', '{"id":"a"}'),
      keyOf('/id', 't', ''),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('is bounded in length, and long ones still differ', () => {
    const long = 'x'.repeat(100_000);
    const keys = [
      keyOf('/id', 't', `{"id":"${long}"}`),
      keyOf('/id', 't', `{"id":"${long}y"}`),
      keyOf('/id', long, ''),
      orderingKey({ ordering: 'topic' }, new PayloadJson())(record(long, '')),
    ];
    assert.equal(new Set(keys).size, keys.length);
    for (const key of keys) assert.ok(key.length <= 256);
  });

  it('reads the JSON of a record once, for all who ask', (t) => {
    const parse = t.mock.method(JSON, 'parse');
    const json = new PayloadJson();
    const [one, other] = [record('t', '{"a":1}'), record('t', '{"a":2}')];
    for (let i = 0; i < 5; i++) assert.deepEqual(json.of(one), { a: 1 });
    assert.deepEqual(json.of(other), { a: 2 });
    assert.equal(parse.mock.callCount(), 2);
  });
});
