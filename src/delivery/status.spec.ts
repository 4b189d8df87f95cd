import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../domain/attempt.js';
import { FakeJournal, OK, Run, ScriptedSender, settings, throttled, until } from './journal.fixture.js';

const HOUR_MS = 3_600_000;

describe('how a subscriber stands', () => {
  it('throttled for long: it says why and until when, and resume ends it', async () => {
    const journal = new FakeJournal();
    const sender = new ScriptedSender(() => throttled(HOUR_MS));
    journal.addMany(5, () => 't');
    const run = new Run(journal, [{ settings: settings('one', { concurrency: 1 }), sender }]);
    await until(() => run.status().heldUntil !== undefined);
    const { state, reason, heldUntil } = run.status();
    assert.deepEqual([state, reason], ['active', 'throttled: refused']);
    const inMs = heldUntil! - Date.now();
    assert.ok(inMs > HOUR_MS - 10_000 && inMs <= HOUR_MS + 1, `${inMs} ms`);
    sender.script = (): Outcome => OK;
    run.delivery.resume('one');
    assert.deepEqual([run.status().reason, run.status().heldUntil], ['', undefined]);
    await until(() => journal.of('one').cursor === 5);
    await run.stop();
  });
});
