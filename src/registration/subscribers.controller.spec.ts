import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyReply } from 'fastify';
import { SCOPE_METADATA } from '../domain/scope.js';
import type { Registry } from './registry.js';
import { SubscribersController } from './subscribers.controller.js';

const SCOPES = {
  list: 'read',
  get: 'read',
  put: 'admin',
  remove: 'admin',
  pause: 'admin',
  resume: 'admin',
  test: 'admin',
};

describe('subscribers over REST', () => {
  it('reading needs the scope read, everything else admin', () => {
    const names = Object.getOwnPropertyNames(SubscribersController.prototype).filter((name) => name !== 'constructor');
    assert.deepEqual(names.toSorted(), Object.keys(SCOPES).sort());
    for (const [name, scope] of Object.entries(SCOPES)) {
      const method = Object.getOwnPropertyDescriptor(SubscribersController.prototype, name);
      assert.equal(Reflect.getMetadata(SCOPE_METADATA, method?.value as object), scope, name);
    }
  });

  it('a backlog is given up only when exactly that is asked; anything else in the query is refused', async () => {
    const asked: boolean[] = [];
    const registry = {
      put: (_id: string, _body: unknown, discard: boolean) => {
        asked.push(discard);
        return Promise.resolve({ created: asked.length === 1, subscriber: {} });
      },
      remove: (_id: string, discard: boolean) => Promise.resolve(asked.push(discard)),
    } as unknown as Registry;
    const controller = new SubscribersController(registry);
    const statuses: number[] = [];
    const reply = { status: (status: number) => statuses.push(status) } as unknown as FastifyReply;
    await controller.put('a', {}, {}, reply);
    await controller.put('a', {}, { discardBacklog: 'false' }, reply);
    await controller.put('a', {}, { discardBacklog: 'true' }, reply);
    await controller.remove('a', { discardBacklog: 'true' });
    assert.deepEqual(
      [asked, statuses],
      [
        [false, false, true, true],
        [201, 200, 200],
      ],
    );
    for (const query of [
      { discard: 'true' },
      { discardBacklog: '' },
      { discardBacklog: ['true', 'true'] },
      { x: '1' },
    ]) {
      await assert.rejects(controller.put('a', {}, query, reply), { code: 'REQUEST_INVALID' });
      assert.throws(() => controller.remove('a', query), { code: 'REQUEST_INVALID' });
    }
  });
});
