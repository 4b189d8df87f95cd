import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TokenSettings } from '../domain/settings.js';
import { Callers } from './callers.js';

const APP: TokenSettings = { name: 'app', token: 'app-token', scopes: ['publish', 'read'] };
const READER: TokenSettings = { name: 'reader', token: 'reader-token', scopes: ['read'] };
const clock = { at: 0, monotonic: () => clock.at };

function callers(...tokens: TokenSettings[]): Callers {
  return new Callers({ tokens }, clock);
}

describe('callers', () => {
  it('are known by their token alone, under its name', () => {
    const known = callers(APP, { ...READER, publish: ['a/#'] });
    const { name, scopes, publish } = known.identify('bearer reader-token');
    assert.deepEqual([name, scopes, publish], ['reader', ['read'], ['a/#']]);
    assert.throws(() => known.identify('Bearer other-token'), { code: 'UNAUTHORIZED' });
  });

  it('that call too often are told when to come again, each by its own count', () => {
    const known = callers({ ...APP, rateLimit: { perSecond: 0.5 } }, READER);
    const [app, reader] = [known.identify('Bearer app-token'), known.identify('Bearer reader-token')];
    known.count(app);
    assert.throws(() => known.count(app), { code: 'TOO_MANY_REQUESTS', details: { retryAfterSeconds: 2 } });
    for (let calls = 0; calls < 1_000; calls++) known.count(reader);
    clock.at += 2_000;
    known.count(app);
    assert.throws(() => known.count(app));
  });

  it('whose token is replaced, removed or narrowed are revoked; all others go on, and are counted on', () => {
    const limited = { ...APP, rateLimit: { perSecond: 0.001 } };
    const known = callers(limited, READER, {
      ...READER,
      name: 'narrowed',
      token: 'narrowed',
      scopes: ['read', 'admin'],
    });
    const before = ['app-token', 'reader-token', 'narrowed'].map((token) => known.identify(`Bearer ${token}`));
    known.count(before[0]!);
    known.replace([
      { ...limited, scopes: ['publish', 'read', 'admin'] },
      { ...READER, token: 'rotated' },
      { ...READER, name: 'narrowed', token: 'narrowed' },
    ]);
    assert.deepEqual(
      before.map(({ revoked }) => revoked.aborted),
      [false, true, true],
    );
    assert.throws(() => known.identify('Bearer reader-token'), { code: 'UNAUTHORIZED' });
    const after = known.identify('Bearer app-token');
    assert.deepEqual(after.scopes, ['publish', 'read', 'admin']);
    assert.throws(() => known.count(after), { code: 'TOO_MANY_REQUESTS' });
    known.replace([]);
    assert.ok(after.revoked.aborted && before[0]!.revoked.aborted);
    assert.throws(() => known.identify('Bearer app-token'), { code: 'UNAUTHORIZED' });
    assert.ok(known.needed);
  });
});
