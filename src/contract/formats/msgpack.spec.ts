import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { hex, reading } from './formats.fixture.js';

const read = reading({ format: 'msgpack' });
const strict = reading({ format: 'msgpack', limits: { maxDepth: 3, maxKeys: 4, maxString: 8 } });

describe('decodeMsgpack', () => {
  it('refuses what is cut short, goes on, or is no MessagePack', async () => {
    for (const bytes of ['', 'c1', 'cd 00', '92 01', '81 a1 61', '01 01', 'd9', 'd9 05 61', 'c7 04 01 00', 'dc 00']) {
      assert.match(String(await read(hex(bytes))), /^syntax: the payload is not msgpack/, bytes);
    }
  });

  it('arrays within arrays that say they have millions cost nothing', async () => {
    assert.match(String(await read(hex('dd ff ff ff ff'))), /^syntax/);
    const nested = Buffer.alloc(300_000, hex('dc ff ff'));
    assert.match(String(await read(nested)), /^too-deep|^syntax/);
    const wide = Buffer.concat([Buffer.alloc(100, hex('dd 00 00 ff ff')), Buffer.alloc(100_000)]);
    assert.match(String(await read(wide)), /^syntax: .*ends too early/);
  });

  it('refuses text that is not UTF-8, keys too', async () => {
    for (const bytes of ['a2 ff fe', 'd9 01 ff', '81 a1 ff 01']) {
      assert.match(String(await read(hex(bytes))), /^encoding/, bytes);
    }
  });

  it('keeps to depth, keys and lengths', async () => {
    assert.deepEqual(await strict(hex('91 91 91 01')), [[[1]]]);
    assert.deepEqual(await strict(hex('93 90 80 91 90')), [[], {}, [[]]]);
    assert.match(String(await strict(hex('91 91 91 91 01'))), /^too-deep/);
    assert.match(String(await read(Buffer.alloc(200_000, 0x91))), /^too-deep/);
    assert.match(String(await strict(hex('df ff ff ff ff'))), /^too-many/);
    assert.match(String(await strict(hex('92 82 01 01 02 02 83 01 01 02 02 03 03'))), /^too-many/);
    assert.match(String(await strict(hex('a9 616161616161616161'))), /^too-large/);
    assert.match(String(await strict(hex('c4 09 000000000000000000'))), /^too-large/);
  });

  it('says in JSON what JSON does not have', async () => {
    const said: [bytes: string, value: unknown][] = [
      ['cf 00 1f ff ff ff ff ff ff', Number.MAX_SAFE_INTEGER],
      ['cf ff ff ff ff ff ff ff ff', '18446744073709551615'],
      ['d3 80 00 00 00 00 00 00 00', '-9223372036854775808'],
      ['cb 7f f8 00 00 00 00 00 00', 'NaN'],
      ['ca 7f 80 00 00', 'Infinity'],
      ['c4 04 00 01 02 ff', 'AAEC/w=='],
      ['d6 ff 51 4b 67 b0', '2013-03-21T20:04:00.000000000Z'],
      ['d7 ff ee 6b 27 fc 51 4b 67 b0', '2013-03-21T20:04:00.999999999Z'],
      ['c7 0c ff 00 00 00 01 ff ff ff ff ff ff ff ff', '1969-12-31T23:59:59.000000001Z'],
      ['82 01 a1 61 ff a1 62', { 1: 'a', '-1': 'b' }],
      ['81 cf ff ff ff ff ff ff ff ff 01', { '18446744073709551615': 1 }],
    ];
    for (const [bytes, value] of said) assert.deepEqual(await read(hex(bytes)), value, bytes);
  });

  it('refuses keys that no JSON object has, __proto__, and extensions it does not know', async () => {
    for (const bytes of [
      '81 c3 01',
      '81 ca 3f 00 00 00 01',
      '81 90 01',
      '81 a9 5f5f70726f746f5f5f 01',
      'd4 07 00',
      'd7 ff ee 6b 28 00 51 4b 67 b0',
    ]) {
      assert.match(String(await read(hex(bytes))), /^syntax/, bytes);
    }
  });

  it('any JSON value comes back as it went in', async () => {
    const any = fc.jsonValue({ maxDepth: 6 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
    await fc.assert(
      fc.asyncProperty(any, async (value) => {
        assert.deepEqual(await read(encode(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
