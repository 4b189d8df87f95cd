import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { filtersOverlap, topicFilterProblem, topicMatches, topicNameProblem, withoutShare } from './topic.js';
import { filters, topics } from '../../test/support/topics.js';

describe('topic names', () => {
  it('refuses what MQTT forbids', () => {
    const refused = ['', 'a/+', '#', 'a\u0000b', 'a\ud800', 'x'.repeat(65_536), 'ü'.repeat(32_768)];
    for (const topic of refused) assert.ok(topicNameProblem(topic), JSON.stringify(topic.slice(0, 20)));
  });

  it('refuses the gateway’s own', () => {
    for (const topic of ['$holdfast', '$holdfast/', '$holdfast/link/gap'])
      assert.match(topicNameProblem(topic)!, /own/);
  });

  it('takes everything else, odd as it looks', () => {
    const taken = [
      'a',
      '/',
      '//',
      ' ',
      'a/ü/漢',
      '$SYS/x',
      '$holdfasts',
      'a/$holdfast/b',
      '$share',
      'x'.repeat(65_535),
    ];
    for (const topic of taken) assert.equal(topicNameProblem(topic), undefined, topic.slice(0, 20));
  });
});

describe('topic filters', () => {
  it('refuses what MQTT forbids', () => {
    const refused = ['', '#/a', 'a/#/b', 'a#', 'a/b#', 'a+', '+a/b', 'a/+b', 'a\u0000', '\udfff', 'x'.repeat(65_536)];
    const shared = [
      '$share',
      '$share/',
      '$share/g',
      '$share/g/',
      '$share//a',
      '$share/+/a',
      '$share/a#/b',
      '$share/g/#/a',
    ];
    for (const filter of [...refused, ...shared])
      assert.ok(topicFilterProblem(filter), JSON.stringify(filter.slice(0, 20)));
  });

  it('takes wildcards in their places, and shared filters', () => {
    const taken = [
      '#',
      '+',
      '/',
      '+/+',
      '/#',
      'a/+/b/#',
      '$SYS/#',
      '$share/g/a',
      '$share/g/#',
      '$share/g//',
      '$shared/a',
    ];
    for (const filter of taken) assert.equal(topicFilterProblem(filter), undefined, filter);
  });

  it('lose their share group and nothing else', () => {
    assert.equal(withoutShare('$share/group/a/+/#'), 'a/+/#');
    assert.equal(withoutShare('$share/group//a'), '/a');
    assert.equal(withoutShare('$shared/group/a'), '$shared/group/a');
    assert.equal(withoutShare('a/$share/b/c'), 'a/$share/b/c');
  });
});

describe('matching', () => {
  // The examples of MQTT 5.0, 4.7.1 and 4.7.2 are among them.
  const table: [filter: string, topic: string, matches: boolean][] = [
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player10', false],
    ['sport/#', 'sport', true],
    ['#', 'sport/tennis', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/tennis/+', 'sport/tennis', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/uptime', false],
    ['+/uptime', '$SYS/uptime', false],
    ['$SYS/#', '$SYS/uptime', true],
    ['$SYS/+', '$SYS/uptime', true],
    ['a/+', 'a/$b', true],
    ['a', 'A', false],
    ['a/b', 'a/b/', false],
    ['a//b', 'a/b', false],
    ['a/+/b', 'a//b', true],
    ['$share/g/a/+', 'a/b', true],
    ['$share/g/+', '$SYS', false],
    ['$share/g/a', '$share/g/a', false],
  ];
  for (const [filter, topic, matches] of table) {
    it(`${filter} ${matches ? 'matches' : 'does not match'} ${topic}`, () => {
      assert.equal(topicMatches(filter, topic), matches);
    });
  }
});

describe('overlap', () => {
  const table: [one: string, other: string, overlap: boolean][] = [
    ['a/b', 'a/c', false],
    ['a/b', 'a/b/c', false],
    ['a/+', 'a/b/+', false],
    ['+/b', 'a/+', true],
    ['a/#', 'a', true],
    ['a/#', '+', true],
    ['a/+/#', 'a', false],
    ['+/a', '+/b', false],
    ['#', 'a/b/c', true],
    ['#', '$SYS/#', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/+', '$SYS/#', true],
    ['$share/g/a/+', 'a/b', true],
    ['$share/g/a', '$share/h/a', true],
  ];
  for (const [one, other, overlap] of table) {
    it(`${one} and ${other} ${overlap ? 'overlap' : 'do not overlap'}`, () => {
      assert.equal(filtersOverlap(one, other), overlap);
      assert.equal(filtersOverlap(other, one), overlap);
    });
  }

  it('filters that match one topic overlap', () => {
    const property = fc.property(filters, filters, topics, (one, other, topic) => {
      if (topicMatches(one, topic) && topicMatches(other, topic)) assert.ok(filtersOverlap(one, other));
    });
    fc.assert(property, { seed, numRuns: 3_000 });
  });

  it('filters that overlap have a topic in common', () => {
    const property = fc.property(filters, filters, (one, other) => {
      if (!filtersOverlap(one, other)) return;
      const witness = commonTopic(one, other);
      assert.ok(topicMatches(one, witness) && topicMatches(other, witness), `not even ${witness}`);
    });
    fc.assert(property, { seed, numRuns: 3_000 });
  });
});

/** Where one filter is open, the other one's level; where both are, a plain one. */
function commonTopic(one: string, other: string): string {
  const [a, b] = [withoutShare(one).split('/'), withoutShare(other).split('/')];
  const levels: string[] = [];
  for (let i = 0; ; i++) {
    // Past its end only the parent of a `#` may go on, and then the shorter topic is common.
    if ((a[i] === '#' || a[i] === undefined) && (b[i] === '#' || b[i] === undefined)) break;
    const fixed = [a[i], b[i]].find((level) => level !== undefined && level !== '+' && level !== '#');
    levels.push(fixed ?? 'x');
  }
  return levels.length === 0 ? 'x' : levels.join('/');
}
