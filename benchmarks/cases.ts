/** The gateway in one case beside the gateway in a simpler one. */
import type { GatewayConfig } from '../test/support/gateway-config.js';
import { freePort } from '../test/support/ports.js';
import { calm, disturbance, Neighbours, undisturbed, type Measured } from './calm.js';
import { deliveringTo, Gateway } from './contenders.js';
import { ratios, type Line, type Options } from './figures.js';
import { Stage } from './stage.js';

/** Deliveries of one measurement, all subscribers together. */
const DELIVERIES = 100_000;

/** The gateway with one or more subscribers. */
export interface Case {
  name: string;
  subscribers(url: string, refusing: string): GatewayConfig[];
  /** Deliveries of one message. Default 1. */
  deliveries?: number;
  devices?: number;
  /** Everything is on disk before the subscribers come: what is measured is delivery, and nothing that comes before it. */
  backlog?: true;
  /** Of the configuration file, besides the rest. */
  more?: GatewayConfig;
}

export interface Comparison {
  of: Case;
  by: Case;
  /** The ratio of their rates must be as much. */
  least: number;
}

/** Deliveries a second, in pairs. */
export async function compared(
  title: string,
  comparisons: readonly Comparison[],
  { pairs, messages: deliveries = DELIVERIES, say }: Options,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { of, by, least } of comparisons) {
    const rates = new Map<Case, number[]>([
      [of, []],
      [by, []],
    ]);
    for (let pair = 0; pair < pairs; pair++) {
      for (const one of pair % 2 === 0 ? [by, of] : [of, by]) {
        const rate = await undisturbed(() => delivered(one, deliveries));
        rates.get(one)!.push(rate.figure);
        say(`${title} ${pair + 1}/${pairs}: ${one.name} ${rate.figure.toFixed(0)} deliveries/s${disturbance(rate)}`);
      }
    }
    const [ofRates, byRates] = [rates.get(of)!, rates.get(by)!];
    lines.push({ name: `${of.name}, deliveries/s`, values: ofRates, digits: 0 });
    const ratio = ratios(ofRates, byRates);
    lines.push({ name: `${of.name} / ${by.name}`, values: ratio, digits: 2, bound: { least } });
  }
  return lines;
}

async function delivered(one: Case, deliveries: number): Promise<Measured> {
  const { deliveries: each = 1, devices, backlog, more = {} } = one;
  const stage = await Stage.open();
  const refusing = `http://127.0.0.1:${await freePort()}/events`;
  const settings = { ...deliveringTo(stage.url, one.subscribers(stage.url, refusing)), ...more };
  const gateway = new Gateway(stage, settings);
  try {
    await gateway.join();
    const messages = Math.ceil(deliveries / each);
    await stage.publish(messages, devices === undefined ? {} : { devices });
    if (backlog) await gateway.journal(messages);
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
