import { startOtlpReceiver } from '../test/support/otlp-receiver.js';
import { compared, type Case } from './cases.js';
import { subscriber } from './contenders.js';
import type { Benchmark } from './figures.js';

const untraced: Case = { name: 'without traces', subscribers: (url) => [subscriber(url)] };

/** From the broker to the webhook, with a collector that takes every span and looks at none, and without traces. */
export const tracing: Benchmark = async (options) => {
  const collector = await startOtlpReceiver();
  collector.status = 202;
  const traced = (name: string, sample: number): Case => ({
    ...untraced,
    name,
    more: { tracing: { endpoint: collector.url, sample } },
  });
  const comparisons = [
    { of: traced('a hundredth traced', 0.01), by: untraced, least: 0.9 },
    { of: traced('all traced', 1), by: untraced, least: 0.5 },
  ];
  try {
    return await compared('tracing', comparisons, options);
  } finally {
    await collector.stop();
  }
};
