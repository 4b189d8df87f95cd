import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSampled, originOf, sendSpanIdOf, spanRefOf, traceOf, traceparentOf } from './trace.js';
import { uuid7, uuidText } from './uuid.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PARENT = `00-${TRACE}-${SPAN}-01`;

describe('trace context', () => {
  it('is read and written as W3C has it; what is malformed is none', () => {
    assert.deepEqual(spanRefOf(PARENT), { traceId: TRACE, spanId: SPAN, sampled: true });
    assert.equal(traceparentOf(spanRefOf(PARENT)!), PARENT);
    assert.deepEqual(spanRefOf(`00-${TRACE}-${SPAN}-00`)!.sampled, false);
    assert.deepEqual(spanRefOf(`01-${TRACE}-${SPAN}-01-more`)!.traceId, TRACE);
    const bad = [
      ...['', 'x', PARENT.toUpperCase(), PARENT.slice(1), `${PARENT}0`, `ff${PARENT.slice(2)}`],
      ...[`00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`],
    ];
    for (const text of bad) assert.equal(spanRefOf(text), undefined, text);
  });

  it('of a message is its first, and passed on only when it is well formed', () => {
    assert.deepEqual(
      traceOf([
        ['traceparent', PARENT],
        ['tracestate', 'a=1'],
        ['traceparent', 'x'],
      ]),
      { parent: PARENT, state: 'a=1' },
    );
    assert.deepEqual(
      traceOf([
        ['tracestate', 'a\n=1'],
        ['traceparent', PARENT],
      ]),
      { parent: PARENT, state: undefined },
    );
    for (const text of ['x', `${PARENT}-more`]) assert.equal(traceOf([['traceparent', text]]), undefined);
  });

  it('of a record is its id, everywhere the same; span ids are valid and differ', () => {
    const id = uuidText(uuid7(Date.now()));
    const origin = originOf(id);
    assert.equal(origin.traceId, id.replaceAll('-', ''));
    const ids = [origin.spanId, sendSpanIdOf(id)];
    assert.equal(new Set(ids).size, 2);
    for (const spanId of ids) assert.ok(spanRefOf(traceparentOf({ ...origin, spanId })));
  });

  it('a share of the ids is sampled, and the same ones each time', () => {
    const ids = Array.from({ length: 10_000 }, () => uuidText(uuid7(Date.now())));
    const sampled = ids.filter((id) => isSampled(id, 0.25));
    assert.ok(sampled.length > 2_000 && sampled.length < 3_000, `${sampled.length} of 10 000`);
    assert.ok(sampled.every((id) => isSampled(id, 0.25) && isSampled(id, 0.5)));
    assert.ok(ids.every((id) => isSampled(id, 1) && !isSampled(id, 0)));
  });
});
