import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { encode as encodeCbor } from 'cborg';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import fc from 'fast-check';
import type { ContractCompression, ContractFormat } from '../../domain/contract.js';
import type { MessageProperties } from '../../domain/message.js';
import { Scratch } from '../scratch.fixture.js';
import { loadDecoder, type DecoderSettings } from './decoder.js';
import { hex, reading, TELEMETRY_PROTO, UNITS_PROTO } from './formats.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());
const protobuf = {
  file: scratch.write('telemetry.proto', TELEMETRY_PROTO),
  root: scratch.directory,
  message: 'acme.Telemetry',
};
scratch.write('units.proto', UNITS_PROTO);

describe('text and bytes', () => {
  it('text is UTF-8 and nothing else; bytes are base64', async () => {
    const text = reading({ format: 'text', limits: { maxString: 8 } });
    assert.equal(await text('21.5 °C'), '21.5 °C');
    assert.equal(await text('\uFEFFx'), '\uFEFFx');
    assert.equal(await text(''), '');
    assert.match(String(await text(Uint8Array.of(0xff))), /^encoding/);
    assert.match(String(await text('21.50 °C')), /^too-large/);
    assert.equal(await reading({ format: 'bytes' })(Uint8Array.of(0, 255)), 'AP8=');
  });
});

describe('limits', () => {
  it('a payload of more than maxBytes is refused unread', async () => {
    const read = reading({ format: 'json', limits: { maxBytes: 4 } });
    assert.deepEqual(
      [await read('1234'), await read('12345')],
      [1234, 'too-large: the payload has 5 bytes; 4 are allowed'],
    );
  });

  it('JSON keeps to depth, keys and lengths, keys of objects in arrays too', async () => {
    const read = reading({ format: 'json', limits: { maxDepth: 2, maxKeys: 3, maxString: 4 } });
    assert.deepEqual(await read('[{"a":1,"b":2},"äö"]'), [{ a: 1, b: 2 }, 'äö']);
    assert.match(String(await read('[[[]]]')), /^too-deep/);
    assert.match(String(await read('[{"a":1,"b":2},{"a":1,"b":2}]')), /^too-many/);
    assert.match(String(await read('"äöü"')), /^too-large/);
    assert.match(String(await read('{"abcde":1}')), /^too-large/);
  });

  it('no format makes more of a payload than the heap bears', async () => {
    const proto = 'syntax = "proto3"; message M { repeated uint64 a = 1; repeated bool b = 2; repeated string c = 3; }';
    const many = { file: scratch.write('many.proto', proto), root: scratch.directory, message: 'M' };
    const run = (head: string, count: number, item: string): Buffer =>
      Buffer.concat([hex(head), Buffer.alloc(count * hex(item).length, hex(item))]);
    for (const [settings, payload] of [
      [{ format: 'cbor' }, run('9a 00 50 00 00', 0x50_00_00, 'f6')],
      [{ format: 'msgpack' }, run('dd 00 20 00 00', 0x20_00_00, 'cf ff ff ff ff ff ff ff ff')],
      [{ format: 'protobuf', protobuf: many }, run('0a 80 80 80 01', 2 ** 21, '7f')],
      [{ format: 'protobuf', protobuf: many }, run('12 80 80 80 04', 2 ** 23, '01')],
      [{ format: 'protobuf', protobuf: many }, run('', 2 ** 22, '1a 00')],
      [{ format: 'text', limits: { maxString: 256 * 2 ** 20 } }, Buffer.alloc(65 * 2 ** 20, ' ')],
    ] satisfies [DecoderSettings, Buffer][]) {
      const answer = String(await reading(settings)(payload)).slice(0, 100);
      assert.match(answer, /^too-large: its value would take more than 128 MiB/, settings.format);
    }
  });

  it('by default: 10 000 keys, 128 levels, 1 MiB of one text', async () => {
    const read = reading({ format: 'json' });
    const object = (keys: number): string => `{${Array.from({ length: keys }, (_, i) => `"${i}":0`).join()}}`;
    assert.equal(typeof (await read(object(10_000))), 'object');
    assert.match(String(await read(object(10_001))), /^too-many/);
    assert.equal(typeof (await read(`"${'x'.repeat(2 ** 20)}"`)), 'string');
    assert.match(String(await read(`"${'x'.repeat(2 ** 20 + 1)}"`)), /^too-large/);
  });
});

describe('many arrays and objects', () => {
  it('of a byte or two each are refused before they fill the memory, in every format', async () => {
    const items = 1_000_000;
    const many: [ContractFormat, Buffer][] = [
      ['json', Buffer.from(`[${'{},'.repeat(items)}1]`)],
      ['cbor', Buffer.concat([Buffer.of(0x9f), Buffer.alloc(items, 0xa0), Buffer.of(0xff)])],
      ['msgpack', Buffer.concat([Buffer.of(0xdd, 0x00, 0x0f, 0x42, 0x40), Buffer.alloc(items, 0x80)])],
      ['protobuf', Buffer.alloc(2 * items, Buffer.of(0x3a, 0x00))],
    ];
    for (const [format, payload] of many) {
      const read = reading({ format, protobuf, compression: 'gzip' });
      assert.match(String(await read(gzipSync(payload))), /^too-many: it has more than 100000 arrays/, format);
      assert.ok(!/^too-many/.test(String(await read(gzipSync('')))), 'the next payload starts anew');
    }
    const few = reading({ format: 'protobuf', protobuf, limits: { maxKeys: 8 } });
    assert.match(String(await few(Buffer.alloc(2_000, Buffer.of(0x3a, 0x00)))), /^too-many/);
  });
});

describe('auto', () => {
  const read = reading({ format: 'auto', protobuf });

  it('goes by the content type, whatever its parameters and case, and takes JSON without one', async () => {
    const value = { a: 1 };
    const json = JSON.stringify(value);
    const typed: [contentType: string | undefined, payload: string | Uint8Array, value: unknown][] = [
      [undefined, json, value],
      ['', json, value],
      ['application/json', json, value],
      ['Application/JSON ; charset=utf-8', json, value],
      ['text/json', json, value],
      ['application/senml+json', json, value],
      ['text/plain;charset=utf-8', json, json],
      ['text/csv', json, json],
      ['application/cbor', encodeCbor(value), value],
      ['application/senml+cbor', encodeCbor(value), value],
      ['application/msgpack', encodeMsgpack(value), value],
      ['application/x-msgpack', encodeMsgpack(value), value],
      ['application/vnd.msgpack', encodeMsgpack(value), value],
      ['application/octet-stream', json, Buffer.from(json).toString('base64')],
    ];
    for (const [contentType, payload, expected] of typed) {
      assert.deepEqual(await read(payload, contentType === undefined ? {} : { contentType }), expected, contentType);
    }
    const device = await read(Buffer.from('0a0161', 'hex'), { contentType: 'application/x-protobuf' });
    assert.equal((device as { deviceId: string }).deviceId, 'a');
  });

  it('refuses a content type that says nothing it knows', async () => {
    for (const contentType of ['application/xml', 'image/png', 'json', 'text/', '+json', ';']) {
      const said = await read('{}', { contentType });
      if (contentType === ';' || contentType === '+json') continue;
      assert.match(String(said), /^content-type: the content type .* names no format/, contentType);
    }
    const without = reading({ format: 'auto' });
    assert.match(
      String(await without('', { contentType: 'application/protobuf' })),
      /^content-type: .*no key protobuf/,
    );
  });
});

describe('compression', () => {
  const json = '{"n":12345678901234567890}';

  it('is undone, whichever deflate it is, and the JSON within stays to the byte', async () => {
    for (const [compression, payload] of [
      ['gzip', gzipSync(json)],
      ['deflate', deflateSync(json)],
      ['deflate', deflateRawSync(json)],
    ] as const) {
      const decoded = (await loadDecoder({ format: 'json', compression }))(payload, null);
      assert.ok(decoded.ok && decoded.json);
      assert.equal(Buffer.from(decoded.json).toString(), json);
    }
  });

  it('what cannot be expanded is refused for that', async () => {
    const read = reading({ format: 'json', compression: 'gzip' });
    for (const payload of [json, '', gzipSync(json).subarray(0, 20), deflateSync(json)]) {
      assert.match(String(await read(payload)), /^compression: the payload cannot be expanded as gzip/);
    }
  });

  it('auto: the user property decides, else how the payload begins', async () => {
    const read = reading({ format: 'auto', compression: 'auto' });
    const declared = (encoding: string): MessageProperties => ({ userProperties: [['Content-Encoding', encoding]] });
    const value = JSON.parse(json) as unknown;
    for (const payload of [json, gzipSync(json), deflateSync(json)]) assert.deepEqual(await read(payload), value);
    assert.deepEqual(await read(gzipSync(json), declared('x-gzip')), value);
    assert.deepEqual(await read(deflateRawSync(json), declared(' Deflate ')), value);
    assert.deepEqual(await read(json, declared('identity')), value);
    assert.match(String(await read(json, declared('gzip'))), /^compression/);
    assert.match(String(await read(json, declared('br'))), /^compression: its content-encoding is "br"/);
    assert.match(String(await read(json, declared('constructor'))), /^compression/);
    const text = { contentType: 'text/plain' };
    assert.equal(await read('x^2 + y^2', text), 'x^2 + y^2');
    assert.equal(await read('x\u0001', text), 'x\u0001');
  });

  it('a bomb is given up at maxExpanded, whichever way it is found', async () => {
    const zeros = Buffer.alloc(64 * 2 ** 20);
    const bombs = [gzipSync(zeros), deflateSync(zeros)];
    for (const compression of ['gzip', 'deflate', 'auto'] as const) {
      const bomb = bombs[compression === 'deflate' ? 1 : 0]!;
      const before = process.memoryUsage().arrayBuffers;
      assert.match(String(await reading({ format: 'bytes', compression })(bomb)), /^too-large: .* 4194304 bytes/);
      assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 2 ** 20);
    }
    assert.match(String(await reading({ format: 'bytes', compression: 'auto' })(bombs[1]!)), /^too-large/);
    assert.match(
      String(await reading({ format: 'json', compression: 'gzip', limits: { maxExpanded: 8 } })(gzipSync(json))),
      /^too-large/,
    );
  });
});

describe('any bytes', () => {
  const formats: ContractFormat[] = ['json', 'text', 'bytes', 'cbor', 'msgpack', 'protobuf', 'auto'];
  const compressions: ContractCompression[] = ['none', 'gzip', 'deflate', 'auto'];
  const contentTypes = ['', 'application/cbor', 'application/msgpack', 'application/protobuf', 'text/x', 'a/b'];
  const encodings = ['gzip', 'deflate', 'identity', 'br'];

  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    fc.jsonValue().map((value) => encodeCbor(value)),
    fc.jsonValue().map((value) => encodeMsgpack(value)),
    // What a decoder meets half way: one byte of something sound is another.
    fc.tuple(fc.jsonValue(), fc.nat(), fc.nat(255), fc.boolean()).map(([value, at, byte, cbor]) => {
      const sound = Buffer.from(cbor ? encodeCbor(value) : encodeMsgpack(value));
      sound[at % sound.length] = byte;
      return sound;
    }),
  );
  const wrapped = fc
    .tuple(
      bytes,
      fc.constantFrom((b: Uint8Array) => b, gzipSync, deflateSync, deflateRawSync),
    )
    .map(([payload, wrap]) => new Uint8Array(wrap(payload)));
  const properties = fc.option(
    fc.record({
      contentType: fc.constantFrom(...contentTypes),
      userProperties: fc.constantFrom(...encodings).map((name): [string, string][] => [['content-encoding', name]]),
    }),
  );
  const limits = fc.record({
    maxBytes: fc.constantFrom(50, Infinity),
    maxExpanded: fc.constantFrom(100, 1_000_000),
    maxDepth: fc.nat(8).map((depth) => depth + 1),
    maxKeys: fc.nat(20),
    maxString: fc.nat(100),
  });

  it('end in a JSON value within the limits or a reason, under any format, compression and limits', async () => {
    const one = fc.tuple(fc.constantFrom(...formats), fc.constantFrom(...compressions), limits, wrapped, properties);
    await fc.assert(
      fc.asyncProperty(one, async ([format, compression, bounds, payload, said]) => {
        const decode = await loadDecoder({ format, compression, limits: bounds, protobuf });
        const decoded = decode(payload, said);
        if (!decoded.ok) return assert.ok(decoded.problem.message.length > 0 && decoded.problem.message.length <= 300);
        assert.deepEqual(JSON.parse(JSON.stringify(decoded.value)), asJson(decoded.value));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** JSON loses what no decoder but that of JSON makes: -0, and numbers beyond a double. */
function asJson(value: unknown): unknown {
  if (typeof value === 'number') return Object.is(value, -0) ? 0 : Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item)]));
}
