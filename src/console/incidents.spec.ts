import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Incidents } from './incidents.js';

const HOUR_MS = 3_600_000;
const iso = (at: number): string => new Date(at).toISOString();

class Scene {
  at = 1_000_000;
  readonly incidents = new Incidents({ now: () => this.at });
}

describe('what happened and is over', () => {
  it('a lost session is known for a day, and how often it was', () => {
    const scene = new Scene();
    const { incidents, at } = scene;
    assert.equal(incidents.facts.sessionLost, undefined);
    incidents.link({ kind: 'session-lost', from: 0, to: at });
    assert.deepEqual(incidents.facts.sessionLost, { to: iso(at), times: 1 });
    scene.at += HOUR_MS;
    incidents.link({ kind: 'down' });
    incidents.link({ kind: 'session-lost', from: at, to: scene.at });
    assert.deepEqual(incidents.facts.sessionLost, { from: iso(at), to: iso(scene.at), times: 2 });
    scene.at += 24 * HOUR_MS;
    assert.equal(incidents.facts.sessionLost, undefined);
  });

  it('what was given up is counted by subscriber, apart from what was asked for, until an hour passes without', () => {
    const scene = new Scene();
    const { incidents, at } = scene;
    incidents.discarded('a', 'backlog-full', 3);
    scene.at += HOUR_MS - 1;
    incidents.discarded('a', 'journal-full', 4);
    incidents.discarded('a', 'asked', 5);
    incidents.discarded('b', 'asked', 0);
    const [since, now] = [iso(at), iso(scene.at)];
    assert.deepEqual(incidents.facts.discarded, [
      { id: 'a', reason: 'journal-full', count: 7, since, at: now },
      { id: 'a', reason: 'asked', count: 5, since: now, at: now },
    ]);
    scene.at += HOUR_MS;
    incidents.discarded('a', 'asked', 1);
    assert.deepEqual(incidents.facts.discarded, [
      { id: 'a', reason: 'asked', count: 1, since: iso(scene.at), at: iso(scene.at) },
    ]);
  });

  it('counters are of what they have risen by', () => {
    const scene = new Scene();
    const { incidents, at } = scene;
    incidents.counters({ dropped: 0, refused: 0 });
    incidents.counters({ dropped: 2, refused: 0 });
    scene.at += 5_000;
    incidents.counters({ dropped: 5, refused: 1 });
    incidents.counters({ dropped: 5, refused: 1 });
    incidents.expired(9);
    const now = iso(scene.at);
    assert.deepEqual(incidents.facts, {
      dropped: { count: 5, since: iso(at), at: now },
      refused: { count: 1, since: now, at: now },
      expired: { count: 9, since: now, at: now },
      discarded: [],
      unsubscribed: {},
    });
  });

  it('subscribers that come and go do not fill the memory', () => {
    const { incidents } = new Scene();
    for (let i = 0; i < 1_100; i++) incidents.discarded(`s${i}`, 'asked', 1);
    assert.deepEqual([incidents.facts.discarded.length, incidents.facts.discarded[0]!.id], [1_000, 's100']);
  });

  it('a subscription is refused, or unanswered, since the first time; a journal nearly full since it was told', () => {
    const scene = new Scene();
    const { incidents, at } = scene;
    const refuse = (): void => incidents.link({ kind: 'subscription', name: 's', code: 0x87 });
    refuse();
    incidents.nearFull(true);
    scene.at += 5_000;
    refuse();
    assert.deepEqual(incidents.facts.unsubscribed, { s: iso(at) });
    assert.equal(incidents.facts.nearFullSince, iso(at));
    incidents.link({ kind: 'unanswered', name: 's' });
    assert.deepEqual(incidents.facts.unsubscribed, { s: iso(scene.at) });
    incidents.link({ kind: 'subscription', name: 's', code: 1 });
    incidents.nearFull(false);
    assert.deepEqual(incidents.facts, { discarded: [], unsubscribed: {} });
  });
});
