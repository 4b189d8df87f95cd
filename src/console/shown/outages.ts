/** When the link was down, for the timeline: from the drops that `GET /v1/link` lists. */
import { LINK_DROPS_KEPT, type LinkDrop, type LinkStatus } from '../../domain/link.js';

export interface Outage {
  fromMs: number;
  /** When it came back; absent: it is down still, or it is not known. */
  toMs?: number;
  /** It is down still. */
  open: boolean;
  drop: LinkDrop;
  /** Attempts that were refused or failed before it came back. */
  refusals: number;
}

/** A drop that says when the link came back. */
type Ended = LinkDrop & { backAt?: string };

/** Oldest first. @param status as it is now */
export function outages({ drops, state, since }: Pick<LinkStatus, 'drops' | 'state' | 'since'>): Outage[] {
  const found: Outage[] = [];
  for (const drop of [...drops].reverse() as Ended[]) {
    const fromMs = Date.parse(drop.firstAt ?? drop.at);
    const last = found.at(-1);
    const toMs = drop.backAt === undefined ? undefined : Date.parse(drop.backAt);
    // What is refused after a drop is of the same outage, until the link is back.
    if (!drop.wasUp && last !== undefined && (last.toMs === undefined || fromMs < last.toMs)) {
      last.refusals += drop.count ?? 1;
      last.toMs ??= toMs;
      continue;
    }
    found.push({ fromMs, toMs, open: false, drop, refusals: drop.wasUp ? 0 : (drop.count ?? 1) });
  }
  const newest = found.at(-1);
  if (newest && newest.toMs === undefined) {
    if (state === 'up') newest.toMs = Math.max(newest.fromMs, Date.parse(since));
    else if (state !== 'stopped') newest.open = true;
  }
  return found;
}

/**
 * From when on the link was up whenever it was not out, in milliseconds. Of the time before this process only the outages that
 * are listed are known, and so it is before the oldest of as many as are kept, and until the first connection.
 * @param all of the link @param startedAt of the process; undefined: not known
 */
export function knownFromMs(
  all: readonly Outage[],
  { drops, state, since }: Pick<LinkStatus, 'drops' | 'state' | 'since'>,
  startedAt: string | undefined,
  nowMs: number,
): number {
  const startedMs = startedAt === undefined ? nowMs : Date.parse(startedAt);
  const first = all.find(({ fromMs, toMs = fromMs, open }) => open || toMs >= startedMs);
  if (!first) return state === 'up' ? Date.parse(since) : nowMs;
  const otherBefore = drops.length >= LINK_DROPS_KEPT && first === all[0];
  const upBefore = first.drop.wasUp && !otherBefore;
  return first.fromMs < startedMs || upBefore ? startedMs : first.fromMs;
}

export interface Bar {
  /** Shares of the width, 0 to 1. */
  from: number;
  to: number;
  outage: Outage;
}

/** The outages within the last `spanMs`. One whose end is not known is drawn as an instant. */
export function bars(all: readonly Outage[], nowMs: number, spanMs: number): Bar[] {
  const begin = nowMs - spanMs;
  const share = (ms: number): number => Math.min(1, Math.max(0, (ms - begin) / spanMs));
  return all
    .map((outage) => ({ outage, endMs: outage.toMs ?? (outage.open ? nowMs : outage.fromMs) }))
    .filter(({ endMs }) => endMs >= begin)
    .map(({ outage, endMs }) => ({ from: share(outage.fromMs), to: share(endMs), outage }));
}

/** How long it was down within the last `spanMs`, as far as is known. */
export function downMs(all: readonly Outage[], nowMs: number, spanMs: number): number {
  return bars(all, nowMs, spanMs).reduce((sum, { outage: { fromMs, toMs, open } }) => {
    const endMs = toMs ?? (open ? nowMs : fromMs);
    return sum + endMs - Math.max(fromMs, nowMs - spanMs);
  }, 0);
}
