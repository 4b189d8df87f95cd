import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { BROKER, directory, settingsOf, told, write } from './config.fixture.js';
import { fieldsOf } from './field.js';
import { GatewayConfig } from './gateway.config.js';
import { loadSettings } from './load.js';
import { formatProblems } from './problem.js';
import type { ConfigClass, Shape } from './shape.js';

const INHERITED = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'];

describe('hostile keys', () => {
  it('names that mean something to JavaScript are unknown keys everywhere', () => {
    for (const name of INHERITED) {
      const places = [`${name}: {}`, `session: { ${name}: 1 }`, `subscriptions: [{ filter: a, ${name}: 1 }]`];
      for (const place of places) {
        const problems = told(BROKER + place);
        assert.ok(problems.length === 1 && problems[0]!.endsWith(`${name}: unknown key`), problems.join());
      }
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('as names of contracts and headers they are refused, or are names like any other', () => {
    for (const name of ['__proto__', 'constructor']) {
      assert.match(told(`${BROKER}contracts: { ${name}: {} }`)[0]!, /is not a name for a contract/);
      const header = `subscribers: [{ id: a, url: "http://localhost", topics: [a], headers: { ${name}: a } }]`;
      assert.match(told(BROKER + header)[0]!, /is not a header name/);
    }
    const { contracts } = settingsOf(`${BROKER}contracts: { toString: {}, then: {}, hasOwnProperty: {} }`);
    assert.deepEqual(contracts.map(({ name }) => name).sort(), ['hasOwnProperty', 'then', 'toString']);
    assert.match(told(`${BROKER}subscriptions: [{ filter: a, contract: constructor }]`)[0]!, /names no contract/);
  });

  it('a key that is no text, empty, long, or made of control characters is told without harm to a terminal', () => {
    const bell = '\u0007\u001b[31m\u009b';
    for (const key of ['? [a]\n', '? { a: b }\n', 'null', '~', '""', '5', 'true', `"${'x'.repeat(1_000)}"`]) {
      assert.equal(told(`${BROKER}${key}: 1\n`).length, 1, key);
    }
    const loaded = loadSettings(
      write('bell.yaml', `${BROKER}"\\a\\e[31m\\x9b": 1\ncontracts: { "\\a\\e[31m\\x9b": }`),
      {},
    );
    assert.ok('problems' in loaded && loaded.problems.length === 2);
    const text = formatProblems('x', loaded.problems, false);
    for (const character of bell) if (character < ' ' || character > '~') assert.ok(!text.includes(character));
  });
});

/** Every key of the configuration, and words that its values are made of. */
const KEYS = new Set(INHERITED);
const gathered = new Set<ConfigClass>();
function gather(type: ConfigClass): void {
  if (gathered.has(type)) return;
  gathered.add(type);
  for (const [key, { shape }] of fieldsOf(type)) {
    KEYS.add(key);
    gatherShape(shape);
  }
}
function gatherShape(shape: Shape): void {
  if (shape.kind === 'object') gather(shape.type);
  else if (shape.kind === 'either') gather(shape.object.type);
  else if (shape.kind !== 'scalar') gatherShape(shape.of);
}
gather(GatewayConfig);

const WORDS = [
  ...[
    '',
    'null',
    '~',
    '5',
    '-1',
    '0',
    '1.5',
    '.nan',
    '1e400',
    'true',
    'none',
    'auto',
    '30s',
    '1GiB',
    '0s',
    'x'.repeat(300),
  ],
  ...[
    'a/#',
    '#',
    '+',
    '$share/g/a',
    'mqtts://b',
    'ws://b',
    'http://b',
    'a#B',
    'gateway.yaml/x',
    '..',
    '/dev/null',
    '*a',
  ],
  ...[
    '&a x',
    '!!binary aGk=',
    '!!set { a }',
    '<<',
    '"\\0"',
    '"\\ud800"',
    '2026-01-31',
    '${X}',
    '${X:-5}',
    '${file:.}',
    '${',
  ],
];
const scalar = fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 8 }));
const key = fc.constantFrom(...KEYS);

/** YAML in flow style that has much in common with a configuration. */
const { node } = fc.letrec<{ node: string; mapping: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'config' },
    { arbitrary: scalar, weight: 3 },
    { arbitrary: fc.array(tie('node'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`), weight: 2 },
    { arbitrary: tie('mapping'), weight: 3 },
  ),
  mapping: fc.array(fc.tuple(key, tie('node')), { maxLength: 5 }).map((pairs) => {
    return `{ ${pairs.map(([name, value]) => `${name}: ${value}`).join(', ')} }`;
  }),
}));
const SECTIONS = [...fieldsOf(GatewayConfig).keys()];
const near = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...SECTIONS), node), { maxLength: 6, selector: ([name]) => name })
  .map((sections) => sections.map(([name, value]) => `${name}: ${value}\n`).join(''));

describe('any text as a file', { timeout: 60_000 }, () => {
  const file = join(directory, 'any.yaml');

  function holds(content: string | Uint8Array): void {
    writeFileSync(file, content);
    const loaded = loadSettings(file, { X: '${X}' });
    assert.notEqual('settings' in loaded, 'problems' in loaded && loaded.problems.length > 0);
    for (const { path, message, mend, line } of 'problems' in loaded ? loaded.problems : []) {
      for (const text of [path, message, mend]) assert.equal(typeof text, 'string');
      assert.ok(Number.isInteger(line) && message !== '' && mend !== '');
    }
  }

  it('ends in settings or in problems, never in an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)) }),
          fc.uint8Array(),
        ),
        holds,
      ),
      { seed },
    );
  });

  it('also when it looks like a configuration', () => {
    fc.assert(fc.property(near, holds), { seed, numRuns: 200 });
  });

  it('also when a configuration is cut, or one of its characters is another', () => {
    const whole = `broker: { url: "mqtt://localhost", tls: { caFile: a } }
subscriptions:
  - { name: t, filter: "a/+", qos: 1, contract: c }
contracts: { c: { format: json, schema: "any.yaml" } }
subscribers: [{ id: b, url: "http://localhost", topics: ["a/+"], retry: { schedule: [1s] } }]
http: { auth: { tokens: [{ name: a, token: "\${X:-aaaaaaaaaaaaaaaa}", scopes: [read] }] } }
`;
    const place = fc.nat({ max: whole.length });
    const cut = fc.tuple(place, place, fc.string({ maxLength: 2 })).map(([from, length, text]) => {
      return whole.slice(0, from) + text + whole.slice(from + (length % 12));
    });
    fc.assert(fc.property(cut, holds), { seed, numRuns: 200 });
  });
});
