import { calm, disturbance, Neighbours, undisturbed, type Measured } from './calm.js';
import { BareLoop, deliveringTo, Gateway, type Contender } from './contenders.js';
import { median, ratios, type Benchmark, type Options } from './figures.js';
import { Stage } from './stage.js';

const MESSAGES = 100_000;
const RATIO_LEAST = 0.6;

export type Name = 'bare' | 'gateway';

/** Messages a second that reach the webhook, from a session the broker has filled: no publisher is the limit. */
export const throughput: Benchmark = async (options) => {
  const { bare, gateway } = await throughputPairs(options, options.pairs);
  return [
    { name: 'bare loop, messages/s to the webhook', values: bare, digits: 0 },
    { name: 'gateway, messages/s to the webhook', values: gateway, digits: 0 },
    { name: 'gateway / bare loop', values: ratios(gateway, bare), digits: 2, bound: { least: RATIO_LEAST } },
  ];
};

export async function throughputPairs(
  { messages = MESSAGES, say }: Options,
  pairs: number,
): Promise<{ [name in Name]: number[] }> {
  const rates: { [name in Name]: number[] } = { bare: [], gateway: [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const name of inTurn(pair)) {
      const rate = await undisturbed(() => delivered(name, messages));
      rates[name].push(rate.figure);
      say(`throughput ${pair + 1}/${pairs}: ${name} ${rate.figure.toFixed(0)} messages/s${disturbance(rate)}`);
    }
  }
  say(`throughput: ${(median(rates.gateway) / median(rates.bare)).toFixed(2)} of the bare loop`);
  return rates;
}

/** Who goes first changes, so that neither always finds the machine as the other left it. */
export function inTurn(pair: number): Name[] {
  return pair % 2 === 0 ? ['bare', 'gateway'] : ['gateway', 'bare'];
}

export function contender(name: Name, stage: Stage, messages: number): Contender {
  return name === 'bare' ? new BareLoop(stage, messages, stage.url) : new Gateway(stage, deliveringTo(stage.url));
}

async function delivered(name: Name, messages: number): Promise<Measured> {
  const stage = await Stage.open();
  const one = contender(name, stage, messages);
  try {
    await one.join();
    await stage.publish(messages);
    await stage.expect(messages);
    await calm();
    const neighbours = new Neighbours(stage.pids);
    await one.start();
    const { firstAt, lastAt } = await stage.arrivals();
    const others = neighbours.share([one.pid]);
    return { figure: ((messages - 1) * 1_000) / (lastAt - firstAt), others };
  } finally {
    await one.stop();
    await stage.close();
  }
}
