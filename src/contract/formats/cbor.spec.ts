import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from 'cborg';
import fc from 'fast-check';
import { hex, reading } from './formats.fixture.js';

const read = reading({ format: 'cbor' });
const strict = reading({ format: 'cbor', limits: { maxDepth: 3, maxKeys: 4, maxString: 8 } });

describe('decodeCbor', () => {
  it('refuses what is cut short, goes on, or is no CBOR', async () => {
    for (const bytes of [
      '',
      '18',
      '82 01',
      'a1 61 61',
      '01 01',
      'ff',
      '1c',
      '5f 41 00 ff',
      'f0',
      'c2',
      'd9 d9 f7',
      '9f 01',
    ]) {
      assert.match(String(await read(hex(bytes))), /^syntax: the payload is not cbor/, bytes);
    }
  });

  it('refuses a break in the place of a value, and one too many', async () => {
    for (const bytes of ['bf 61 61 ff', 'a1 61 61 ff', '82 01 ff', 'c1 ff', 'bf 61 61 ff 61 62 01 ff']) {
      assert.match(String(await read(hex(bytes))), /^syntax/, bytes);
    }
  });

  it('refuses text that is not UTF-8, keys too, instead of mending it', async () => {
    for (const bytes of ['62 ff fe', 'a1 61 ff 01']) assert.match(String(await read(hex(bytes))), /^encoding/, bytes);
  });

  it('is never entered deeper than maxDepth, by arrays, maps, or either without a length', async () => {
    assert.deepEqual(await strict(hex('81 81 81 01')), [[[1]]]);
    for (const bytes of ['81 81 81 81 01', '9f 9f 9f 9f', 'a1 61 61 a1 61 61 a1 61 61 a0']) {
      assert.match(String(await strict(hex(bytes))), /^too-deep/, bytes);
    }
    const levels = 200_000;
    assert.match(String(await read(Buffer.alloc(levels, 0x81))), /^too-deep/);
    assert.match(String(await read(Buffer.alloc(levels, 0xbf))), /^too-deep/);
    assert.match(String(await read(Buffer.alloc(levels, 0xc1))), /^syntax/);
    assert.match(String(await read(Buffer.alloc(levels, 0xc6))), /^syntax/);
    assert.deepEqual(await strict(hex('83 80 a0 81 80')), [[], {}, [[]]]);
  });

  it('counts keys of all maps, with a length and without, before it reads them', async () => {
    assert.match(String(await strict(hex('a5'))), /^too-many/);
    assert.match(String(await strict(hex('ba ff ff ff ff'))), /^too-many/);
    assert.match(String(await strict(hex('82 a2 01 01 02 02 a3 01 01 02 02 03 03'))), /^too-many/);
    assert.match(String(await strict(hex('bf 01 01 02 02 03 03 04 04 05 05 ff'))), /^too-many/);
    assert.deepEqual(await strict(hex('bf 01 01 02 02 03 03 04 04 ff')), { 1: 1, 2: 2, 3: 3, 4: 4 });
    assert.deepEqual(await strict(hex('bf 61 61 bf 61 62 01 ff ff')), { a: { b: 1 } });
  });

  it('refuses long texts, byte strings and numbers', async () => {
    for (const bytes of ['69 616161616161616161', '49 000000000000000000']) {
      assert.match(String(await strict(hex(bytes))), /^too-large/, bytes);
    }
    const number = Buffer.concat([hex('c2 59 ff ff'), Buffer.alloc(65_535, 0xff)]);
    assert.match(String(await read(number)), /^too-large: a number in it/);
  });

  it('an array that says it has billions costs nothing', async () => {
    assert.match(String(await read(hex('9a ff ff ff ff'))), /^syntax/);
    assert.match(String(await read(hex('9b ff ff ff ff ff ff ff ff'))), /^syntax/);
  });

  it('says in JSON what JSON does not have', async () => {
    const said: [bytes: string, value: unknown][] = [
      ['1b 00 1f ff ff ff ff ff ff', Number.MAX_SAFE_INTEGER],
      ['1b 00 20 00 00 00 00 00 00', '9007199254740992'],
      ['1b ff ff ff ff ff ff ff ff', '18446744073709551615'],
      ['3b ff ff ff ff ff ff ff ff', '-18446744073709551616'],
      ['c2 49 01 00 00 00 00 00 00 00 00', '18446744073709551616'],
      ['c3 49 01 00 00 00 00 00 00 00 00', '-18446744073709551617'],
      ['c2 40', 0],
      ['f9 7e 00', 'NaN'],
      ['f9 7c 00', 'Infinity'],
      ['f9 fc 00', '-Infinity'],
      ['44 00 01 02 ff', 'AAEC/w=='],
      ['f7', null],
      ['c1 1a 51 4b 67 b0', '2013-03-21T20:04:00.000Z'],
      ['c1 fb 41 d4 52 d9 ec 20 00 00', '2013-03-21T20:04:00.500Z'],
      ['c0 74 323031332d30332d32315432303a30343a30305a', '2013-03-21T20:04:00Z'],
      ['d9 d9 f7 81 d8 20 61 61', ['a']],
      ['a2 01 61 61 20 61 62', { 1: 'a', '-1': 'b' }],
      ['a1 3b ff ff ff ff ff ff ff ff 01', { '-18446744073709551616': 1 }],
    ];
    for (const [bytes, value] of said) assert.deepEqual(await read(hex(bytes)), value, bytes);
  });

  it('refuses keys that no JSON object has, and those that come twice', async () => {
    for (const bytes of [
      'a1 f5 01',
      'a1 41 00 01',
      'a1 f9 3e 00 01',
      'a1 80 01',
      'a2 01 01 01 02',
      'a2 01 01 61 31 02',
    ]) {
      assert.match(String(await read(hex(bytes))), /^syntax/, bytes);
    }
    const value = (await read(hex('a1 69 5f5f70726f746f5f5f a1 61 78 01'))) as object;
    assert.ok(Object.hasOwn(value, '__proto__') && Object.getPrototypeOf(value) === Object.prototype);
  });

  it('times that are none are refused', async () => {
    for (const bytes of ['c1 61 61', 'c1 f9 7e 00', 'c1 fb 7e 37 e4 3c 88 00 75 9c', 'c2 01']) {
      assert.match(String(await read(hex(bytes))), /^syntax/, bytes);
    }
  });

  it('any JSON value comes back as it went in', async () => {
    const decode = reading({ format: 'cbor' });
    const any = fc.jsonValue({ maxDepth: 6 });
    await fc.assert(
      fc.asyncProperty(any, async (value) => {
        assert.deepEqual(await decode(encode(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
