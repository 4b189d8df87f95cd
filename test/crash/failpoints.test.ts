/** SIGKILL between any two steps of a message: what was acknowledged is delivered, extra ids have one cause only. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { FAILPOINTS, type Failpoint } from '../../src/domain/failpoint.js';
import { needs } from '../support/needs.js';
import { between, seededRandom } from '../support/seed.js';
import { killedAtFailpoint, startCrashFlow } from './crash-flow.js';
import { CALLERS, startPublishFlow, type Numbered, type PublishFlow, type Told } from './publish-flow.js';

const COUNT = 2_000;
const PUBLISH_STEPS: readonly Failpoint[] = [
  'accepting',
  'outboxed',
  'accepted',
  'sent',
  'confirmed',
  'concluded',
  'answered',
];
const MESSAGE_STEPS = FAILPOINTS.filter((point) => !PUBLISH_STEPS.includes(point));

describe('kill -9 at a step of a message', { skip: needs('mosquitto') }, () => {
  for (const [i, point] of MESSAGE_STEPS.entries()) {
    it(`${point}: nothing acknowledged is lost`, async (t) => {
      const passes = between(seededRandom(i), 1, COUNT / 2);
      const failpoint = `${point}:${passes}`;
      t.diagnostic(`HOLDFAST_FAILPOINT=${failpoint}`);
      const flow = await startCrashFlow(t, { HOLDFAST_FAILPOINT: failpoint });
      const publisher = flow.publish(COUNT);
      await flow.killed();
      await flow.restart();
      await publisher.done;
      await flow.allDelivered(COUNT);
      const { ids, again } = flow.verify(COUNT);
      t.diagnostic(`${ids - COUNT} extra ids, ${again} requests again`);
    });
  }
});

describe('kill -9 at a step of a publish', { skip: needs('mosquitto') }, () => {
  for (const [i, point] of PUBLISH_STEPS.entries()) {
    it(`${point}: what was answered 200 or 202 reaches the broker, at least once, in order`, async (t) => {
      const failpoint = `${point}:${between(seededRandom(100 + i), 1, 200)}`;
      t.diagnostic(`HOLDFAST_FAILPOINT=${failpoint}`);
      const flow = await startPublishFlow(t, { HOLDFAST_FAILPOINT: failpoint });
      const posting = flow.postUntilKilled();
      await killedAtFailpoint(flow.gateway);
      const answered = await posting;
      await flow.restart();
      await flow.allArrived([...answered.keys()]);
      flow.verify();
      t.diagnostic(`${answered.size} were answered, ${flow.arrived.length} PUBLISHes at the broker`);
    });
  }
});

describe('kill -9 at a step of a publish with a key', { skip: needs('mosquitto') }, () => {
  for (const [i, point] of PUBLISH_STEPS.entries()) {
    it(`${point}: asked again it has one record, one answer, and reaches the broker`, async (t) => {
      const failpoint = `${point}:${between(seededRandom(200 + i), 1, 200)}`;
      t.diagnostic(`HOLDFAST_FAILPOINT=${failpoint}`);
      const flow = await startPublishFlow(t, { HOLDFAST_FAILPOINT: failpoint });
      const posting = flow.postUntilKilled(true);
      await killedAtFailpoint(flow.gateway);
      const told = await posting;
      await flow.restart();
      const keys = [...told.keys(), ...unanswered(told)];
      const ids = new Set<string>();
      for (const key of keys) {
        const again = await flow.post(key);
        ids.add(again.body.id);
        assert.deepEqual(again, told.get(key) ?? (await flow.post(key)), key);
      }
      assert.equal(ids.size, keys.length);
      await flow.allArrived(keys);
      flow.verify();
      await flow.gateway.stop();
      assert.equal(publishesIn(flow), keys.length, 'a record each');
      t.diagnostic(`${told.size} were answered before, ${flow.arrived.length} PUBLISHes at the broker`);
    });
  }
});

/** What each caller had asked when the gateway was killed. */
function unanswered(told: ReadonlyMap<Numbered, Told>): Numbered[] {
  const keys = [...told.keys()];
  return Array.from({ length: CALLERS }, (_, caller): Numbered => {
    return `${caller}:${keys.filter((one) => one.startsWith(`${caller}:`)).length}`;
  });
}

function publishesIn({ gateway }: PublishFlow): number {
  const db = new DatabaseSync(join(gateway.directory, 'data', 'journal.db'), { readOnly: true });
  const { n } = db.prepare('SELECT count(*) AS n FROM outbox').get() as { n: number };
  db.close();
  return n;
}
