import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyReply } from 'fastify';
import { SCOPE_METADATA } from '../domain/scope.js';
import { PublishController } from './publish.controller.js';
import type { Publisher, PublishAnswer } from './publisher.js';

const BODY = { topic: 'commands/a', payload: 'x' };

/** Publishes `body` and tells the answer's status, and whether the publisher was asked not to wait. */
async function post(
  answer: PublishAnswer['status'],
  prefer?: string,
): Promise<{ code: number; respondAsync: boolean }> {
  const seen = { code: 0, respondAsync: false };
  const publisher = {
    publish: (_wanted: unknown, respondAsync: boolean) => {
      seen.respondAsync = respondAsync;
      return Promise.resolve({ id: 'id', status: answer });
    },
  } as unknown as Publisher;
  const reply = { status: (code: number) => (seen.code = code) } as unknown as FastifyReply;
  assert.deepEqual(await new PublishController(publisher).publish(BODY, prefer, undefined, reply, {}), {
    id: 'id',
    status: answer,
  });
  return seen;
}

describe('POST /v1/publish', () => {
  it('an Idempotency-Key is refused: taken in silence it would promise what is not kept', async () => {
    const controller = new PublishController({} as Publisher);
    await assert.rejects(controller.publish(BODY, undefined, 'key', {} as FastifyReply, {}), /not supported yet/);
  });

  it('a body with problems never reaches the publisher', async () => {
    const controller = new PublishController({} as Publisher);
    await assert.rejects(controller.publish({}, undefined, undefined, {} as FastifyReply, {}), {
      code: 'REQUEST_INVALID',
    });
  });

  it('is 200 once published and 202 while queued', async () => {
    assert.equal((await post('published')).code, 200);
    assert.equal((await post('queued')).code, 202);
  });

  it('Prefer: respond-async is understood in any case, among others, and nowhere else', async () => {
    for (const prefer of ['respond-async', 'Respond-Async', 'wait=10, respond-async', 'respond-async; a=b, c']) {
      assert.equal((await post('queued', prefer)).respondAsync, true, prefer);
    }
    for (const prefer of [undefined, '', 'wait=10', 'x-respond-async', 'respond-asynchronously', 'a="respond-async"']) {
      assert.equal((await post('queued', prefer)).respondAsync, false, prefer);
    }
  });

  it('both calls need the scope publish', () => {
    for (const name of ['publish', 'status'] as const) {
      const method = Object.getOwnPropertyDescriptor(PublishController.prototype, name);
      assert.equal(Reflect.getMetadata(SCOPE_METADATA, method?.value as object), 'publish');
    }
  });
});
