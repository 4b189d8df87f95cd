/** What the broker lets this user subscribe to. */
import type { LinkStatus } from '../domain/link.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { withoutShare } from '../domain/topic.js';
import type { OwnSession } from './own-session.js';
import { Probe, type Ending } from './probe.js';
import { endingInWords, notConnected } from './refusal.js';
import { failed, ok, warning, type Verdict } from './row.js';
import { DENIED, reason, refusal } from './words.js';

/**
 * A filter as the doctor subscribes to it. In the group of the gateways it would take messages away from them, so
 * it makes a group of its own.
 */
export function ownFilter(filter: string, clientId: string): string {
  return filter.startsWith('$share/') ? `$share/${clientId.replaceAll(/[/+#]/g, '_')}/${withoutShare(filter)}` : filter;
}

export async function checkSubscription(
  session: OwnSession,
  subscription: SubscriptionSettings,
  gateway: LinkStatus | undefined,
  signal: AbortSignal,
): Promise<Verdict> {
  const probe = await session.probe(signal);
  if (!(probe instanceof Probe)) return notConnected(probe);
  const filter = ownFilter(subscription.filter, session.clientId);
  const code = await session.subscribe(probe, filter, subscription.qos);
  // At once, because a filter such as # brings everything that happens at the broker.
  if (typeof code === 'number' && code < DENIED) await session.unsubscribe(probe, filter);
  return judgeSubscription(code, subscription, { filter, user: session.settings.broker.username, gateway });
}

/** Pure. */
export function judgeSubscription(
  code: number | Ending,
  { name, filter, qos }: SubscriptionSettings,
  context: { filter: string; user: string | undefined; gateway: LinkStatus | undefined },
): Verdict {
  const user = context.user === undefined ? 'this client' : `user "${context.user}"`;
  const permit = `Let ${user} subscribe to ${filter} in the broker’s ACL.`;
  if (typeof code !== 'number') {
    return failed(
      `asked for ${filter}, ${endingInWords(code)}`,
      `Some brokers hang up on a filter that is not allowed. ${permit}`,
    );
  }
  const asked = context.filter === filter ? '' : ` (asked for ${context.filter}, to take nothing from the group)`;
  const { gateway } = context;
  if (code >= DENIED) {
    if (gateway?.subscribed.includes(name)) {
      return warning(
        `${filter} is denied to the doctor: ${reason(code)}; the gateway has it`,
        'The ACL goes by client id; the gateway’s own row counts.',
      );
    }
    return failed(`${filter} is denied: ${reason(code)}${asked}`, mendDenied(code, permit));
  }
  const denied = gateway?.denied[name];
  if (denied !== undefined) {
    return failed(
      `${filter} is granted to the doctor, but denied to the gateway: ${refusal(denied)}`,
      'Either the ACL was mended a moment ago (the gateway asks again every minute, and for what it was hung up on within ten), or it goes by client id.',
    );
  }
  if (code < qos) {
    const lost =
      code === 0 ? 'messages are lost whenever the link drops' : 'messages come at least once, not exactly once';
    return warning(
      `${filter} is granted with QoS ${code} instead of ${qos}${asked}: ${lost}`,
      'Raise the QoS the broker grants this user.',
    );
  }
  return ok(`${filter} is granted with QoS ${code}${asked}`);
}

function mendDenied(code: number, permit: string): string {
  if (code === 0x8f) return 'The broker does not take this filter: mend it.';
  if (code === 0x97) return 'A quota of the broker is used up: look at its limit of subscriptions.';
  if (code === 0x9e) return 'The broker has no shared subscriptions: subscribe without $share/.';
  if (code === 0xa2) return 'The broker has no wildcards: subscribe to whole topics.';
  return permit;
}
