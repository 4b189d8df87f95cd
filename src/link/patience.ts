import { fullJitter, type Random } from '../domain/backoff.js';
import type { Cause } from '../domain/cause.js';
import type { SessionSettings } from '../domain/settings.js';

const SLOW_INITIAL_MS = 1_000;

/** Trying again soon will not help: somebody has to change something first. */
const REFUSED: ReadonlySet<Cause> = new Set(['bad-credentials', 'not-authorized', 'client-id-rejected', 'unsupported']);
/** Trying again soon makes it worse. */
const OVERLOADED: ReadonlySet<Cause> = new Set(['server-busy', 'quota-exceeded']);

/**
 * How long to wait before the next connect. Never for ever, and never without jitter.
 * @param failures connects in a row that failed or did not last
 * @returns milliseconds
 */
export function patience(
  cause: Cause,
  failures: number,
  { initialMs, maxMs, refusedMs, conflictMs, bannedMs }: SessionSettings['reconnect'],
  random: Random,
): number {
  const between = (least: number, most: number): number => Math.round(least + random() * (most - least));
  // Two that take the session from one another at once would be at it for ever; so each lets the other be for a while.
  if (cause === 'client-id-conflict') return between((2 * conflictMs) / 3, conflictMs);
  if (cause === 'banned') return between(bannedMs, 1.2 * bannedMs);
  const slow = (ceilingMs: number, firstMs = SLOW_INITIAL_MS): number => {
    const step = Math.min(ceilingMs, firstMs * 2 ** Math.min(failures, 30));
    return between(step / 2, step);
  };
  if (REFUSED.has(cause)) return slow(refusedMs);
  if (OVERLOADED.has(cause)) return slow(Math.max(refusedMs, maxMs));
  // The next publish may cost the link as soon as it is up, time and again, and no wait that grows would keep them apart.
  if (cause === 'publish-denied') return slow(maxMs, initialMs);
  return fullJitter(failures, initialMs, maxMs, random);
}
