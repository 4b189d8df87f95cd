/** What the broker lets this user publish to, and whether what it grants also arrives. */
import { randomBytes } from 'node:crypto';
import type { OwnSession } from './own-session.js';
import { Probe, type Ending } from './probe.js';
import { endingInWords, notConnected } from './refusal.js';
import { failed, ok, type Verdict } from './row.js';
import { ownFilter } from './subscription.js';
import { DENIED, reason, seconds } from './words.js';

/** Enough for a broker far away, short enough for somebody who waits. */
const LISTEN_MS = 5_000;
const PROBE_EXPIRY_SECONDS = 10;

/** Publishes once, and says what the broker made of it. */
export async function checkPublish(session: OwnSession, topic: string, signal: AbortSignal): Promise<Verdict> {
  const probe = await session.probe(signal);
  if (!(probe instanceof Probe)) return notConnected(probe);
  const code = await probe.publish(topic, payload(newMark()), PROBE_EXPIRY_SECONDS);
  return judgePublish(code, topic, session.protocolVersion, session.settings.broker.username);
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
  const arrived = new Promise<number>((resolve) => {
    probe.listen((packet) => {
      if (packet.payload.includes(mark)) resolve(performance.now() - startedAt);
    });
  });
  const listenMs = Math.min(LISTEN_MS, limitMs / 2);
  const code = await probe.publish(topic, payload(mark), PROBE_EXPIRY_SECONDS);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), listenMs)));
  const heard = typeof code === 'number' && code < DENIED ? await Promise.race([arrived, silence, probe.ended]) : code;
  clearTimeout(timer);
  probe.listen(undefined);
  await session.unsubscribe(probe, filter);
  if (typeof heard === 'number' && typeof code === 'number' && code < DENIED) {
    return ok(`a publish to ${topic} came back through ${filter} after ${seconds(heard)}`);
  }
  if (heard === undefined) return withheld({ filter, topic, listenMs });
  return judgePublish(code, topic, session.protocolVersion, session.settings.broker.username);
}

function withheld({ filter, topic, listenMs }: { filter: string; topic: string; listenMs: number }): Verdict {
  return failed(
    `${filter} was granted, a publish to ${topic} was acknowledged, and nothing came back within ${seconds(listenMs)}: the broker filters silently`,
    `Give this user both read and write on ${topic} in the broker’s ACL (Mosquitto’s acl_file: topic readwrite …). If it may read but not write, the gateway’s subscription is fine and only its publishes are dropped.`,
  );
}

function newMark(): string {
  return randomBytes(12).toString('hex');
}

function payload(mark: string): string {
  return JSON.stringify({ holdfast: 'doctor', probe: mark });
}
