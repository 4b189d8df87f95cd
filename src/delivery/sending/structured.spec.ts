import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import type { Record } from '../../domain/record.js';
import { parameterised, parametersOf } from '../../domain/topic-parameters.js';
import { isJsonType } from '../../domain/media-type.js';
import { recordOf, recordWith } from './sending.fixture.js';
import { structuredEvent } from './structured.js';

const SOURCE = 'urn:uuid:019c13a0-aaaa-7000-8000-000000000009';
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function textOf(record: Record): string {
  return structuredEvent(record, { source: SOURCE }).toString('utf8');
}

function eventOf(record: Record): { [name: string]: unknown } {
  return JSON.parse(textOf(record)) as { [name: string]: unknown };
}

function withPayload(payload: string | Uint8Array, contentType?: string): Record {
  const properties = contentType === undefined ? null : { contentType };
  return recordOf({ payload: Buffer.from(payload), properties });
}

/** The payload that an event carries, byte for byte. */
function payloadIn(text: string): Buffer {
  const event = JSON.parse(text) as { data_base64?: string };
  if (event.data_base64 !== undefined) return Buffer.from(event.data_base64, 'base64');
  const start = text.indexOf(',"data":');
  return start < 0 ? Buffer.alloc(0) : Buffer.from(text.slice(start + ',"data":'.length, -1));
}

describe('a structured event', () => {
  it('names the levels of the topic, joined like user properties; the CloudEvents SDK takes it', () => {
    const find = parametersOf([parameterised('devices/{deviceId}/{verb}')]);
    const bytes = structuredEvent(recordOf({ topic: 'devices/a, b/set' }), { source: SOURCE, parametersOf: find });
    const headers = { 'content-type': 'application/cloudevents+json' };
    const event = HTTP.toEvent({ headers, body: bytes.toString() }) as CloudEvent;
    assert.equal(event['mqtttopicparameter'], 'deviceId=a%2C%20b,verb=set');
    assert.ok(!('mqtttopicparameter' in eventOf(recordOf())));
  });

  it('bytes that are no JSON stay what they are: not UTF-8, a byte order mark, cut, two texts in one', () => {
    const payloads = [
      Buffer.from([0x22, 0xff, 0x22]),
      Buffer.from('\ufeff{}'),
      Buffer.from('{"a":'),
      Buffer.from('{} {}'),
      Buffer.from('},"id":"evil","data":{'),
      Buffer.from('NaN'),
      Buffer.from("{'a':1}"),
    ];
    for (const payload of payloads) {
      for (const contentType of [undefined, 'application/json']) {
        const event = eventOf(withPayload(payload, contentType));
        assert.equal(event['data_base64'], payload.toString('base64'));
        assert.equal(event['datacontenttype'], contentType ?? 'application/octet-stream');
        assert.ok(!('data' in event) && event['id'] === recordOf().id);
      }
    }
  });

  it('JSON keeps its own text: large numbers, order, repeated keys, spaces, escapes', () => {
    const texts = [
      '{"big":12345678901234567890123,"b":1,"a":2,"10":0,"1":0}',
      '{"a":1,"a":2}',
      ' [1.0, 1e400,\r\n\t-0] ',
      '"\\u0041\\ud800"',
      '0.1000',
      'null',
      '{"__proto__":{"x":1}}',
    ];
    for (const text of texts) {
      for (const contentType of [undefined, 'application/json; charset=utf-8', 'application/senml+json']) {
        const written = textOf(withPayload(text, contentType));
        assert.ok(written.endsWith(`,"data":${text}}`), written);
        assert.equal(eventOf(withPayload(text, contentType))['datacontenttype'], contentType ?? 'application/json');
      }
    }
  });

  it('a publisher who says that it is something else is believed', () => {
    const event = eventOf(withPayload('42', 'text/plain'));
    assert.deepEqual([event['data_base64'], event['datacontenttype'], 'data' in event], ['NDI=', 'text/plain', false]);
  });

  it('a content type that is no media type counts as none', () => {
    const event = eventOf(withPayload('42', 'json, please'));
    assert.deepEqual([event['data'], event['datacontenttype']], [42, 'application/json']);
    assert.equal(event['mqttcontenttype'], 'json, please');
  });

  it('an empty payload is no data', () => {
    for (const contentType of [undefined, 'application/json']) {
      const event = eventOf(withPayload('', contentType));
      assert.ok(!('data' in event) && !('data_base64' in event));
      assert.equal(event['datacontenttype'], contentType);
    }
  });

  it('is one JSON object that carries every byte, whatever the publisher sent', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const optional = fc.option(text, { nil: undefined });
    const properties = fc.record({
      contentType: fc.option(fc.constantFrom('application/json', 'text/plain', 'x'), { nil: undefined }),
      responseTopic: optional,
      correlationData: optional,
      userProperties: fc.option(fc.array(fc.tuple(text, text), { maxLength: 3 }), { nil: undefined }),
    });
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.json().map((json) => Buffer.from(json)),
    );
    fc.assert(
      fc.property(text, properties, payload, (topic, given, bytes) => {
        const record = recordOf({ topic, properties: given, payload: bytes });
        const written = textOf(record);
        assert.deepEqual(payloadIn(written), Buffer.from(bytes));
        const event = JSON.parse(written) as { [name: string]: unknown };
        for (const name of Object.keys(event)) assert.match(name, /^([a-z0-9]{1,20}|data_base64)$/);
        assert.equal(event['subject'], topic.toWellFormed() === topic ? topic : event['subject']);
        const pairs = (event['mqttuserproperty'] as string | undefined)?.split(',').filter((pair) => pair !== '');
        const decoded = pairs?.map((pair) => pair.split('=').map(decodeURIComponent));
        assert.deepEqual(decoded ?? [], given.userProperties ?? []);
      }),
    );
  });

  it('is a CloudEvent to the reference library, with the MQTT facts as extensions', () => {
    const record: Record = {
      ...recordWith({
        contentType: 'application/json',
        responseTopic: 'replies/7',
        correlationData: 'aGk=',
        userProperties: [
          ['a=b', 'x, y'],
          ['traceparent', TRACEPARENT],
          ['tracestate', 'a=1'],
        ],
      }),
      topic: 'devices/7 "ü"/telemetry%',
    };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const event = HTTP.toEvent({ headers, body: textOf(record) });
    assert.ok(event instanceof CloudEvent && event.validate());
    const { id, source, type, specversion, subject, time, datacontenttype } = event;
    const data: unknown = event.data;
    assert.deepEqual([id, source, type, specversion], [record.id, SOURCE, 'mqtt.message', '1.0']);
    assert.deepEqual([subject, time], [record.topic, new Date(record.receivedAt).toISOString()]);
    assert.deepEqual([datacontenttype, data], ['application/json', { temperature: 21.5 }]);
    const extensions = {
      sequence: '00000000000000000042',
      mqtttopic: record.topic,
      mqttqos: 1,
      mqttretain: false,
      mqttcontenttype: 'application/json',
      mqttresponsetopic: 'replies/7',
      mqttcorrelationdata: 'aGk=',
      mqttuserproperty: `a%3Db=x%2C%20y,traceparent=${TRACEPARENT},tracestate=a%3D1`,
      traceparent: TRACEPARENT,
      tracestate: 'a=1',
    };
    for (const [name, value] of Object.entries(extensions)) assert.equal(event[name], value, name);
  });

  it('bytes that are no JSON reach the reference library too', () => {
    const payload = Buffer.from([0, 1, 2, 255]);
    const event = HTTP.toEvent({
      headers: { 'content-type': 'application/cloudevents+json' },
      body: textOf(recordOf({ payload })),
    });
    assert.ok(event instanceof CloudEvent && event.validate());
    assert.equal(event.data_base64, payload.toString('base64'));
  });
});

describe('a JSON media type', () => {
  it('is told by its subtype or suffix', () => {
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'text/json', 'application/senml+json']) {
      assert.ok(isJsonType(type), type);
    }
    for (const type of ['application/json5', 'application/jsonl', 'application/json+xml', 'text/plain; a=json']) {
      assert.ok(!isJsonType(type), type);
    }
  });
});
