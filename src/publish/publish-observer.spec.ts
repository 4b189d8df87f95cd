import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../domain/clock.js';
import type { KeptRequest, Publish, PublishResult } from '../domain/publish.js';
import { Publisher, type PublishAnswer } from './publisher.js';

const WANTED = { topic: 'commands/a', payload: Buffer.from('x'), qos: 1 as const, retain: false, properties: null };
const ONCE = { caller: 'app', key: 'k', digest: 'd' };

it('who counts publishes is told which it is and what it belongs to; not of one answered again, or never taken', async () => {
  const counted: unknown[] = [];
  let kept: KeptRequest | undefined;
  let broker: Pick<PublishResult, 'outcome' | 'reasonCode'> = { outcome: 'published', reasonCode: 0 };
  const publisher: Publisher = new Publisher({
    settings: { allow: ['commands/#'], maxPayloadBytes: 100, waitMs: 60_000, checkWaitMs: 0 },
    outbox: {
      accept: (acceptance) => {
        kept ??= acceptance.kept;
        publisher.confirmed(acceptance.publishes.map(({ id }) => ({ sequence: 1, id, ...broker })));
        return Promise.resolve();
      },
      keepAnswer: (_, answers) => Promise.resolve(void (kept!.answers = answers)),
    },
    contracts: { check: () => undefined },
    reader: { publishStatus: () => ({ status: 'queued' }), keptRequest: () => kept },
    clock: systemClock,
    observe: (outcome, _, publish) => counted.push([outcome, publish]),
  });
  publisher.linkUp = true;
  const publish = (more: Partial<Publish>, once?: typeof ONCE): Promise<PublishAnswer> =>
    publisher.publish({ ...WANTED, ...more }, { respondAsync: false, once });

  const { id } = await publish({ trace: 'of the first' }, ONCE);
  assert.equal((await publish({ trace: 'of the second' }, ONCE)).id, id);
  const { id: other } = await publish({});
  await assert.rejects(publish({ topic: 'elsewhere' }), { code: 'TOPIC_FORBIDDEN' });
  broker = { outcome: 'refused', reasonCode: 0x87 };
  const refused = await publish({ trace: 'of the third' }).catch(
    (error: unknown) => error as { details: { id: string } },
  );
  assert.deepEqual(counted, [
    ['published', { id, trace: 'of the first' }],
    ['queued', undefined],
    ['published', { id: other, trace: undefined }],
    ['invalid', undefined],
    ['refused', { id: (refused as { details: { id: string } }).details.id, trace: 'of the third' }],
  ]);
});
