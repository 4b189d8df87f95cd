import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import type { DecoderSettings } from './decoder.js';
import { Scratch } from '../scratch.fixture.js';
import { hex, reading, TELEMETRY_PROTO, UNITS_PROTO } from './formats.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());
const root = scratch.directory;
const file = scratch.write('telemetry.proto', TELEMETRY_PROTO);
scratch.write('units.proto', UNITS_PROTO);

function settings(changes: Partial<NonNullable<DecoderSettings['protobuf']>> = {}): DecoderSettings {
  return { format: 'protobuf', protobuf: { file, root, message: 'acme.Telemetry', ...changes } };
}

const read = reading(settings());
const type = (await new protobuf.Root().load(file)).lookupType('acme.Telemetry');
const EMPTY = { deviceId: '', temperature: 0, counter: '0', state: 'OFF', raw: '', readings: [], labels: {} };

async function refusal(source: string, expected: RegExp, message = 'a.B'): Promise<void> {
  await assert.rejects(reading(settings({ file: scratch.write('refused.proto', source), message }))(''), expected);
}

describe('loading Protocol Buffers', () => {
  it('says what is wrong with the file or the name', async () => {
    await refusal('message {', /illegal|line/);
    await refusal('package a; enum B { C = 0; }', /a\.B is no message/);
    await refusal('syntax = "proto3"; package a; message C {}', /no such/i);
    await refusal('syntax = "proto3"; package a; message B { Nowhere x = 1; }', /Nowhere/);
    await assert.rejects(reading(settings({ file: join(root, 'none.proto') }))(''), /ENOENT/);
    await assert.rejects(reading(settings({ file: scratch.write('bad.desc', 'not one') }))(''));
    await assert.rejects(reading({ format: 'protobuf' })(''), /needs the key protobuf/);
  });

  it('imports nothing from outside of the root, by no path and no link', async () => {
    const outside = new Scratch();
    const there = outside.write('units.proto', UNITS_PROTO);
    try {
      symlinkSync(there, join(root, 'link.proto'));
      mkdirSync(join(root, 'folder'), { recursive: true });
      for (const target of [there, `../${there}`, 'link.proto', 'folder/../../x.proto', 'https://a.example/x.proto']) {
        await refusal(`package a; import "${target}"; message B {}`, /leads out of|ENOENT/);
      }
    } finally {
      outside.remove();
    }
  });

  it('takes a descriptor set for the same', async () => {
    const whole = await new protobuf.Root().load(file);
    whole.resolveAll();
    const set = descriptor.FileDescriptorSet.encode(whole.toDescriptor('proto3')).finish();
    const compiled = scratch.writeBytes('compiled.desc', set);
    const payload = type.encode({ deviceId: 'a', counter: 5, state: 1, labels: { 7: 'x' } }).finish();
    assert.deepEqual(await reading(settings({ file: compiled }))(payload), await read(payload));
  });
});

describe('decodeProtobuf', () => {
  it('an empty payload is a message of zeros, as it was meant', async () => {
    assert.deepEqual(await read(''), EMPTY);
  });

  it('is as the JSON mapping of Protocol Buffers', async () => {
    const payload = type
      .encode({
        deviceId: 'é',
        temperature: NaN,
        counter: protobuf.util.LongBits.from('18446744073709551615').toLong(true),
        charging: false,
        state: 7,
        raw: Uint8Array.of(0, 255),
        readings: [{ unit: 'K', value: 0.5 }, {}],
        labels: { '-1': 'x' },
        at: { seconds: 1363896240, nanos: 5 },
        inner: { cell: 0 },
      })
      .finish();
    assert.deepEqual(await read(payload), {
      deviceId: 'é',
      temperature: 'NaN',
      counter: '18446744073709551615',
      charging: false,
      state: 7,
      raw: 'AP8=',
      readings: [
        { unit: 'K', value: 0.5 },
        { unit: '', value: 0 },
      ],
      labels: { '-1': 'x' },
      at: '2013-03-21T20:04:00.000000005Z',
      inner: { ...EMPTY, cell: '0' },
    });
  });

  it('refuses what is cut short, of another kind, or not UTF-8', async () => {
    for (const bytes of ['0a', '0a 05 61', '0f', '00', '0a 01 ff', 'ff ff ff ff ff ff ff ff ff ff ff 01', '12 01']) {
      assert.match(String(await read(hex(bytes))), /^syntax: the payload is not protobuf/, bytes);
    }
    assert.match(String(await read('{"deviceId":"a"}')), /^syntax/);
  });

  it('keeps to depth, keys and lengths', async () => {
    let nested = Buffer.alloc(0);
    for (let level = 0; level < 200; level++) {
      const length = protobuf.Writer.create().uint32(nested.length).finish();
      nested = Buffer.concat([Buffer.of(0x52), length, nested]);
    }
    assert.match(String(await read(nested)), /^too-deep/);
    const strict = reading({ ...settings(), limits: { maxDepth: 2, maxKeys: 30, maxString: 8 } });
    assert.match(String(await strict(type.encode({ inner: { inner: {} } }).finish())), /^too-deep/);
    assert.match(String(await strict(type.encode({ deviceId: 'x'.repeat(9) }).finish())), /^too-large/);
    const labels = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [i, '']));
    assert.match(String(await strict(type.encode({ labels }).finish())), /^too-many/);
  });
});
