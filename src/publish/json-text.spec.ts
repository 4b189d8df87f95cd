import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { elementTexts, memberText } from './json-text.js';

const parse = (text: string): unknown => JSON.parse(text);

describe('the text of a JSON value', () => {
  it('is what was written, but for white space between tokens', () => {
    const cases: [object: string, text: string | undefined][] = [
      ['{"payload":12345678901234567890}', '12345678901234567890'],
      [' { "a" : [ ] , "payload" : { "n" : 1.0 , "b" : [ 1 , -2e3 ] } }\n', '{"n":1.0,"b":[1,-2e3]}'],
      ['{"payload":{"a":1,"a":2}}', '{"a":1,"a":2}'],
      ['{"payload":{"b":1,"2":0,"1":0}}', '{"b":1,"2":0,"1":0}'],
      ['{"payload":{"a b":" \\" } , ["}, "z":1}', '{"a b":" \\" } , ["}'],
      ['{"payload":1,"payload":2}', '2'],
      ['{"pay\\u006coad":true}', 'true'],
      ['{"a":{"payload":1}}', undefined],
      ['{"a":"\\\\","payload":null}', 'null'],
      ['{}', undefined],
    ];
    for (const [object, text] of cases) assert.equal(memberText(object, 'payload'), text, object);
  });

  it('means the same as what was parsed, however it is laid out', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), fc.constantFrom('', '  ', '\t'), (one, other, indent) => {
        const laid = JSON.stringify({ a: parse(one), payload: parse(other) }, undefined, indent);
        assert.equal(memberText(laid, 'payload'), JSON.stringify(parse(other)));
        const elements = elementTexts(JSON.stringify([parse(one), parse(other)], undefined, indent));
        assert.deepEqual(elements.map(parse), [parse(one), parse(other)]);
      }),
    );
    assert.deepEqual(elementTexts(' [ ] '), []);
  });

  it('nesting is no matter', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.equal(memberText(`{"payload":${deep}}`, 'payload'), deep);
  });
});
