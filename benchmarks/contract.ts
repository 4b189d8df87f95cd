import { compared, type Case } from './cases.js';
import { subscriber } from './contenders.js';
import type { Benchmark } from './figures.js';
import { FILTER } from './stage.js';

const checked: Case = { name: 'with a contract', subscribers: (url) => [subscriber(url)] };
const unchecked: Case = {
  ...checked,
  name: 'without a contract',
  more: { subscriptions: [{ name: 'telemetry', filter: FILTER, qos: 1 }], contracts: {} },
};

/** From the broker to the webhook, with a JSON Schema for each payload and without. */
export const contract: Benchmark = (options) =>
  compared('contract', [{ of: checked, by: unchecked, least: 0.85 }], options);
