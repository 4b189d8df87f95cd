import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { scratchDirectory } from '../test/support/scratch.js';
import { loadSettings } from './config/index.js';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from './domain/subscriber.js';
import { createGateway } from './gateway.js';
import type { HandlerSubscriber } from './handlers/index.js';

function handler(id: string): HandlerSubscriber {
  const settings: SubscriberSettings = { ...SUBSCRIBER_DEFAULTS, id, topics: ['a'] };
  return { settings, sender: { send: () => assert.fail('it was sent to'), close: () => Promise.resolve() } };
}

describe('createGateway', () => {
  it('two subscribers with one id, in the file or in the app, are refused before anything is started', async () => {
    const file = join(scratchDirectory('gateway'), 'gateway.yaml');
    const webhook = '{ id: billing, url: "http://localhost", topics: [a] }';
    writeFileSync(file, `broker: { url: mqtt://localhost }\nsubscribers: [${webhook}]\n`);
    const loaded = loadSettings(file, {});
    assert.ok('settings' in loaded);
    for (const handlers of [[handler('billing')], [handler('a'), handler('a')]]) {
      const starting = createGateway(loaded.settings, { version: '0', logger: pino({ level: 'silent' }), handlers });
      await assert.rejects(starting, { code: 'CONFIG_INVALID', message: /two subscribers have the id "(billing|a)"/ });
    }
  });
});
