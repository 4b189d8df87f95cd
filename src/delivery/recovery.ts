import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../domain/clock.js';
import { within } from '../domain/within.js';
import type { Lanes } from './lanes.js';
import type { DeliveryObserver } from './observer.js';
import type { Settler } from './settler.js';

/** How long an aborted attempt may take to end, and sockets to close. */
export const ABORT_GRACE_MS = 200;
/** A subscriber that cannot begin anew tries so again. */
const AGAIN_AFTER_MS = 1_000;

export interface RecoveryParts {
  settler: Pick<Settler, 'close' | 'notSaving'>;
  observer: Pick<DeliveryObserver, 'fault'>;
  clock: Pick<Clock, 'monotonic'>;
  /** Other lanes take the place of these, from what is on disk. @param fault why they are to be probed first */
  beginAnew(lanes: Lanes, fault: string): void;
}

/**
 * A defect threw in the lanes of one subscriber: what they remember may be half done, so none of it is saved. The
 * subscriber begins anew from what is on disk, as after a crash; the others do not notice.
 */
export async function recover(lanes: Lanes, error: unknown, parts: RecoveryParts): Promise<void> {
  const { settler, observer, clock } = parts;
  const { id } = lanes.settings;
  const { ledger } = lanes.intake;
  const fault = `a defect in the gateway: ${String(error)}`;
  settler.close(ledger);
  observer.fault(id, error);
  lanes.condition.faulted(fault, clock.monotonic());
  await within(ABORT_GRACE_MS, lanes.halt());
  for (;;) {
    await settler.notSaving(ledger);
    try {
      return parts.beginAnew(lanes, fault);
    } catch (another) {
      observer.fault(id, another);
      await setTimeout(AGAIN_AFTER_MS, undefined, { ref: false });
    }
  }
}
