import type { OwnSession } from './own-session.js';
import { Probe } from './probe.js';
import { endingInWords, notConnected } from './refusal.js';
import { failed, ok, together, warning, type Verdict } from './row.js';
import { seconds } from './words.js';

/** PINGREQ, PINGRESP. */
export async function checkKeepalive(
  session: OwnSession,
  brokerSeconds: number | undefined,
  signal: AbortSignal,
): Promise<Verdict> {
  const probe = await session.probe(signal);
  if (!(probe instanceof Probe)) return notConnected(probe);
  const took = await probe.ping();
  if (typeof took !== 'number') return failed(`after a PINGREQ ${endingInWords(took)}`, 'Look at the broker’s log.');
  return judgePing(took, session.settings.session.keepaliveMs, brokerSeconds);
}

/** Pure. @param brokerSeconds what the broker sets in place of `session.keepalive` */
export function judgePing(tookMs: number, keepaliveMs: number, brokerSeconds: number | undefined): Verdict {
  const set = brokerSeconds !== undefined && brokerSeconds * 1_000 !== keepaliveMs;
  const usedMs = set ? brokerSeconds * 1_000 : keepaliveMs;
  const round = ok(
    `PINGRESP after ${seconds(tookMs)}, keepalive ${seconds(usedMs)}${set ? ` (set by the broker, not the ${seconds(keepaliveMs)} of session.keepalive)` : ''}`,
  );
  if (usedMs === 0 || tookMs < Math.min(1_000, usedMs / 4)) return round;
  return together([
    warning(
      `slow: the link drops when an answer takes longer than about ${seconds(usedMs)}`,
      'Look at the load of the broker and the network, or raise session.keepalive.',
    ),
    round,
  ]);
}
