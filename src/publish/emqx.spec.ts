import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import { parsePublish } from './publish.dto.js';

function pointers(body: object): string[] {
  try {
    parsePublish({ topic: 't', payload: 'x', ...body });
  } catch (error) {
    assert.ok(error instanceof HoldfastError && error.code === 'REQUEST_INVALID', String(error));
    return (error.details['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
  }
  return [];
}

describe('the body of EMQX', () => {
  it('what is wrong is told where it stands in that body', () => {
    assert.deepEqual(pointers({ payload_encoding: 'hex' }), ['/payload_encoding']);
    assert.deepEqual(pointers({ payload_encoding: 5 }), ['/payload_encoding']);
    assert.deepEqual(pointers({ payload_encoding: 'base64', payload: '!' }), ['/payload']);
    assert.deepEqual(pointers({ payload_encoding: 'base64', payload: { a: 1 } }), ['/payload']);
    assert.deepEqual(pointers({ properties: 'a' }), ['/properties']);
    assert.deepEqual(pointers({ properties: [] }), ['/properties']);
    const properties = {
      content_type: 5,
      response_topic: 'a/#',
      message_expiry_interval: -1,
      correlation_data: 5,
      user_properties: { a: {} },
      payload_format_indicator: 2,
      'topic/alias': 1,
      constructor: 1,
    };
    const found = new Set(pointers({ properties }));
    const expected = Object.keys(properties).map((name) => `/properties/${name.replace('/', '~1')}`);
    assert.deepEqual([...found].sort(), expected.sort());
  });

  it('a payload that is not the UTF-8 it claims to be is refused: a broker may end the connection for it', () => {
    const properties = { payload_format_indicator: 1 };
    const body = { payload: '/w==', payload_encoding: 'base64', properties };
    assert.deepEqual(pointers(body), ['/properties/payload_format_indicator']);
    assert.deepEqual(pointers({ ...body, properties: { payload_format_indicator: 0 } }), []);
  });

  it('one property in both spellings is refused', () => {
    const body = { contentType: 'a', properties: { content_type: 'b' } };
    assert.deepEqual(pointers(body), ['/properties/content_type']);
  });

  it('a payload in base64 beside payloadBase64 is refused: one of them would be dropped', () => {
    const body = { payload: 'aGk=', payload_encoding: 'base64' };
    assert.throws(() => parsePublish({ topic: 't', ...body, payloadBase64: 'aG8=' }), {
      message: /^\/payload: give exactly one of payload and payloadBase64/,
    });
    assert.deepEqual(pointers({ ...body, payloadBase64: '' }), ['/payload']);
    assert.deepEqual(pointers({ ...body, payloadBase64: null }), []);
  });

  it('base64 and plain payloads, and every property, are understood', () => {
    const body = {
      topic: 't',
      qos: 0,
      retain: true,
      payload: 'aGk=',
      payload_encoding: 'base64',
      properties: {
        payload_format_indicator: 1,
        message_expiry_interval: 60,
        response_topic: 'r',
        correlation_data: 'é',
        content_type: 'text/plain',
        user_properties: { foo: 'bar' },
      },
    };
    assert.deepEqual(parsePublish(body), {
      topic: 't',
      qos: 0,
      retain: true,
      payload: Buffer.from('hi'),
      properties: {
        payloadFormatIndicator: true,
        messageExpiryInterval: 60,
        responseTopic: 'r',
        correlationData: Buffer.from('é').toString('base64'),
        contentType: 'text/plain',
        userProperties: [['foo', 'bar']],
      },
    });
    const plain = parsePublish({ topic: 't', payload: 'aGk=', payload_encoding: 'plain', properties: {} });
    assert.deepEqual([String(plain.payload), plain.properties], ['aGk=', null]);
    const empty = parsePublish({
      topic: 't',
      payload: 'x',
      payload_encoding: null,
      properties: { content_type: null },
    });
    assert.equal(empty.properties, null);
  });

  it('what only EMQX takes does no harm: clientid, no expiry as 0, values that are no text, base64 in lines', () => {
    const body = {
      topic: 't',
      clientid: 'emqx_c',
      payload: 'aGVs\r\nbG8=\n',
      payload_encoding: 'base64',
      properties: { message_expiry_interval: 0, user_properties: { n: 5, b: true, s: 'x' } },
    };
    const { payload, properties } = parsePublish(body);
    assert.equal(String(payload), 'hello');
    assert.deepEqual(properties, {
      userProperties: [
        ['n', '5'],
        ['b', 'true'],
        ['s', 'x'],
      ],
    });
  });
});
