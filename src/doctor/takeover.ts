/** Connects with the gateway's own client id, which takes the session from whoever has it, and sees who takes it back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LinkStatus } from '../domain/link.js';
import { IN_USE_MEND } from './gateway.js';
import { Probe, type Ending } from './probe.js';
import type { OwnSession } from './own-session.js';
import { endingInWords } from './refusal.js';
import { failed, ok, warning, type Verdict } from './row.js';
import { seconds } from './words.js';

/** Other clients come back after one to a few seconds; waiting longer would hold up the gateway's messages. */
const WATCH_MS = 5_000;
/** What the gateway gets to say that it was it. */
const OWN_RETURN_MS_MAX = 2_000;
const OWN_RETURN_POLL_MS = 100;

export interface TakeoverOptions {
  session: OwnSession;
  /** The gateway's. */
  clientId: string;
  limitMs: number;
  /** Asks the running gateway; undefined when none runs. */
  gateway: () => Promise<LinkStatus | undefined>;
}

/**
 * Keeps the session as it is and confirms nothing, so that what is queued for the gateway stays queued; messages of
 * QoS 0 that come meanwhile are lost to it.
 */
export async function takeOver(options: TakeoverOptions, signal: AbortSignal): Promise<Verdict> {
  const { clientId } = options;
  const before = await options.gateway();
  const probe = await connectAs(options, signal);
  if (!(probe instanceof Probe)) {
    return failed(
      `as ${clientId} ${endingInWords(probe)}`,
      'The broker lets the doctor’s client id in and not this one: see its ACL and its log.',
    );
  }
  const openedAt = performance.now();
  const present = probe.connack?.sessionPresent ? 'its session was there' : 'it had no session there';
  const watchMs = Math.min(WATCH_MS, options.limitMs / 2);
  const ending = await Promise.race([probe.ended, sleep(watchMs, undefined, { signal }).catch(() => undefined)]);
  if (!ending) {
    await probe.close();
    return before
      ? warning(
          `took ${clientId} over for ${seconds(watchMs)}, and not even the gateway took it back`,
          'It holds off after a takeover, or uses another broker: look again with GET /v1/link.',
        )
      : ok(`took ${clientId} over for ${seconds(watchMs)} and nobody took it back; ${present}`);
  }
  const kept = before && (await cameBack(options, before));
  if (kept) return ok(`took ${clientId} over, and the gateway took it back and keeps it; ${present}`);
  const who = before ? 'and not by the gateway, or not by it alone' : `(${endingInWords(ending)})`;
  return failed(
    `${clientId} is in use elsewhere: it was taken from the doctor after ${seconds(performance.now() - openedAt)} ${who}`,
    IN_USE_MEND,
  );
}

/**
 * Where there was no session, one of the doctor's making must not stay: the gateway would take it for its own, with
 * every subscription in it, and hear nothing. A clean one ends with its connection.
 */
async function connectAs({ session, clientId }: TakeoverOptions, signal: AbortSignal): Promise<Probe | Ending> {
  const { broker, session: wanted } = session.settings;
  const how = {
    ...{ address: session.address, broker, clientId, untouched: true },
    protocolVersion: session.protocolVersion,
    expirySeconds: session.expirySeconds,
    keepaliveSeconds: Math.ceil(wanted.keepaliveMs / 1_000),
  };
  const first = await Probe.open({ ...how, clean: false }, signal);
  if (!(first instanceof Probe) || first.connack?.sessionPresent) return first;
  await first.close(0);
  return Probe.open({ ...how, clean: true }, signal);
}

/** Whether it was the gateway that took its session back, and nobody took it from the gateway again. */
async function cameBack({ gateway, limitMs }: TakeoverOptions, before: LinkStatus): Promise<boolean> {
  const eachMs = Math.min(OWN_RETURN_MS_MAX, limitMs / 5);
  const ends = performance.now() + eachMs;
  const returned = ({ counters }: LinkStatus): boolean => counters.connects > before.counters.connects;
  let now: LinkStatus | undefined;
  do {
    await sleep(OWN_RETURN_POLL_MS);
    now = await gateway();
  } while (performance.now() < ends && !(now && returned(now)));
  if (!now || !returned(now)) return false;
  await sleep(eachMs);
  const later = await gateway();
  return later?.state === 'up' && later.counters.connects === now.counters.connects;
}
