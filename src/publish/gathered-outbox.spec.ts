import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AcceptRefusal } from '../domain/journal.js';
import { GatheredOutbox } from './gathered-outbox.js';

describe('a publish that the journal does not take', () => {
  const refused = (code: AcceptRefusal['code']): Promise<void> =>
    new GatheredOutbox({
      accept: () => Promise.resolve([{ code, message: 'no room' }]),
      keepAnswer: () => Promise.resolve(),
    }).accept({ publishes: [] });

  it('for its key is to be tried again in minutes, for anything else in seconds, which needs no word', async () => {
    await assert.rejects(refused('KEYS_FULL'), { code: 'KEYS_FULL', details: { retryAfterSeconds: 600 } });
    await assert.rejects(refused('OUTBOX_FULL'), { code: 'OUTBOX_FULL', details: {} });
  });
});
