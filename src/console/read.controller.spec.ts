import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkStatus } from '../domain/link.js';
import { SCOPE_METADATA } from '../domain/scope.js';
import type { GatewayView } from './gateway-view.js';
import { ReadController } from './read.controller.js';

function reading(status?: LinkStatus): ReadController {
  return new ReadController({ link: () => Promise.resolve(status) } as unknown as GatewayView);
}

describe('what is read', () => {
  it('a link that has not started is NOT_FOUND', async () => {
    await assert.rejects(reading().link(), { code: 'NOT_FOUND' });
  });

  it('needs the scope read', () => {
    const method = Object.getOwnPropertyDescriptor(ReadController.prototype, 'link');
    assert.equal(Reflect.getMetadata(SCOPE_METADATA, method?.value as object), 'read');
  });

  it('is what the gateway shows', async () => {
    const status = { state: 'up' } as LinkStatus;
    assert.deepEqual(await reading(status).link(), status);
  });
});
