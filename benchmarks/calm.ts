/** A shared machine: threads that wait for a processor measure who else is there, and not what they were to measure. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 1_000;
/** What others may use of the processors. */
const OTHERS_SHARE_MAX = 0.1;
const WAIT_MS_MAX = 30_000;
/** A disturbed measurement is repeated this often before it counts all the same. */
const REPEATS_MAX = 4;
const TICK_MS = 10; // of /proc: USER_HZ is 100 wherever Node runs

export interface Measured {
  figure: number;
  /** What others used of the processors meanwhile. */
  others: number;
}

/** Measures again while others disturb it; the least disturbed measurement counts. */
export async function undisturbed(measure: () => Promise<Measured>): Promise<Measured> {
  let best: Measured | undefined;
  for (let attempt = 0; attempt <= REPEATS_MAX; attempt++) {
    const measured = await measure();
    if (best === undefined || measured.others < best.others) best = measured;
    if (!(best.others > OTHERS_SHARE_MAX)) break;
  }
  return best!;
}

/** Waits until nobody else keeps the processors busy, a while at most. To be called while the benchmark does nothing. */
export async function calm(): Promise<void> {
  const ends = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const before = times();
    await sleep(LOOK_MS);
    const after = times();
    if ((after.busy - before.busy) / (after.all - before.all) <= OTHERS_SHARE_MAX || performance.now() > ends) return;
  }
}

/** Tells what processes other than these used of the processors since it was made. NaN where there is no /proc. */
export class Neighbours {
  readonly #machine = times();
  readonly #ours: Map<number, number>;

  constructor(pids: readonly number[]) {
    this.#ours = new Map([process.pid, ...pids].map((pid) => [pid, usedMs(pid)]));
  }

  /** @param started processes of ours that have started since */
  share(started: readonly number[]): number {
    const { busy, all } = times();
    for (const pid of started) this.#ours.set(pid, 0);
    const ours = [...this.#ours].reduce((sum, [pid, before]) => sum + usedMs(pid) - before, 0);
    return Math.max(0, busy - this.#machine.busy - ours) / (all - this.#machine.all);
  }
}

/** For a line of progress. */
export function disturbance({ others }: Measured): string {
  return others > OTHERS_SHARE_MAX ? ` (others used ${(others * 100).toFixed(0)} % of the processors)` : '';
}

function times(): { busy: number; all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const used = times.user + times.nice + times.sys + times.irq;
    busy += used;
    all += used + times.idle;
  }
  return { busy, all };
}

/** Processor time of a process and all its threads so far. */
function usedMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS; // utime, stime
  } catch {
    return NaN;
  }
}
