import { gatewayConfig } from '../test/support/gateway-config.js';
import { startMosquitto, type Mosquitto } from '../test/support/mosquitto.js';
import { startGateway, type GatewayProcess } from '../test/support/gateway-process.js';
import { calm, disturbance, Neighbours, undisturbed, type Measured } from './calm.js';
import type { Called, Calling } from './callers.js';
import { median, ratios, type Benchmark } from './figures.js';
import { Forked } from './forked.js';

const CALLERS = 64;
const COUNT = 20_000;
const WARM_UP = 5_000;
const RATIO_LEAST = 0.8;
/** Of the gateway's rate: busy, and not yet queueing. */
const LOAD = 0.5;
const LOAD_SECONDS = 8;
const CALLS_MS_MAX = 300_000;

type Name = 'bare' | 'gateway';

/** Publishes over REST that the broker has acknowledged, beside plain Fastify in front of mqtt.js. */
export const publishing: Benchmark = async ({ pairs, messages = COUNT, say }) => {
  const rates: { [name in Name]: number[] } = { bare: [], gateway: [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const name of inTurn(pair)) {
      const rate = await undisturbed(() => measured(name, { count: messages }, ({ perSecond }) => perSecond));
      rates[name].push(rate.figure);
      say(`publishing ${pair + 1}/${pairs}: ${name} ${rate.figure.toFixed(0)} publishes/s${disturbance(rate)}`);
    }
  }
  const perSecond = Math.round(LOAD * median(rates.gateway));
  const p99: { [name in Name]: number[] } = { bare: [], gateway: [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const name of inTurn(pair)) {
      const asked = { count: LOAD_SECONDS * perSecond, perSecond };
      const { figure } = await undisturbed(() => measured(name, asked, ({ p99Ms }) => p99Ms));
      p99[name].push(figure);
      say(`publishing ${pair + 1}/${pairs}: ${name} p99 ${figure.toFixed(1)} ms at ${perSecond} publishes/s`);
    }
  }
  return [
    { name: 'bare, publishes/s', values: rates.bare, digits: 0 },
    { name: 'gateway, publishes/s', values: rates.gateway, digits: 0 },
    { name: 'gateway / bare', values: ratios(rates.gateway, rates.bare), digits: 2, bound: { least: RATIO_LEAST } },
    { name: `bare, p99 ms at ${perSecond} publishes/s`, values: p99.bare, digits: 1 },
    { name: `gateway, p99 ms at ${perSecond} publishes/s`, values: p99.gateway, digits: 1 },
  ];
};

function inTurn(pair: number): Name[] {
  return pair % 2 === 0 ? ['bare', 'gateway'] : ['gateway', 'bare'];
}

async function measured(
  name: Name,
  asked: Pick<Calling, 'count' | 'perSecond'>,
  figureOf: (called: Called) => number,
): Promise<Measured> {
  const broker = await startMosquitto({ maxInflight: 0 });
  const callers = new Forked('callers');
  const contender = name === 'bare' ? await startBare(broker) : await startPublishing(broker);
  const call = async (calling: Pick<Calling, 'count' | 'perSecond'>): Promise<Called> => {
    callers.tell({ port: contender.port, callers: CALLERS, ...calling } satisfies Calling);
    const called = await callers.next<Called>(CALLS_MS_MAX);
    if (called.others > 0) throw new Error(`${called.others} of ${calling.count} publishes were not answered 200`);
    return called;
  };
  try {
    await call({ count: WARM_UP });
    await calm();
    const neighbours = new Neighbours([broker.pid, callers.pid, contender.pid]);
    return { figure: figureOf(await call(asked)), others: neighbours.share([]) };
  } finally {
    await contender.stop();
    await callers.stop();
    await broker.stop('SIGKILL');
  }
}

interface Contender {
  port: number;
  pid: number;
  stop(): Promise<unknown>;
}

async function startBare(broker: Mosquitto): Promise<Contender> {
  const bare = new Forked('bare-publish', [broker.url]);
  const { port } = await bare.next<{ port: number }>();
  return { port, pid: bare.pid, stop: () => bare.stop() };
}

async function startPublishing(broker: Mosquitto): Promise<Contender> {
  const config = await gatewayConfig({
    broker: { url: broker.url },
    session: { keepalive: '30s' },
    subscriptions: [],
    publish: { allow: ['commands/#'] },
  });
  const profile = process.env['HOLDFAST_BENCH_PROFILES'];
  const nodeArgs = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const gateway: GatewayProcess = await startGateway(config, { until: 'link', nodeArgs });
  return { port: gateway.ports.httpPort, pid: gateway.pid, stop: () => gateway.stop() };
}
