import type { GatewayConfig } from '../test/support/gateway-config.js';
import { freePort } from '../test/support/ports.js';
import { calm, disturbance, Neighbours, undisturbed, type Measured } from './calm.js';
import { deliveringTo, Gateway, subscriber } from './contenders.js';
import { ratios, type Benchmark, type Line } from './figures.js';
import { Stage, topicOf } from './stage.js';

/** Deliveries of one measurement, all subscribers together. */
const DELIVERIES = 100_000;
const MANY = 1_000;

/** The gateway with one or more subscribers: what it is compared with is the gateway in a simpler case. */
interface Case {
  name: string;
  subscribers(url: string, refusing: string): GatewayConfig[];
  /** Deliveries of one message. Default 1. */
  deliveries?: number;
  devices?: number;
}

const single: Case = { name: 'single', subscribers: (url) => [subscriber(url)] };
const ordered: Case = { name: 'ordered', subscribers: (url) => [subscriber(url, { ordering: 'topic' })] };
const batched: Case = {
  name: 'batch of 100',
  subscribers: (url) => [
    subscriber(url, { format: 'cloudevents-batch', batch: { maxMessages: 100, maxWait: '50ms' } }),
  ],
};
const nine: Case = { name: 'nine subscribers', deliveries: 9, subscribers: (url) => copies(9, url) };
const ten: Case = { name: 'ten subscribers', deliveries: 10, subscribers: (url) => copies(10, url) };
const nineAndDead: Case = {
  name: 'nine and a dead one',
  deliveries: 9,
  subscribers: (url, refusing) => [...copies(9, url), subscriber(refusing, { id: 'dead' })],
};
const oneOfMany: Case = { ...single, name: `one subscriber of ${MANY} topics`, devices: MANY };
const disjoint: Case = {
  name: `${MANY} subscribers of a topic each`,
  devices: MANY,
  subscribers: (url) =>
    Array.from({ length: MANY }, (_, device) => subscriber(url, { id: `app-${device}`, topics: [topicOf(device)] })),
};

const COMPARED: { of: Case; by: Case; least: number }[] = [
  { of: ordered, by: single, least: 0.9 },
  { of: batched, by: single, least: 4 },
  { of: ten, by: single, least: 0.9 },
  { of: disjoint, by: oneOfMany, least: 0.9 },
  { of: nineAndDead, by: nine, least: 0.9 },
];

/** Deliveries a second of one way to fan out beside a simpler one, in pairs. */
export const fanout: Benchmark = async ({ pairs, messages: deliveries = DELIVERIES, say }) => {
  const lines: Line[] = [];
  for (const { of, by, least } of COMPARED) {
    const rates = new Map<Case, number[]>([
      [of, []],
      [by, []],
    ]);
    for (let pair = 0; pair < pairs; pair++) {
      for (const one of pair % 2 === 0 ? [by, of] : [of, by]) {
        const rate = await undisturbed(() => delivered(one, deliveries));
        rates.get(one)!.push(rate.figure);
        say(`fanout ${pair + 1}/${pairs}: ${one.name} ${rate.figure.toFixed(0)} deliveries/s${disturbance(rate)}`);
      }
    }
    const [ofRates, byRates] = [rates.get(of)!, rates.get(by)!];
    lines.push({ name: `${of.name}, deliveries/s`, values: ofRates, digits: 0 });
    const ratio = ratios(ofRates, byRates);
    lines.push({ name: `${of.name} / ${by.name}`, values: ratio, digits: 2, bound: { least } });
  }
  return lines;
};

async function delivered(one: Case, deliveries: number): Promise<Measured> {
  const { deliveries: each = 1, devices } = one;
  const stage = await Stage.open();
  const refusing = `http://127.0.0.1:${await freePort()}/events`;
  const gateway = new Gateway(stage, deliveringTo(stage.url, one.subscribers(stage.url, refusing)));
  try {
    await gateway.join();
    const messages = Math.ceil(deliveries / each);
    await stage.publish(messages, devices === undefined ? {} : { devices });
    await stage.expect(messages * each);
    await calm();
    const neighbours = new Neighbours(stage.pids);
    await gateway.start();
    const { firstAt, lastAt } = await stage.arrivals();
    return { figure: ((messages * each - 1) * 1_000) / (lastAt - firstAt), others: neighbours.share([gateway.pid]) };
  } finally {
    await gateway.stop();
    await stage.close();
  }
}

function copies(count: number, url: string): GatewayConfig[] {
  return Array.from({ length: count }, (_, n) => subscriber(url, { id: `app-${n}` }));
}
