import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkStatus } from '../domain/link.js';
import { SCOPE_METADATA } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';
import { ReadController } from './read.controller.js';

class View extends GatewayView {
  status: LinkStatus | undefined;

  override link(): Promise<LinkStatus | undefined> {
    return Promise.resolve(this.status);
  }
}

describe('what is read', () => {
  it('a link that has not started is NOT_FOUND', async () => {
    await assert.rejects(new ReadController(new View()).link(), { code: 'NOT_FOUND' });
  });

  it('needs the scope read', () => {
    const method = Object.getOwnPropertyDescriptor(ReadController.prototype, 'link');
    assert.equal(Reflect.getMetadata(SCOPE_METADATA, method?.value as object), 'read');
  });

  it('is what the gateway shows', async () => {
    const view = new View();
    view.status = { state: 'up' } as LinkStatus;
    assert.deepEqual(await new ReadController(view).link(), view.status);
  });
});
