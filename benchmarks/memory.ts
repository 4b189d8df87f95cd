import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../test/support/until.js';
import { deliveringTo, Gateway } from './contenders.js';
import { median, type Benchmark } from './figures.js';
import { Stage } from './stage.js';

/** Delivered before the subscriber dies, so that what is measured is the backlog and not a young process's heaps. */
const DELIVERED_BEFORE = 200_000;
const BACKLOGS = [10_000, 100_000, 300_000, 1_000_000];
const GROWTH_MB_MOST = 20;
const SETTLE_MS = 15_000;
const READINGS = 9;
const READING_EVERY_MS = 1_000;
const JOURNALED_TIMEOUT_MS = 600_000;

/** Resident memory while the backlog of a subscriber that has died, and now refuses every connection, grows. */
export const memory: Benchmark = async ({ messages = BACKLOGS.at(-1)!, say }) => {
  const stage = await Stage.open();
  const gateway = new Gateway(stage, {
    ...deliveringTo(stage.url),
    journal: { directory: './data', maxSize: '8GiB' },
  });
  const readings: Reading[] = [];
  try {
    await gateway.start('link');
    await stage.expect(DELIVERED_BEFORE);
    await stage.publish(DELIVERED_BEFORE);
    await stage.arrivals();
    await behind(gateway, 0);
    await stage.receiver.stop();
    let published = 0;
    for (const backlog of BACKLOGS.map((share) => Math.round((share / BACKLOGS.at(-1)!) * messages))) {
      await stage.publish(backlog - published);
      published = backlog;
      await behind(gateway, backlog);
      const values = await resident(gateway.process.pid);
      readings.push({ backlog, values });
      say(`memory: ${median(values).toFixed(1)} MB with a backlog of ${backlog}`);
    }
  } finally {
    await gateway.stop();
    await stage.close();
  }
  const [first, last] = [readings[0]!, readings.at(-1)!];
  const growth = median(last.values) - median(first.values);
  return [
    ...readings.map(({ backlog, values }) => ({ name: `resident MB, backlog of ${backlog}`, values, digits: 1 })),
    { name: 'growth, MB', values: [growth], digits: 1, bound: { most: GROWTH_MB_MOST } },
  ];
};

interface Reading {
  backlog: number;
  values: number[];
}

async function behind({ process }: Gateway, backlog: number): Promise<void> {
  const lag = (): Promise<number> => process.metric('holdfast_subscriber_lag_records');
  const what = async (): Promise<string> => `${backlog} records of lag, there are ${await lag()}`;
  await until(async () => (await lag()) === backlog, { what, timeoutMs: JOURNALED_TIMEOUT_MS, everyMs: 500 });
}

async function resident(pid: number): Promise<number[]> {
  await sleep(SETTLE_MS);
  const values: number[] = [];
  for (let reading = 0; reading < READINGS; reading++) {
    values.push(residentMB(pid));
    await sleep(READING_EVERY_MS);
  }
  return values;
}

function residentMB(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
