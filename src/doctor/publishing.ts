/** What the broker lets this user publish to, and whether what it grants also arrives. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutShare } from '../domain/topic.js';
import type { OwnSession } from './own-session.js';
import { Probe, type Ending } from './probe.js';
import { endingInWords, notConnected } from './refusal.js';
import { failed, ok, type Verdict } from './row.js';
import { ownFilter } from './subscription.js';
import { DENIED, reason, seconds } from './words.js';

/** Enough for a broker far away, short enough for somebody who waits. */
const LISTEN_MS = 5_000;
const PROBE_EXPIRY_SECONDS = 10;
/** Some brokers acknowledge what they refuse, and hang up right after. */
const HANG_UP_MS = 200;

/** Publishes once, and says what the broker made of it. */
export async function checkPublish(session: OwnSession, topic: string, signal: AbortSignal): Promise<Verdict> {
  const probe = await session.probe(signal);
  if (!(probe instanceof Probe)) return notConnected(probe);
  const code = await probe.publish(topic, payload(newMark()), PROBE_EXPIRY_SECONDS);
  const taken = typeof code === 'number' && code < DENIED;
  const hungUp = taken ? await Promise.race([probe.ended, sleep(HANG_UP_MS)]) : undefined;
  return judgePublish(hungUp ?? code, topic, session.protocolVersion, session.settings.broker.username);
}

/** Pure. */
export function judgePublish(
  code: number | Ending,
  topic: string,
  version: 4 | 5,
  username: string | undefined,
): Verdict {
  const user = username === undefined ? 'this client' : `user "${username}"`;
  const permit = `Let ${user} publish to ${topic} in the broker’s ACL.`;
  if (typeof code !== 'number')
    return failed(
      `after a publish to ${topic} ${endingInWords(code)}`,
      `Some brokers hang up on a publish that is not allowed. ${permit}`,
    );
  if (code >= DENIED) {
    const other =
      'or choose a probe topic it may publish to: without one, a subscription that is granted and then withheld cannot be found.';
    return failed(`a publish to ${topic} was refused: ${reason(code)}`, `${permit.slice(0, -1)}, ${other}`);
  }
  const doubt = version === 4 ? ' (MQTT 3.1.1 has no word for refused: the next row tells)' : '';
  return ok(`a publish to ${topic} was acknowledged${doubt}`);
}

/** Subscribes, publishes, listens. An ACL that grants a filter and then withholds its messages shows in no other way. */
export async function checkListening(
  session: OwnSession,
  { filter: asked, topic }: { filter: string; topic: string },
  limitMs: number,
  signal: AbortSignal,
): Promise<Verdict> {
  const probe = await session.probe(signal);
  if (!(probe instanceof Probe)) return notConnected(probe);
  const filter = ownFilter(asked, session.clientId);
  const granted = await session.subscribe(probe, filter, 1, { echo: true });
  if (typeof granted !== 'number')
    return failed(`asked for ${filter}, ${endingInWords(granted)}`, 'See the rows of the subscriptions.');
  if (granted >= DENIED) {
    return failed(
      `${filter} is denied: ${reason(granted)}`,
      `Let this user subscribe to ${filter}, or choose a probe topic under a filter it may have.`,
    );
  }
  const mark = newMark();
  const startedAt = performance.now();
  const arrived = new Promise<{ afterMs: number }>((resolve) => {
    probe.listen((packet) => {
      if (packet.payload.includes(mark)) resolve({ afterMs: performance.now() - startedAt });
    });
  });
  const listenMs = Math.min(LISTEN_MS, limitMs / 2);
  const code = await probe.publish(topic, payload(mark), PROBE_EXPIRY_SECONDS);
  const refused = typeof code !== 'number' || code >= DENIED;
  const heard = refused ? code : await Promise.race([arrived, sleep(listenMs), probe.ended]);
  probe.listen(undefined);
  await session.unsubscribe(probe, filter);
  if (heard === undefined) return withheld({ filter: asked, topic, listenMs, version: session.protocolVersion });
  if (typeof heard === 'object' && 'afterMs' in heard) {
    return ok(`a publish to ${topic} came back through ${filter} after ${seconds(heard.afterMs)}`);
  }
  return judgePublish(heard, topic, session.protocolVersion, session.settings.broker.username);
}

/** MQTT 5 brokers say when a publish is refused; then it is the reading that is withheld. */
function withheld(found: { filter: string; topic: string; listenMs: number; version: 4 | 5 }): Verdict {
  const { filter, topic, listenMs, version } = found;
  const mend =
    version === 5
      ? `Give this user read on ${withoutShare(filter)} in the broker’s ACL (Mosquitto’s acl_file: topic read ${withoutShare(filter)}).`
      : `Give this user read and write on ${topic} in the broker’s ACL (Mosquitto’s acl_file: topic readwrite). Over MQTT 3.1.1 nobody can tell which of the two is missing.`;
  return failed(
    `${filter} was granted, a publish to ${topic} was acknowledged, and nothing came back within ${seconds(listenMs)}: the broker withholds silently`,
    mend,
  );
}

function newMark(): string {
  return randomBytes(12).toString('hex');
}

function payload(mark: string): string {
  return JSON.stringify({ holdfast: 'doctor', probe: mark });
}
