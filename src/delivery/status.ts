import type { Clock } from '../domain/clock.js';
import type { JournalReader } from '../domain/journal.js';
import type { Lanes } from './lanes.js';
import type { SubscriberStatus } from './observer.js';

type Reader = Pick<JournalReader, 'recordsAt'>;

const UNSAVED = 'nothing is sent until what it has settled is saved';

/** @param reader absent: the age of records that wait is not known */
export function statusOf(lanes: Lanes, reader: Reader | undefined, clock: Clock): SubscriberStatus {
  const { condition, intake, inFlight, settings } = lanes;
  const receivedAt = oldestReceivedAt(lanes, reader);
  const heldMs = condition.held ? 0 : condition.breaker.openUntil - clock.monotonic();
  const isStuck = condition.state === 'active' && (lanes.isHalted || !intake.mayStart);
  return {
    id: settings.id,
    state: condition.state,
    reason: isStuck
      ? UNSAVED
      : heldMs > 0 && condition.state === 'active'
        ? `throttled: ${condition.trouble}`
        : condition.reason,
    ...(heldMs > 0 ? { heldUntil: Math.round(clock.now() + heldMs) } : {}),
    cursor: intake.cursor,
    lagRecords: lanes.backlog.records,
    lagSeconds: receivedAt === undefined ? 0 : Math.max(0, clock.now() - receivedAt) / 1000,
    waiting: intake.waiting.size,
    inFlight,
    replays: lanes.replays.status(),
  };
}

/** When the lowest record that is neither delivered nor dead was received. */
function oldestReceivedAt(lanes: Lanes, reader: Reader | undefined): number | undefined {
  const { feed, waiting, window } = lanes.intake;
  const record = window.lowest?.record ?? feed.next?.record;
  const row = waiting.oldest;
  if (row === undefined || (record && record.position < row)) return record?.receivedAt;
  return (reader?.recordsAt([row])[0] ?? record)?.receivedAt;
}
