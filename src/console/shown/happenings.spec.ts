import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { happening } from './happenings.js';

const at = '2026-11-26T08:00:00.000Z';

describe('what happened, in a sentence', () => {
  it('a drop says its cause and what to do', () => {
    assert.deepEqual(
      happening({
        at,
        name: 'link/down',
        cause: 'client-id-conflict',
        confidence: 'certain',
        evidence: [],
        mend: 'Find it.',
      }),
      { level: 'critical', text: 'The link dropped: client-id-conflict (certain). Find it.' },
    );
    assert.match(
      happening({ at, name: 'link/up', sessionPresent: true, reconnect: true, after: 'network' }).text,
      /up again after network; the session was resumed/,
    );
  });

  it('what comes back is good, what goes is not', () => {
    const levels = [
      happening({ at, name: 'journal/state', state: 'full', reason: 'disk' }),
      happening({ at, name: 'journal/state', state: 'open', reason: '' }),
      happening({ at, name: 'link/canary', silent: true }),
      happening({ at, name: 'link/canary', silent: false }),
      happening({ at, name: 'subscriber/state', subscriber: 'app', state: 'broken', reason: 'status 503' }),
      happening({ at, name: 'subscriber/state', subscriber: 'app', state: 'active', reason: '' }),
    ].map(({ level }) => level);
    assert.deepEqual(levels, ['critical', 'well', 'critical', 'well', 'warning', 'well']);
  });

  it('long foreign text is clipped', () => {
    const letter = { subscriber: 'a', position: 1, id: 'x', reason: 'status', status: 500, detail: '', attempts: 1 };
    const { text } = happening({ at, name: 'subscriber/dead-letter', ...letter, topic: 'x'.repeat(60_000) });
    assert.ok(text.length < 300);
    assert.match(text, /1 attempt, status 500\.$/);
  });
});
