import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { yaml } from './yaml.js';

describe('settings as YAML', () => {
  it('are read as what they are', () => {
    const settings = {
      broker: { url: 'mqtt://a:1883', password: '********', wsHeaders: {}, none: null },
      subscribers: [{ id: 'a', topics: ['devices/#', '+/x'], nested: [[1, 2], []] }, { id: 'no' }],
      words: ['true', 'yes', '12', '', ' a', 'a ', '- a', 'a: b', '#', '"', 'null', 'a\nb', '0x1', '1e3', '.5'],
      flags: [true, false, 1.5, 0],
    };
    assert.deepEqual(parse(yaml(settings)), settings);
  });

  it('look as in a file', () => {
    assert.equal(
      yaml({ a: { b: [{ c: 1, d: 'x' }, 'e'] } }),
      ['a:', '  b:', '    - c: 1', '      d: x', '    - e'].join('\n'),
    );
  });

  it('show what hides in them', () => {
    assert.equal(yaml({ a: '\u202e' }), 'a: "\\u{202e}"');
  });
});
