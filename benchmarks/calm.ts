import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 1_000;
/** What others may use of the processors when a measurement begins. */
const BUSY_SHARE_MAX = 0.15;
const WAIT_MS_MAX = 180_000;

/**
 * Waits until nobody else keeps the processors busy, for some minutes at most: threads that wait for a processor
 * measure who else is there. To be called while this benchmark itself does nothing. @returns the share in use
 */
export async function calm(): Promise<number> {
  const ends = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const before = times();
    await sleep(LOOK_MS);
    const after = times();
    const share = 1 - (after.idle - before.idle) / (after.all - before.all);
    if (share <= BUSY_SHARE_MAX || performance.now() > ends) return share;
  }
}

/** For a line of progress: what others used when the measurement began. */
export function busy(others: number): string {
  return others > BUSY_SHARE_MAX ? ` (others use ${(others * 100).toFixed(0)} % of the processors)` : '';
}

function times(): { idle: number; all: number } {
  const each = cpus().map(
    ({ times: { user, nice, sys, idle, irq } }) => [idle, user + nice + sys + idle + irq] as const,
  );
  return { idle: each.reduce((sum, [idle]) => sum + idle, 0), all: each.reduce((sum, [, all]) => sum + all, 0) };
}
