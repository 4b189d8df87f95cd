/** SIGKILL at random times, also while starting: what was acknowledged is delivered. */
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs } from '../support/needs.js';
import { between, seededRandom } from '../support/seed.js';
import { startCrashFlow } from './crash-flow.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 200);
const PER_SECOND = 300;
/** Half of the kills come so soon after the start; the others so long after the link was up. */
const STARTING_MS_MAX = 1_500;
const UP_MS_MAX = 2_000;

describe('random kills', { skip: needs('mosquitto') }, () => {
  it(`${KILLS} kills: nothing acknowledged is lost`, async (t) => {
    const random = seededRandom();
    const flow = await startCrashFlow(t);
    const publisher = flow.publish(1_000_000, PER_SECOND);
    for (let kill = 1; kill <= KILLS; kill++) {
      const starting = random() < 0.5;
      if (!starting) await flow.gateway.linkUp();
      await sleep(between(random, 0, starting ? STARTING_MS_MAX : UP_MS_MAX));
      await flow.killed('now');
      await flow.restart({ until: 'none' });
      if (kill % 20 === 0) console.log(`${kill} kills, ${flow.receiver.deliveredIds().size} ids delivered`);
    }
    const { acknowledged } = await publisher.stop();
    const count = Math.max(...acknowledged) + 1;
    await flow.gateway.linkUp();
    await flow.allDelivered(count);
    const { ids, again } = flow.verify(count);
    console.log(`${count} messages, ${KILLS} kills: ${ids - count} extra ids, ${again} requests again`);
  });
});
