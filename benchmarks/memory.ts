import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/support/ports.js';
import { until } from '../test/support/until.js';
import { deliveringTo, Gateway } from './contenders.js';
import { median, type Benchmark } from './figures.js';
import { Stage } from './stage.js';

const BACKLOGS = [10_000, 100_000, 300_000, 1_000_000];
const GROWTH_MB_MOST = 20;
const SETTLE_MS = 15_000;
const READINGS = 9;
const READING_EVERY_MS = 1_000;
const JOURNALED_TIMEOUT_MS = 600_000;

/** Resident memory while the backlog of a subscriber that refuses every connection grows. */
export const memory: Benchmark = async ({ messages = BACKLOGS.at(-1)!, say }) => {
  const stage = await Stage.open();
  const gateway = new Gateway(stage, {
    ...deliveringTo(`http://127.0.0.1:${await freePort()}/events`),
    journal: { directory: './data', maxSize: '8GiB' },
  });
  const readings: { backlog: number; values: number[] }[] = [];
  try {
    await gateway.start('link');
    let published = 0;
    for (const backlog of BACKLOGS.map((share) => Math.round((share / BACKLOGS.at(-1)!) * messages))) {
      await stage.publish(backlog - published);
      published = backlog;
      await until(async () => (await gateway.process.metric('holdfast_subscriber_lag_records')) === backlog, {
        what: async () =>
          `${backlog} records of lag: ${await gateway.process.metric('holdfast_subscriber_lag_records')}`,
        timeoutMs: JOURNALED_TIMEOUT_MS,
        everyMs: 500,
      });
      await sleep(SETTLE_MS);
      const values: number[] = [];
      for (let reading = 0; reading < READINGS; reading++) {
        values.push(residentMB(gateway.process.pid));
        await sleep(READING_EVERY_MS);
      }
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

function residentMB(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
