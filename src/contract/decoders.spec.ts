import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import { scratchDirectory } from '../../test/support/scratch.js';
import type { MessageProperties } from '../domain/message.js';
import { Decoders } from './decoders.js';
import { record, subscription } from './scratch.fixture.js';

const decoders = await Decoders.load(
  [subscription('cbor', 'cbor'), subscription('packed', 'packed'), subscription('free'), subscription('#', 'text')],
  [
    { name: 'cbor', format: 'cbor', mode: 'enforce' },
    { name: 'packed', format: 'json', compression: 'gzip', mode: 'enforce' },
    { name: 'text', format: 'text', mode: 'enforce' },
  ],
);

function jsonOf(topic: string, payload: string | Uint8Array, properties: MessageProperties | null = null): string {
  const found = decoders.jsonOf({ ...record(1, topic, payload), properties });
  return 'json' in found ? Buffer.from(found.json).toString() : found.problem;
}

describe('Decoders', () => {
  it('makes JSON of what the first contract of the topic reads', () => {
    assert.equal(jsonOf('cbor', encode({ a: [1, 2n ** 63n] })), '{"a":[1,"9223372036854775808"]}');
    assert.equal(jsonOf('any', '21 °C'), '"21 °C"');
  });

  it('JSON is what came, to the byte, whatever was around it', () => {
    const json = ' { "b" : 12345678901234567890, "a":1e3, "a":"\\u00e9" } ';
    assert.equal(jsonOf('packed', gzipSync(json)), json);
    assert.equal(jsonOf('free', json), json);
  });

  it('without a contract the content type decides', () => {
    assert.equal(jsonOf('free', encode([1]), { contentType: 'application/cbor' }), '[1]');
    assert.match(jsonOf('free', '<x/>', { contentType: 'application/xml' }), /^content-type: /);
  });

  it('decodes what is no JSON as it came, and says by a name that only the same decoder has', async () => {
    const at = (topic: string, payload: string | Uint8Array, from = decoders) =>
      from.decodedOf(record(1, topic, payload));
    const found = at('cbor', encode({ a: [1] }));
    assert.deepEqual(found?.value, { a: [1] });
    assert.deepEqual(at('packed', gzipSync('{"a":2}'))?.value, { a: 2 });
    assert.deepEqual(at('cbor', 'no cbor'), { value: undefined, way: found.way });
    assert.equal(at('free', '{}'), undefined);
    const limited = await Decoders.load(
      [subscription('#', 'cbor'), subscription('json', 'json')],
      [
        { name: 'cbor', format: 'cbor', limits: { maxKeys: 3 }, mode: 'enforce' },
        { name: 'json', format: 'json', mode: 'enforce' },
      ],
    );
    const ways = [found.way, at('packed', '')!.way, at('any', '')!.way, at('cbor', '', limited)!.way];
    assert.equal(new Set(ways).size, ways.length);
  });

  it('foreign is what an enforced contract would reject unread', async () => {
    const loaded = await Decoders.load(
      [
        subscription('json', 'json'),
        subscription('cbor', 'cbor'),
        subscription('shadow', 'shadow'),
        subscription('free'),
      ],
      [
        { name: 'json', format: 'json', mode: 'enforce' },
        { name: 'cbor', format: 'cbor', mode: 'enforce' },
        { name: 'shadow', format: 'cbor', mode: 'shadow' },
      ],
    );
    const isForeign = (topic: string, payload: string | Uint8Array): boolean =>
      loaded.isForeign(record(1, topic, payload));
    assert.deepEqual([isForeign('json', 'no json'), isForeign('cbor', '{"a":1}')], [true, true]);
    assert.deepEqual([isForeign('json', '{"a":1}'), isForeign('cbor', encode({ a: 1 }))], [false, false]);
    assert.deepEqual([isForeign('shadow', 'no cbor'), isForeign('free', 'no json')], [false, false]);
  });

  it('names how all topics are read together: each load has ways of its own, and the name of those that are alike', async () => {
    const waysOf = async (filters: [string, string?][], format: 'json' | 'cbor'): Promise<Decoders['ways']> => {
      const routes = filters.map(([filter, contract]) => subscription(filter, contract));
      return (await Decoders.load(routes, [{ name: 'c', format, mode: 'enforce' }])).ways;
    };
    const one = await waysOf([['x/+', 'c'], ['y/+']], 'cbor');
    const alike = await waysOf([['x/+', 'c'], ['y/+']], 'cbor');
    assert.equal(alike.name, one.name);
    assert.notEqual(alike, one);
    assert.notEqual(
      (
        await waysOf(
          [
            ['x/+', 'c'],
            ['y/+', 'c'],
          ],
          'cbor',
        )
      ).name,
      one.name,
    );
    assert.equal((await waysOf([['x/+', 'c'], ['y/+']], 'json')).name, (await waysOf([['#']], 'json')).name);
    assert.doesNotMatch(one.name, / |^$/);
  });

  it('another .proto file is another decoder', async () => {
    const file = join(scratchDirectory('decoders'), 'a.proto');
    const wayOf = async (text: string): Promise<string> => {
      writeFileSync(file, text);
      const protobuf = { file, root: dirname(file), message: 'A' };
      const contract = { name: 'p', format: 'protobuf', protobuf, mode: 'enforce' } as const;
      const loaded = await Decoders.load([subscription('#', 'p')], [contract]);
      return loaded.decodedOf(record(1, 't', ''))!.way;
    };
    const one = await wayOf('syntax = "proto3"; message A { string id = 1; }');
    assert.notEqual(await wayOf('syntax = "proto3"; message A { string id = 2; }'), one);
    assert.equal(await wayOf('syntax = "proto3"; message A { string id = 1; }'), one);
  });

  it('says why there is none', () => {
    assert.match(jsonOf('cbor', '{}'), /^syntax: /);
    assert.match(jsonOf('packed', '{}'), /^compression: /);
    assert.match(jsonOf('free', ''), /^syntax: the payload is empty/);
  });
});
