/** What the broker allows against what the configuration needs. Pure. */
import type { Settings } from '../domain/settings.js';
import { withoutShare } from '../domain/topic.js';
import { ok, skipped, together, warning, type Verdict } from './row.js';
import { bytes, span } from './words.js';

/** As CONNACK says them; what is absent is allowed, or unlimited [MQTT 5.0, 3.2.2.3]. */
export interface SaidLimits {
  receiveMaximum?: number;
  maximumPacketSize?: number;
  maximumQoS?: number;
  retainAvailable?: boolean;
  wildcardSubscriptionAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
  sessionExpiryInterval?: number;
  serverKeepAlive?: number;
}

type Needs = Pick<Settings, 'session' | 'subscriptions' | 'publish'>;

/** Topic, properties and header of a PUBLISH beside its payload; only an estimate. */
const PUBLISH_OVERHEAD_BYTES = 1_024;
/** A window this small makes every publish wait for the one before it. */
const SMALL_WINDOW = 8;

export function judgeLimits(said: SaidLimits, needs: Needs, protocol: '5' | '3.1.1'): Verdict {
  if (protocol === '3.1.1') return skipped('an MQTT 3.1.1 broker does not tell its limits');
  const findings = [
    ...judgePacketSize(said, needs),
    ...judgeQoS(said, needs),
    ...judgeFilters(said, needs),
    ...judgePublishing(said, needs),
  ];
  const verdict = together([...findings, ok(summary(said))]);
  return verdict;
}

function summary(said: SaidLimits): string {
  const available = (what: string, is: boolean | undefined): string =>
    `${what} ${is === false ? 'not available' : 'available'}`;
  return [
    `receive maximum ${said.receiveMaximum ?? 65_535}`,
    `packets ${said.maximumPacketSize === undefined ? 'of any size' : `up to ${bytes(said.maximumPacketSize)}`}`,
    `QoS up to ${said.maximumQoS ?? 2}`,
    available('retain', said.retainAvailable),
    available('wildcards', said.wildcardSubscriptionAvailable),
    available('shared subscriptions', said.sharedSubscriptionAvailable),
  ].join(', ');
}

function judgePacketSize({ maximumPacketSize: max }: SaidLimits, { session, publish }: Needs): Verdict[] {
  if (max === undefined) return [];
  const findings: Verdict[] = [];
  if (publish.allow.length > 0 && publish.maxPayloadBytes + PUBLISH_OVERHEAD_BYTES > max) {
    findings.push(
      warning(
        `REST takes payloads up to ${bytes(publish.maxPayloadBytes)} (publish.maxPayload), the broker packets up to ${bytes(max)}`,
        'Lower publish.maxPayload below the broker’s limit, or raise that (Mosquitto: max_packet_size).',
      ),
    );
  }
  if (session.maxPacketBytes > max) {
    findings.push(
      warning(
        `session.maxPacket is ${bytes(session.maxPacketBytes)}, but the broker takes packets up to ${bytes(max)} from anybody: what devices send above that never arrives`,
        'If messages may be larger, raise the broker’s limit; else lower session.maxPacket to it.',
      ),
    );
  }
  return findings;
}

function judgeQoS({ maximumQoS: max }: SaidLimits, { subscriptions, publish }: Needs): Verdict[] {
  if (max === undefined || max >= 2) return [];
  const above = subscriptions.filter(({ qos }) => qos > max).map(({ name }) => name);
  const findings: Verdict[] = [];
  if (above.length > 0) {
    findings.push(
      warning(
        `the broker knows QoS up to ${max}, ${list(above)} want${above.length === 1 ? 's' : ''} more`,
        max === 0
          ? 'With QoS 0 messages are lost whenever the link drops: raise the broker’s maximum QoS.'
          : 'Ask for QoS 1 in the subscriptions.',
      ),
    );
  }
  if (max === 0 && publish.allow.length > 0) {
    findings.push(
      warning(
        'publishes through REST have QoS 1 unless they say 0; the broker takes only QoS 0',
        'Raise the broker’s maximum QoS.',
      ),
    );
  }
  return findings;
}

function judgeFilters(said: SaidLimits, { subscriptions }: Needs): Verdict[] {
  const findings: Verdict[] = [];
  const wild = subscriptions.filter(({ filter }) => /[+#]/.test(withoutShare(filter))).map(({ name }) => name);
  if (said.wildcardSubscriptionAvailable === false && wild.length > 0) {
    findings.push(
      warning(
        `wildcards are not available, ${list(wild)} need${wild.length === 1 ? 's' : ''} them`,
        'Subscribe to whole topics, or allow wildcards at the broker.',
      ),
    );
  }
  const shared = subscriptions.filter(({ filter }) => filter.startsWith('$share/')).map(({ name }) => name);
  if (said.sharedSubscriptionAvailable === false && shared.length > 0) {
    findings.push(
      warning(
        `shared subscriptions are not available, ${list(shared)} need${shared.length === 1 ? 's' : ''} them`,
        'Subscribe without $share/, with one gateway for each part of the topics, or allow them at the broker.',
      ),
    );
  }
  return findings;
}

function judgePublishing(said: SaidLimits, { publish }: Needs): Verdict[] {
  if (publish.allow.length === 0) return [];
  const findings: Verdict[] = [];
  if (said.retainAvailable === false) {
    findings.push(
      warning(
        'retained messages are not available: publishes through REST with retain: true will be refused',
        'Publish without retain, or allow it at the broker.',
      ),
    );
  }
  if (said.receiveMaximum !== undefined && said.receiveMaximum < SMALL_WINDOW) {
    findings.push(
      warning(
        `the broker takes only ${said.receiveMaximum} publishes at once (receive maximum)`,
        'Raise it if publishing is too slow.',
      ),
    );
  }
  return findings;
}

/** `session.expiry` against what CONNACK made of it. */
export function judgeExpiry(askedSeconds: number, saidSeconds: number | undefined): Verdict | undefined {
  if (saidSeconds === undefined || saidSeconds >= askedSeconds) return undefined;
  return warning(
    `the broker keeps the session for ${span(saidSeconds * 1_000)}, not for ${span(askedSeconds * 1_000)} as session.expiry asks`,
    'An outage longer than that loses what was queued: raise the broker’s limit, or lower session.expiry so that nobody counts on more.',
  );
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
