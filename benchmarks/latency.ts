import { calm } from './calm.js';
import { median, type Benchmark } from './figures.js';
import { Stage } from './stage.js';
import { contender, inTurn, throughputPairs, type Name } from './throughput.js';

const SECONDS = 15;
const WARM_UP_SECONDS = 3;
/** Of the throughput: busy, and not yet queueing. */
const LOAD = 0.5;

/** From publish to webhook at a fixed rate, the same for both: half of what the gateway delivers at most. */
export const latency: Benchmark = async (options) => {
  const { pairs, say } = options;
  const perSecond = Math.round(LOAD * median((await throughputPairs(options, 1)).gateway));
  const p50: { [name in Name]: number[] } = { bare: [], gateway: [] };
  const p99: { [name in Name]: number[] } = { bare: [], gateway: [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const name of inTurn(pair)) {
      const { p50Ms, p99Ms } = await arrivals(name, perSecond);
      p50[name].push(p50Ms);
      p99[name].push(p99Ms);
      say(`latency ${pair + 1}/${pairs}: ${name} p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
    }
  }
  return [
    { name: 'messages/s published', values: [perSecond], digits: 0 },
    { name: 'bare loop, publish to webhook, p50 ms', values: p50.bare, digits: 1 },
    { name: 'gateway, publish to webhook, p50 ms', values: p50.gateway, digits: 1 },
    { name: 'bare loop, publish to webhook, p99 ms', values: p99.bare, digits: 1 },
    { name: 'gateway, publish to webhook, p99 ms', values: p99.gateway, digits: 1 },
  ];
};

async function arrivals(name: Name, perSecond: number): Promise<{ p50Ms: number; p99Ms: number }> {
  const stage = await Stage.open();
  const one = contender(name, stage, 0);
  try {
    await one.join();
    await calm();
    await one.start();
    for (const seconds of [WARM_UP_SECONDS, SECONDS]) {
      await stage.expect(seconds * perSecond);
      await stage.publish(seconds * perSecond, { perSecond, timed: true });
      const figures = await stage.arrivals();
      if (seconds === SECONDS) return figures;
    }
    throw new Error('nothing was measured');
  } finally {
    await one.stop();
    await stage.close();
  }
}
