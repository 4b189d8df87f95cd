import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parameterised, parametersOf } from '../../domain/topic-parameters.js';
import { MESSAGE_HEADERS_BYTES_MAX, MessageHeaders } from './formats.js';
import { recordOf, recordWith, valuesOf } from './sending.fixture.js';

const NONE: ReadonlySet<string> = new Set();
const cloudEvents = new MessageHeaders('cloudevents', 'urn:uuid:1', NONE);
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function bytesOf(lines: string[]): number {
  return lines.reduce((sum, part) => sum + part.length + 2, 0);
}

describe('the headers of a message', () => {
  it('hold nothing that could end a line, whatever the publisher sent', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(text, text, text, fc.array(fc.tuple(text, text), { maxLength: 8 }), (topic, a, b, userProperties) => {
        const properties = { contentType: a, responseTopic: b, correlationData: a, userProperties };
        for (const part of cloudEvents.of(recordOf({ topic, properties }))) assert.match(part, /^[ -~]*$/);
      }),
    );
  });

  it('can be decoded to what the publisher sent', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.tuple(text, text), { maxLength: 8 }), (topic, userProperties) => {
        const lines = cloudEvents.of(recordOf({ topic, properties: { userProperties } }));
        assert.equal(decodeURIComponent(valuesOf(lines, 'ce-subject')[0]!), topic);
        // A server that joins repeated headers with commas must be able to part them again.
        const joined = valuesOf(lines, 'mqtt-user-property').join(', ');
        const pairs = joined === '' ? [] : joined.split(', ');
        const decoded = pairs.map((pair) => pair.split('=').map(decodeURIComponent));
        assert.deepEqual(decoded, userProperties);
      }),
    );
  });

  it('name the levels of the topic, encoded like user properties, in binary mode and raw', () => {
    const topic = 'devices/a=1, ü/set';
    const find = parametersOf([parameterised('devices/{deviceId}/{verb}')]);
    for (const format of ['cloudevents', 'raw'] as const) {
      const lines = new MessageHeaders(format, 'urn:uuid:1', NONE).of(recordOf({ topic }), find);
      assert.deepEqual(valuesOf(lines, 'mqtt-topic-parameter'), ['deviceId=a%3D1%2C%20%C3%BC', 'verb=set']);
    }
    assert.deepEqual(valuesOf(cloudEvents.of(recordOf({ topic: 'elsewhere' }), find), 'mqtt-topic-parameter'), []);
    assert.deepEqual(valuesOf(cloudEvents.of(recordOf({ topic })), 'mqtt-topic-parameter'), []);
  });

  it('stay within their bound, and name what was left out', () => {
    const long = 'ü'.repeat(30_000);
    const lines = cloudEvents.of(
      recordOf({ topic: long, properties: { responseTopic: long, correlationData: 'aGk=', contentType: long } }),
    );
    assert.ok(bytesOf(lines) <= MESSAGE_HEADERS_BYTES_MAX);
    assert.deepEqual(valuesOf(lines, 'holdfast-omitted'), [
      'mqtt-topic,ce-subject,mqtt-content-type,mqtt-response-topic',
    ]);
    assert.deepEqual(valuesOf(lines, 'mqtt-correlation-data'), ['aGk=']);
  });

  it('user properties are cut off at the bound, and a header says so', () => {
    const userProperties = Array.from({ length: 10_000 }, (_, i): [string, string] => [`name-${i}`, 'value']);
    const lines = cloudEvents.of(recordWith({ userProperties }));
    assert.ok(bytesOf(lines) <= MESSAGE_HEADERS_BYTES_MAX);
    assert.ok(valuesOf(lines, 'mqtt-user-property').length > 500);
    assert.deepEqual(valuesOf(lines, 'mqtt-user-property-truncated'), ['true']);
  });

  it('a content type that is no media type becomes application/octet-stream', () => {
    for (const contentType of [
      '',
      'json',
      'a/b\r\nx: y',
      'text/plain;',
      'a/b; c',
      '/',
      `a/${'b'.repeat(300)}`,
      'a/ü',
    ]) {
      const lines = cloudEvents.of(recordWith({ contentType }));
      assert.deepEqual(valuesOf(lines, 'content-type'), ['application/octet-stream'], contentType);
    }
    for (const contentType of ['application/json', 'text/plain; charset=utf-8', 'a/b+c;d="e f"']) {
      const lines = cloudEvents.of(recordWith({ contentType }));
      assert.deepEqual(valuesOf(lines, 'content-type'), [contentType]);
    }
    assert.deepEqual(valuesOf(cloudEvents.of(recordOf()), 'content-type'), ['application/octet-stream']);
  });

  it('a malformed trace context is not passed on', () => {
    const zeros = `00-${'0'.repeat(32)}-b7ad6b7169203331-01`;
    for (const parent of [
      '',
      'x',
      TRACEPARENT.toUpperCase(),
      `${TRACEPARENT}\r\n`,
      zeros,
      `ff${TRACEPARENT.slice(2)}`,
    ]) {
      const lines = cloudEvents.of(
        recordWith({
          userProperties: [
            ['traceparent', parent],
            ['tracestate', 'a=1'],
          ],
        }),
      );
      assert.deepEqual([...valuesOf(lines, 'traceparent'), ...valuesOf(lines, 'tracestate')], [], parent);
    }
  });

  it('a trace context of the publisher is passed on', () => {
    const userProperties: [string, string][] = [
      ['tracestate', 'a=1,b=2'],
      ['traceparent', TRACEPARENT],
    ];
    const lines = cloudEvents.of(recordWith({ userProperties }));
    assert.deepEqual(valuesOf(lines, 'traceparent'), [TRACEPARENT]);
    assert.deepEqual(valuesOf(lines, 'tracestate'), ['a=1,b=2']);
  });

  it('the headers that the subscriber configured win', () => {
    const headers = new MessageHeaders('raw', 'urn:uuid:1', new Set(['content-type', 'traceparent']));
    const lines = headers.of(recordWith({ contentType: 'a/b', userProperties: [['traceparent', TRACEPARENT]] }));
    assert.deepEqual([...valuesOf(lines, 'content-type'), ...valuesOf(lines, 'traceparent')], []);
  });

  it('structured: the body says it all, the headers only how to read it, and the trace', () => {
    const lines = new MessageHeaders('cloudevents-structured', 'urn:uuid:1', NONE).of(
      recordWith({
        contentType: 'text/plain',
        responseTopic: 'r',
        userProperties: [
          ['traceparent', TRACEPARENT],
          ['tracestate', 'a=1'],
        ],
      }),
    );
    assert.deepEqual(lines, [
      ...['content-type', 'application/cloudevents+json'],
      ...['traceparent', TRACEPARENT, 'tracestate', 'a=1'],
    ]);
  });

  it('raw is the same without the CloudEvents headers', () => {
    const record = recordWith({ contentType: 'text/plain', userProperties: [['a', 'b']] });
    const raw = new MessageHeaders('raw', 'urn:uuid:1', NONE).of(record);
    const lines = cloudEvents.of(record);
    const rest = lines.filter((_, i) => !lines[i - (i % 2)]!.startsWith('ce-'));
    assert.deepEqual(raw, rest);
    assert.equal(lines.length - raw.length, 2 * 7);
  });
});
