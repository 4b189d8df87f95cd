import type { PublishResult } from '../domain/publish.js';
import { isGone, type RefusedPublish } from './evidence.js';
import type { Ended } from './blame.js';
import { causeOfRefusal } from './causes.js';
import type { Cause } from '../domain/cause.js';

/** A topic is left alone for so long; then its publishes are sent again: it may be allowed meanwhile. */
const DENIED_MS = 60_000;
/** Topics that are remembered, the newest. */
const TOPICS_MAX = 256;
/** Refusals that are about the topic, whatever the payload: not authorised, and no valid topic name. */
const TOPIC_CODES: ReadonlySet<number> = new Set([0x87, 0x90]);

/**
 * Topics that the broker denied, and hung up for. While one is remembered, what waits for it is refused without being
 * sent: each publish would cost a link.
 */
export class Denials {
  readonly #denied = new Map<string, { reasonCode: number; until: number }>();

  /** Why a connection ended. @param now monotonic */
  judged(ended: Ended, cause: Cause, now: number): void {
    const denied = topicDenied(ended, cause);
    if (!denied) return;
    this.#denied.delete(denied.topic);
    this.#denied.set(denied.topic, { reasonCode: denied.reasonCode, until: now + DENIED_MS });
    const [oldest] = this.#denied.keys();
    if (this.#denied.size > TOPICS_MAX) this.#denied.delete(oldest!);
  }

  /** What the broker would answer to a publish; undefined: ask it. @param now monotonic */
  refusal(topic: string, now: number): Pick<PublishResult, 'reasonCode' | 'cause'> | undefined {
    const denied = this.#denied.get(topic);
    if (!denied) return undefined;
    const { reasonCode, until } = denied;
    if (now < until) return { reasonCode, cause: causeOfRefusal('publish', reasonCode) };
    this.#denied.delete(topic);
    return undefined;
  }

  /** Another login may be allowed what this one was not. */
  forget(): void {
    this.#denied.clear();
  }
}

/** The topic of the publish that the broker refused, if it hung up for that. A broker that goes away does not. */
function topicDenied({ refused, afterwards }: Ended, cause: Cause): RefusedPublish | undefined {
  const denied = refused && cause === 'publish-denied' && TOPIC_CODES.has(refused.reasonCode);
  return denied && !isGone(afterwards) ? refused : undefined;
}
