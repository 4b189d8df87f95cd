import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { BROKER, settingsOf, told } from './config.fixture.js';

const subscriber = (more: string): string =>
  `${BROKER}subscriptions: [{ filter: a }]\nsubscribers:\n  - id: one\n    url: http://localhost\n    topics: [a]\n${more}`;

function one(more: string): SubscriberSettings {
  return settingsOf(subscriber(more)).subscribers[0]!;
}

describe('content filters', () => {
  it('each key, nested; several attributes must all match', () => {
    const { where } = one(`    where:
      all:
        - { prefix: { topic: devices/a } }
        - { not: { exact: { /state: off } } }
        - { any: [{ suffix: { "user:site": "${'$'}{SITE:-7}" } }, { exact: { /n: 1.0, /on: true } }] }
`);
    assert.deepEqual(where, {
      kind: 'all',
      of: [
        { kind: 'prefix', attribute: 'topic', value: 'devices/a' },
        { kind: 'not', of: { kind: 'exact', attribute: '/state', value: 'off' } },
        {
          kind: 'any',
          of: [
            { kind: 'suffix', attribute: 'user:site', value: '7' },
            {
              kind: 'all',
              of: [
                { kind: 'exact', attribute: '/n', value: '1.0' },
                { kind: 'exact', attribute: '/on', value: 'true' },
              ],
            },
          ],
        },
      ],
    });
  });

  it('an empty one filters nothing', () => {
    for (const text of ['    where: {}\n', '    where:\n', '']) assert.equal(one(text).where, undefined);
  });

  it('every mistake has its line', () => {
    assert.deepEqual(
      told(
        subscriber(`    where:
      all:
        - { exact: { topik: a } }
        - {}
        - { exact: { topic: a }, not: { exact: { topic: b } } }
        - { prefix: { topic: "" } }
        - { exact: {} }
        - { any: [] }
        - { exact: { /a: [1] } }
        - { exact: { "/a~2": 1, "user:": 1 } }
        - { exakt: { topic: a } }
`),
      ),
      [
        '9 subscribers[0].where.all[0].exact.topik: is no attribute of a record',
        '10 subscribers[0].where.all[1]: compares nothing',
        '11 subscribers[0].where.all[2]: has both exact and not',
        '12 subscribers[0].where.all[3].prefix.topic: is empty, which every text has',
        '13 subscribers[0].where.all[4].exact: compares nothing',
        '14 subscribers[0].where.all[5].any: needs at least 1',
        '15 subscribers[0].where.all[6].exact["/a"]: must be a single value',
        '16 subscribers[0].where.all[7].exact["/a~2"]: in a JSON pointer ~ is written ~0, and / within a name ~1',
        '16 subscribers[0].where.all[7].exact["user:"]: names no user property',
        '17 subscribers[0].where.all[8].exakt: unknown key',
      ],
    );
  });

  it('depth and size are bounded, and an alias inside its own anchor ends', () => {
    const nested = (depth: number): string =>
      '{ not: '.repeat(depth - 1) + '{ exact: { topic: a } }' + ' }'.repeat(depth - 1);
    assert.ok(one(`    where: ${nested(8)}\n`).where);
    assert.deepEqual(told(subscriber(`    where: ${nested(9)}\n`)), [
      `7 subscribers[0].where${'.not'.repeat(8)}: is nested more than 8 deep`,
    ]);
    const many = Array.from({ length: 9 }, (_, i) => {
      const attributes = Array.from({ length: 29 }, (__, j) => `/a${i}/${j}: 1`).join(', ');
      return `{ exact: { ${attributes} } }`;
    });
    assert.deepEqual(told(subscriber(`    where: { any: [${many.join(', ')}] }\n`)), [
      '7 subscribers[0].where: holds more than 256 comparisons',
    ]);
    const [first] = told(subscriber('    where: &w { all: [*w, *w] }\n'));
    assert.match(first!, /is nested/);
    const bomb = Array.from({ length: 8 }, (_, i) => {
      const inner =
        i === 0
          ? '{ exact: { topic: a } }'
          : Array(8)
              .fill(`*w${i - 1}`)
              .join(', ');
      return `      - &w${i} { any: [${inner}] }\n`;
    });
    assert.deepEqual(
      told(subscriber(`    where:\n     all:\n${bomb.join('')}`))[0],
      '1 : aliases (*) repeat too much of it',
    );
  });
});

describe('order, rate, batch and backlog', () => {
  it('are read, with their defaults', () => {
    const { ordering, key, rateLimit, maxBacklog, batch } = one(`    ordering: key
    key: /deviceId
    rateLimit: { perSecond: 0.5 }
    maxBacklog: { records: 10, bytes: }
`);
    assert.deepEqual([ordering, key, rateLimit, maxBacklog], ['key', '/deviceId', { perSecond: 0.5 }, { records: 10 }]);
    assert.equal(batch, undefined);
    assert.deepEqual(one('    maxBacklog: { bytes: 1MiB }\n').maxBacklog, { bytes: 1_048_576 });
    const full = { maxMessages: 100, maxBytes: 1_048_576, maxWaitMs: 50 };
    assert.deepEqual(one('    format: cloudevents-batch\n').batch, full);
    const batched = one('    format: cloudevents-batch\n    batch: { maxMessages: 7, maxWait: 0ms }\n').batch;
    assert.deepEqual(batched, { ...full, maxMessages: 7, maxWaitMs: 0 });
  });

  it('what does not fit together or is out of bounds is refused', () => {
    const problems = (more: string): string[] =>
      told(subscriber(more)).map((line) => line.replace('subscribers[0].', ''));
    assert.deepEqual(problems('    ordering: key\n'), ['4 key: is missing, and ordering is key']);
    assert.deepEqual(problems('    key: /a\n'), ['7 key: has no effect']);
    assert.deepEqual(problems('    ordering: key\n    key: a\n'), [
      '8 key: is not a JSON pointer: a JSON pointer starts with /',
    ]);
    assert.deepEqual(problems('    batch: {}\n'), ['7 batch: has no effect']);
    assert.deepEqual(problems('    rateLimit: {}\n'), ['7 rateLimit.perSecond: is missing']);
    assert.deepEqual(problems('    rateLimit: { perSecond: 0 }\n'), [
      '7 rateLimit.perSecond: must be a number from 0.001 to 100000',
    ]);
    assert.deepEqual(
      problems('    format: cloudevents-batch\n    batch: { maxMessages: 1001, maxBytes: 1, maxWait: 11s }\n'),
      [
        '8 batch.maxMessages: must be a whole number from 1 to 1000',
        '8 batch.maxBytes: must be a size: a whole number and B, KB, MB, GB, TB, KiB, MiB, GiB or TiB',
        '8 batch.maxWait: must be between 0ms and 10s',
      ],
    );
  });
});
