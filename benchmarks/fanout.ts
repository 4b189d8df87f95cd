import type { GatewayConfig } from '../test/support/gateway-config.js';
import { compared, type Case, type Comparison } from './cases.js';
import { subscriber } from './contenders.js';
import type { Benchmark } from './figures.js';
import { topicOf } from './stage.js';

const MANY = 1_000;

const single: Case = { name: 'single', subscribers: (url) => [subscriber(url)] };
const ordered: Case = { name: 'ordered', subscribers: (url) => [subscriber(url, { ordering: 'topic' })] };
const BATCHED = { format: 'cloudevents-batch', batch: { maxMessages: 100, maxWait: '50ms' } };
const batched: Case = { name: 'batch of 100', subscribers: (url) => [subscriber(url, BATCHED)] };
const singleBacklog: Case = {
  name: 'single, from a backlog',
  subscribers: (url) => [subscriber(url, { startFrom: 'earliest' })],
  backlog: true,
};
const batchedBacklog: Case = {
  name: 'batch of 100, from a backlog',
  subscribers: (url) => [subscriber(url, { ...BATCHED, startFrom: 'earliest' })],
  backlog: true,
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

const COMPARED: Comparison[] = [
  { of: ordered, by: single, least: 0.9 },
  { of: batched, by: single, least: 4 },
  { of: batchedBacklog, by: singleBacklog, least: 4 },
  { of: ten, by: single, least: 0.9 },
  { of: disjoint, by: oneOfMany, least: 0.9 },
  { of: nineAndDead, by: nine, least: 0.9 },
];

/** One way to fan out beside a simpler one. */
export const fanout: Benchmark = (options) => compared('fanout', COMPARED, options);

function copies(count: number, url: string): GatewayConfig[] {
  return Array.from({ length: count }, (_, n) => subscriber(url, { id: `app-${n}` }));
}
