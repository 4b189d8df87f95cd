/** SIGKILL at random times, also while starting: what was acknowledged is delivered. */
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { killAtRandom, startCrashFlow } from './crash-flow.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 200);
const PER_SECOND = 300;

describe('random kills', { skip: needs('mosquitto') }, () => {
  it(`${KILLS} kills: nothing acknowledged is lost`, async (t) => {
    const flow = await startCrashFlow(t);
    const publisher = flow.publish(1_000_000, PER_SECOND);
    await killAtRandom(flow, KILLS, () => `${flow.receiver.deliveredIds().size} ids delivered`);
    const { acknowledged } = await publisher.stop();
    const count = acknowledged.reduce((most, n) => Math.max(most, n), -1) + 1;
    await flow.allDelivered(count);
    const { ids, again } = flow.verify(count);
    console.log(`${count} messages, ${KILLS} kills: ${ids - count} extra ids, ${again} requests again`);
  });
});
