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
    assert.deepEqual(incidents.facts, {});
    incidents.link({ kind: 'session-lost', from: 0, to: at });
    assert.deepEqual(incidents.facts.sessionLost, { to: iso(at), times: 1 });
    scene.at += HOUR_MS;
    incidents.link({ kind: 'down' });
    incidents.link({ kind: 'session-lost', from: at, to: scene.at });
    assert.deepEqual(incidents.facts.sessionLost, { from: iso(at), to: iso(scene.at), times: 2 });
    scene.at += 24 * HOUR_MS;
    assert.deepEqual(incidents.facts, {});
  });
});
