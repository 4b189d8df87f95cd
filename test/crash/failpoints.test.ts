/** SIGKILL between any two steps of a message: what was acknowledged is delivered, extra ids have one cause only. */
import { describe, it } from 'node:test';
import { FAILPOINTS, type Failpoint } from '../../src/domain/failpoint.js';
import { needs } from '../support/needs.js';
import { between, seededRandom } from '../support/seed.js';
import { killedAtFailpoint, startCrashFlow } from './crash-flow.js';
import { startPublishFlow } from './publish-flow.js';

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
      await flow.allArrived(answered);
      flow.verify();
      t.diagnostic(`${answered.length} were answered, ${flow.arrived.length} PUBLISHes at the broker`);
    });
  }
});
