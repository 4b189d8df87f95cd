import type { IPublishPacket } from 'mqtt';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import { isDenied } from '../domain/link.js';
import { responseTopicOf, type ExpectedResponse, type RequestResponse } from '../domain/publish.js';
import { messageOf } from './intake.js';
import type { SubscribePort, Subscriptions, Wanted } from './subscriptions.js';

/** As a subscription, among those that are denied. */
const RESPONSES = 'responses';

/** What answers come over; undefined: the link is down. */
export interface ResponseLine {
  protocol: '5' | '3.1.1';
  port: SubscribePort;
}

export interface ResponsesAmbient {
  clock: Pick<Clock, 'monotonic'>;
  /** An answer that was expected. */
  responded?: (response: RequestResponse) => void;
}

/**
 * Answers to requests of this process. They come on topics below one of the gateway's own, subscribed to when the
 * first request is made; each request has a topic that nobody can guess. They are acknowledged and not kept, and what
 * nobody expects, or expects no more, goes no further than this.
 */
export class Responses {
  readonly #expected = new Map<string, { correlationData: string; until: number }>();
  readonly #wanted: Wanted;

  /** With its last `/`. */
  readonly #above: string;

  constructor(
    { clientId, responseTopic = responseTopicOf(clientId) }: { clientId: string; responseTopic?: string | undefined },
    private readonly ambient: ResponsesAmbient,
  ) {
    this.#above = `${responseTopic}/`;
    this.#wanted = { name: RESPONSES, filter: `${responseTopic}/+`, qos: 1, own: true };
  }

  /**
   * An answer to `token` is told from now on, once, at most for `waitMs`. Resolves when the broker brings them.
   * @throws HoldfastError LINK_DOWN, REQUEST_UNSUPPORTED, RESPONSES_DENIED
   */
  async expect(
    { token, correlationData, waitMs }: ExpectedResponse,
    line: ResponseLine | undefined,
    subscriptions: Subscriptions,
  ): Promise<void> {
    if (!line) throw new HoldfastError('LINK_DOWN', 'the link is down, and no answer could come');
    if (line.protocol !== '5') {
      throw new HoldfastError('REQUEST_UNSUPPORTED', 'the broker speaks MQTT 3.1.1, which has no response topics');
    }
    const code = await subscriptions.add(this.#wanted, line.port);
    if (code === undefined) throw new HoldfastError('LINK_DOWN', 'the broker did not answer the subscription');
    if (isDenied(code)) {
      const message = `the broker denies the subscription to "${this.#wanted.filter}", where answers come`;
      throw new HoldfastError('RESPONSES_DENIED', message, {
        details: { cause: 'subscribe-denied', ...(code === null ? {} : { reasonCode: code }) },
      });
    }
    this.#prune();
    this.#expected.set(token, { correlationData, until: this.ambient.clock.monotonic() + waitMs });
  }

  /** Nobody waits for it any more. */
  forget(token: string): void {
    this.#expected.delete(token);
  }

  /** @returns whether it is an answer, expected or not */
  heard(packet: IPublishPacket): boolean {
    if (!packet.topic.startsWith(this.#above)) return false;
    const token = packet.topic.slice(this.#above.length);
    const expected = this.#expected.get(token);
    const { topic, qos, payload, properties } = messageOf(packet);
    const other = properties?.correlationData !== undefined && properties.correlationData !== expected?.correlationData;
    if (!expected || other || expected.until < this.ambient.clock.monotonic()) return true;
    this.#expected.delete(token);
    this.ambient.responded?.({ token, topic, qos, payload, properties });
    return true;
  }

  #prune(): void {
    const now = this.ambient.clock.monotonic();
    for (const [token, { until }] of this.#expected) if (until < now) this.#expected.delete(token);
  }
}
