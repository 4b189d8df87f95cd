/** What a gateway process holds: descriptors, handles of every thread, memory. Linux. */
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayProcess } from '../support/gateway-process.js';
import { until } from '../support/until.js';

const REPORT = 'resources.json';
/** Node writes a report of every thread at this signal. */
const SIGNAL = 'SIGUSR2';

export const REPORTING = [
  '--report-on-signal',
  `--report-signal=${SIGNAL}`,
  `--report-filename=${REPORT}`,
  '--report-exclude-network',
  '--report-exclude-env',
];

export interface Resources {
  descriptors: number;
  sockets: number;
  /** Handles of libuv in all threads: sockets, timers, signals and the rest. */
  handles: number;
  threads: number;
  /** JavaScript heaps of all threads, garbage included. */
  heapBytes: number;
  /** Resident, without mapped files and without what the heaps have reserved, which V8 gives back when it likes. */
  nativeBytes: number;
}

interface ThreadReport {
  libuv: { type: string; is_active?: boolean }[];
  javascriptHeap: { usedMemory: number; totalCommittedMemory: number };
  workers: ThreadReport[];
}

/** @param gateway started with the options {@link REPORTING} of Node */
export async function resourcesOf(gateway: GatewayProcess): Promise<Resources> {
  const file = join(gateway.directory, REPORT);
  rmSync(file, { force: true });
  process.kill(gateway.pid, SIGNAL);
  const report = await until(() => JSON.parse(readFileSync(file, 'utf8')) as ThreadReport, { what: 'its report' });
  const threads = [report, ...report.workers];
  const sum = (of: (thread: ThreadReport) => number): number => threads.reduce((total, one) => total + of(one), 0);
  return {
    ...descriptorsOf(gateway.pid),
    handles: sum(({ libuv }) => libuv.length),
    threads: threads.length,
    heapBytes: sum(({ javascriptHeap }) => javascriptHeap.usedMemory),
    nativeBytes: anonymousBytes(gateway.pid) - sum(({ javascriptHeap }) => javascriptHeap.totalCommittedMemory),
  };
}

function anonymousBytes(pid: number): number {
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

function descriptorsOf(pid: number): Pick<Resources, 'descriptors' | 'sockets'> {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      return ''; // closed meanwhile
    }
  });
  return { descriptors: targets.length, sockets: targets.filter((one) => one.startsWith('socket:')).length };
}

/** The smallest of each: garbage, and connections that are kept alive for a while, are in none of them. */
export function floorOf(samples: readonly Resources[]): Resources {
  const least = (name: keyof Resources): number => Math.min(...samples.map((sample) => sample[name]));
  return {
    descriptors: least('descriptors'),
    sockets: least('sockets'),
    handles: least('handles'),
    threads: least('threads'),
    heapBytes: least('heapBytes'),
    nativeBytes: least('nativeBytes'),
  };
}
