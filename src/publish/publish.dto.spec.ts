import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HoldfastError } from '../domain/errors.js';
import { parsePublish } from './publish.dto.js';

const NUL = String.fromCharCode(0);
const BODY = { topic: 'commands/1', payload: 'x' };

function pointersOf(body: object): string[] {
  try {
    parsePublish({ ...BODY, ...body });
    return [];
  } catch (error) {
    const { errors } = (error as HoldfastError).details as { errors: { pointer: string }[] };
    return errors.map(({ pointer }) => pointer);
  }
}

describe('publish body', () => {
  it('what MQTT cannot carry is refused: written to the broker it would cost the link, again at every connect', () => {
    assert.deepEqual(pointersOf({ contentType: `a${NUL}b` }), ['/contentType']);
    assert.deepEqual(pointersOf({ contentType: '€'.repeat(30_000) }), ['/contentType']);
    assert.deepEqual(pointersOf({ correlationData: Buffer.alloc(70_000).toString('base64') }), ['/correlationData']);
    assert.deepEqual(pointersOf({ userProperties: { a: `b${NUL}` } }), ['/userProperties']);
    assert.deepEqual(pointersOf({ userProperties: { [`a${NUL}`]: 'b' } }), ['/userProperties']);
    assert.deepEqual(pointersOf({ userProperties: { a: '€'.repeat(30_000) } }), ['/userProperties']);
    assert.deepEqual(pointersOf({ userProperties: { a: [1] } }), ['/userProperties']);
    assert.deepEqual(pointersOf({ responseTopic: `r${NUL}` }), ['/responseTopic']);
    assert.deepEqual(pointersOf({ topic: `t${NUL}` }), ['/topic']);
  });

  it('user properties that are there and empty are none', () => {
    assert.equal(parsePublish({ ...BODY, userProperties: {} }).properties, null);
    assert.equal(parsePublish({ ...BODY, userProperties: { a: [] } }).properties, null);
  });

  it('what fits is taken as it is', () => {
    const { properties } = parsePublish({
      ...BODY,
      contentType: 'x'.repeat(65_535),
      userProperties: { a: ['1', '2'] },
    });
    assert.equal(properties?.contentType?.length, 65_535);
    assert.deepEqual(properties.userProperties, [
      ['a', '1'],
      ['a', '2'],
    ]);
  });
});
