import type { Reply } from '../domain/attempt.js';
import { mayPublish, type Caller } from '../domain/caller.js';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import { failpoint } from '../domain/failpoint.js';
import type { JournalReader } from '../domain/journal.js';
import type { Publish, PublishResult, PublishStatus } from '../domain/publish.js';
import type { PublishSettings } from '../domain/settings.js';
import { textProblem, topicMatches, topicNameProblem } from '../domain/topic.js';
import { uuid7, uuidText } from '../domain/uuid.js';
import type { Outbox } from './checked-outbox.js';

/** Requests that may wait for the broker's answer at once; past it a publish is answered `queued` at once. */
const WAITING_MAX = 10_000;
/** Payload bytes on their way to the disk at once, and publishes: a disk or a contract that stalls must not fill the memory. */
export const ACCEPTING_BYTES_MAX = 32 * 1024 * 1024;
export const ACCEPTING_MAX = 10_000;

export interface PublishAnswer {
  id: string;
  status: 'published' | 'queued';
}

/** What happened to a publish, for the metrics. */
export type PublishObserver = (outcome: 'published' | 'queued' | 'refused' | 'invalid', seconds: number) => void;

/**
 * Takes publishes into the outbox and waits a while for the broker's answer. What has an answer here is on
 * disk: `published` and `queued` both survive a kill.
 */
export class Publisher {
  readonly #waiting = new Map<string, (result: PublishResult | undefined) => void>();
  #accepting = 0;
  #acceptingBytes = 0;
  #linkUp = false;
  #stopping = false;

  constructor(
    private readonly settings: PublishSettings,
    private readonly outbox: Outbox,
    private readonly reader: Pick<JournalReader, 'publishStatus'>,
    private readonly clock: Clock,
    private readonly observe: PublishObserver,
  ) {}

  /** While the link is down nobody waits for the broker. */
  set linkUp(up: boolean) {
    this.#linkUp = up;
    if (!up) this.#letGo();
  }

  /** Publishes ended. Called for every one, also for those nobody waits for. */
  confirmed(results: readonly PublishResult[]): void {
    for (const result of results) this.#waiting.get(result.id)?.(result);
  }

  /** Where an accepted publish stands. Throws NOT_FOUND for an id that is not known, or no longer. */
  status(id: string): { id: string; status: PublishStatus; reasonCode?: number; cause?: string } {
    const known = this.reader.publishStatus(id);
    if (!known) throw new HoldfastError('NOT_FOUND', 'no publish with this id is known; results are kept for 24 hours');
    const { status, result } = known;
    return result ? { id, status, reasonCode: result.reasonCode, cause: result.cause } : { id, status };
  }

  /** From now on publishes are refused; those that wait are answered `queued`. */
  stop(): void {
    this.#stopping = true;
    this.#letGo();
  }

  /**
   * @param respondAsync do not wait for the broker @param caller whose token may narrow what it may publish to
   * @throws HoldfastError TOPIC_FORBIDDEN, PAYLOAD_TOO_LARGE, CONTRACT_FAILED, CONTRACT_UNCHECKED, LINK_DOWN (QoS 0),
   * JOURNAL_FULL, OUTBOX_FULL, SHUTTING_DOWN: nothing was kept; PUBLISH_REFUSED with `cause`: the broker's answer, final
   */
  async publish(
    wanted: Omit<Publish, 'id' | 'acceptedAt'>,
    respondAsync: boolean,
    caller?: Caller,
  ): Promise<PublishAnswer> {
    const begun = this.clock.monotonic();
    const seconds = (): number => (this.clock.monotonic() - begun) / 1000;
    try {
      if (this.#stopping) throw new HoldfastError('SHUTTING_DOWN', 'the gateway is stopping');
      this.#check(wanted);
      if (!mayPublish(caller, wanted.topic)) {
        throw new HoldfastError('TOPIC_FORBIDDEN', `the token "${caller!.name}" may not publish to "${wanted.topic}"`);
      }
      const answer = await this.#accept(wanted, respondAsync);
      this.observe(answer.status, seconds());
      return answer;
    } catch (error) {
      const refused = error instanceof HoldfastError && error.code === 'PUBLISH_REFUSED';
      this.observe(refused ? 'refused' : 'invalid', seconds());
      throw error;
    }
  }

  /**
   * Takes a subscriber's reply into the outbox, QoS 1. Also while the gateway stops: what it replies to is settled next.
   * @param correlationData base64, as the record has it
   * @throws HoldfastError TOPIC_FORBIDDEN, PAYLOAD_TOO_LARGE, CONTRACT_FAILED, REQUEST_INVALID (no topic to publish to):
   * it can never be published; CONTRACT_UNCHECKED, JOURNAL_FULL, OUTBOX_FULL: not now
   */
  async reply(topic: string, correlationData: string | undefined, { body, contentType }: Reply): Promise<void> {
    const problem = topicNameProblem(topic);
    if (problem !== undefined) throw new HoldfastError('REQUEST_INVALID', `the response topic is none: ${problem}`);
    const properties = {
      ...(correlationData === undefined ? {} : { correlationData }),
      ...(contentType === undefined || textProblem(contentType) !== undefined ? {} : { contentType }),
    };
    const wanted = { topic, payload: body, qos: 1 as const, retain: false, properties };
    this.#check(wanted);
    await this.#accept(wanted, true);
  }

  #check({ topic, payload, qos }: Omit<Publish, 'id' | 'acceptedAt'>): void {
    const { allow, maxPayloadBytes } = this.settings;
    if (!allow.some((filter) => topicMatches(filter, topic))) {
      throw new HoldfastError('TOPIC_FORBIDDEN', `publish.allow has no filter that matches the topic "${topic}"`);
    }
    if (payload.length > maxPayloadBytes) {
      throw new HoldfastError(
        'PAYLOAD_TOO_LARGE',
        `the payload has ${payload.length} bytes, ${maxPayloadBytes} are allowed`,
      );
    }
    if (this.#accepting >= ACCEPTING_MAX || this.#acceptingBytes >= ACCEPTING_BYTES_MAX) {
      throw new HoldfastError('OUTBOX_FULL', 'too many publishes are on their way to the disk');
    }
    if (qos === 0 && !this.#linkUp) throw new HoldfastError('LINK_DOWN', 'the link is down and QoS 0 is not queued');
  }

  async #accept(wanted: Omit<Publish, 'id' | 'acceptedAt'>, respondAsync: boolean): Promise<PublishAnswer> {
    const acceptedAt = this.clock.now();
    const id = uuidText(uuid7(acceptedAt));
    const waits = this.#linkUp && !respondAsync && this.settings.waitMs > 0 && this.#waiting.size < WAITING_MAX;
    // Before the outbox has it: its answer may come before accept() resolves.
    const answered = waits ? this.#answer(id) : undefined;
    this.#accepting++;
    this.#acceptingBytes += wanted.payload.length;
    try {
      await this.outbox.accept({ ...wanted, id, acceptedAt });
    } catch (error) {
      this.#waiting.get(id)?.(undefined);
      throw error;
    } finally {
      this.#accepting--;
      this.#acceptingBytes -= wanted.payload.length;
    }
    failpoint('accepted');
    const result = await answered;
    if (!result) return { id, status: 'queued' };
    if (result.outcome === 'published') return { id, status: 'published' };
    throw new HoldfastError('PUBLISH_REFUSED', `the broker refused the publish: ${result.cause ?? 'unknown'}`, {
      details: { id, cause: result.cause ?? 'unknown', reasonCode: result.reasonCode },
    });
  }

  /** Resolves with the broker's answer, or undefined when it took too long or the link went down. */
  #answer(id: string): Promise<PublishResult | undefined> {
    return new Promise((resolve) => {
      const settle = (result: PublishResult | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(result);
      };
      const timer = setTimeout(() => settle(undefined), this.settings.waitMs);
      this.#waiting.set(id, settle);
    });
  }

  #letGo(): void {
    for (const settle of [...this.#waiting.values()]) settle(undefined);
  }
}
