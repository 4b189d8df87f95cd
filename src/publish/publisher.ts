import type { Reply } from '../domain/attempt.js';
import { mayPublish, type Caller } from '../domain/caller.js';
import { MEND } from '../domain/cause.js';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import { failpoint } from '../domain/failpoint.js';
import type { JournalReader } from '../domain/journal.js';
import type { Acceptance, KeptAnswer, Publish, PublishKey, PublishResult, PublishStatus } from '../domain/publish.js';
import { invalid } from '../domain/request-problem.js';
import { PUBLISH_BATCH_MAX, PUBLISHES_IN_FLIGHT, TOPIC_LEVELS_MAX, type PublishSettings } from '../domain/settings.js';
import { textProblem, topicMatches, topicNameProblem } from '../domain/topic.js';
import { uuid7, uuidText } from '../domain/uuid.js';
import { brief } from './brief.js';
import { keptAnswer, KeptRequests, type AskedOnce } from './kept-requests.js';
import type { PublishContracts } from './publish-contracts.js';
import { Waiting } from './waiting.js';

/** Requests that may wait for the broker's answer at once; past it a publish is answered `queued` at once. */
const WAITING_MAX = 10_000;

export type Wanted = Omit<Publish, 'id' | 'acceptedAt'>;

/** Where publishes wait until the broker has acknowledged them. */
export interface Outbox {
  /** Resolves once it is on disk. @throws HoldfastError JOURNAL_FULL, OUTBOX_FULL, KEYS_FULL: nothing was kept */
  accept(acceptance: Acceptance): Promise<void>;
  keepAnswer(key: PublishKey, answers: KeptAnswer[]): Promise<void>;
}

export interface PublisherParts {
  settings: PublishSettings;
  outbox: Outbox;
  contracts: PublishContracts;
  reader: Pick<JournalReader, 'publishStatus' | 'keptRequest'>;
  clock: Clock;
  observe: PublishObserver;
}

export interface Asking {
  /** Do not wait for the broker. */
  respondAsync: boolean;
  /** A second request with this key is answered like the first. */
  once?: AskedOnce | undefined;
  /** Whose token may narrow what it may publish to. */
  caller?: Caller | undefined;
}

export interface PublishAnswer {
  id: string;
  status: 'published' | 'queued';
}

/** Of each publish of a batch; an error is its own. */
export type BatchAnswer = PublishAnswer | HoldfastError;

/** Where an accepted publish stands. `cause` and `mend` when the broker refused it. */
export interface PublishView {
  id: string;
  status: PublishStatus;
  reasonCode?: number;
  cause?: string;
  mend?: string;
}

/**
 * What happened to a publish, for the metrics. @param seconds from request to answer; undefined: it ended while nobody
 * asked @param publish which it is; undefined: none was accepted, or it was before and is answered again
 */
export type PublishObserver = (
  outcome: 'published' | 'queued' | 'refused' | 'expired' | 'invalid',
  seconds?: number,
  publish?: Pick<Publish, 'id' | 'trace'>,
) => void;

/**
 * Takes publishes into the outbox and waits a while for the broker's answer. What has an answer here is on
 * disk: `published` and `queued` both survive a kill.
 */
export class Publisher {
  readonly #waiting = new Waiting();
  readonly #kept: KeptRequests;
  #accepting = 0;
  #acceptingBytes = 0;
  #linkUp = false;
  #stopping = false;

  constructor(private readonly parts: PublisherParts) {
    this.#kept = new KeptRequests(parts.reader, parts.outbox, (id) => this.#answerOf(id));
  }

  /** While the link is down nobody waits for the broker. */
  set linkUp(up: boolean) {
    this.#linkUp = up;
    if (!up) this.#waiting.letGo();
  }

  /** How many publishes a batch may have. */
  get batchMax(): number {
    return this.parts.settings.batchMax ?? PUBLISH_BATCH_MAX;
  }

  /** The broker has answered; that is not on disk yet. A kill in between has it sent again. */
  answered(results: readonly PublishResult[]): void {
    this.#waiting.answered(results);
  }

  /** Publishes ended, and that is on disk. Called for every one, also for those nobody waits for. */
  confirmed(results: readonly PublishResult[]): void {
    for (const { outcome } of results) if (outcome === 'expired') this.parts.observe(outcome);
    this.#waiting.confirmed(results);
  }

  /**
   * Where an accepted publish stands. Throws NOT_FOUND for an id that is not known, or no longer, and for a publish to
   * a topic that this caller may not publish to.
   */
  status(id: string, caller?: Caller): PublishView {
    const kept = this.parts.reader.publishStatus(id);
    const result = this.#waiting.answer(id) ?? kept?.result;
    if ((!kept && !result) || (caller?.publish && (kept?.topic === undefined || !mayPublish(caller, kept.topic)))) {
      throw new HoldfastError('NOT_FOUND', 'no publish with this id is known; results are kept for 24 hours');
    }
    if (!result) return { id, status: 'queued' };
    const { cause, reasonCode, outcome: status } = result;
    return { id, status, reasonCode, ...(cause ? { cause, mend: MEND[cause] } : {}) };
  }

  /** From now on publishes are refused; those that wait are answered `queued`. */
  stop(): void {
    this.#stopping = true;
    this.#waiting.letGo();
  }

  /**
   * @throws HoldfastError TOPIC_FORBIDDEN, REQUEST_INVALID (too many levels), PAYLOAD_TOO_LARGE, CONTRACT_FAILED,
   * CONTRACT_UNCHECKED, LINK_DOWN (QoS 0), JOURNAL_FULL, OUTBOX_FULL, KEYS_FULL, IN_FLIGHT_FULL, SHUTTING_DOWN, KEY_IN_USE, KEY_REUSED: nothing was kept;
   * PUBLISH_REFUSED with `cause`: the broker's answer, final; PUBLISH_EXPIRED
   */
  async publish(wanted: Wanted, asking: Asking): Promise<PublishAnswer> {
    const [answer] = await this.publishAll([wanted], asking);
    if (answer instanceof HoldfastError) throw answer;
    return answer!;
  }

  /**
   * Many at once: they are accepted together, in this order, and each has its own answer. @param wanted an error: it
   * could not be understood @throws HoldfastError as {@link publish}, for what is no fault of one of them
   */
  async publishAll(wanted: readonly (Wanted | HoldfastError)[], asking: Asking): Promise<BatchAnswer[]> {
    const begun = this.parts.clock.monotonic();
    let isAgain = true;
    const tell = (answers: readonly unknown[]): void => {
      const seconds = (this.parts.clock.monotonic() - begun) / 1_000;
      answers.forEach((answer, i) => this.#observe(answer, seconds, isAgain ? undefined : wanted[i]));
    };
    try {
      const answers = await this.#kept.once(asking.once, () => {
        isAgain = false;
        return this.#publishAll(wanted, asking);
      });
      tell(answers);
      return answers;
    } catch (error) {
      tell(wanted.map(() => error));
      throw error;
    }
  }

  /**
   * Takes a publish of a caller into the outbox and does not wait. @returns its id, and the broker's answer; undefined: the link
   * went down, the time was over, or it was let go: nobody waits for it any more @throws HoldfastError as {@link publish}
   */
  async send(
    wanted: Wanted,
    waitMs: number,
    caller?: Caller,
  ): Promise<{ id: string; ended: Promise<PublishResult | undefined>; letGo: () => void }> {
    const begun = this.parts.clock.monotonic();
    const tell = (answer: unknown): void =>
      this.#observe(answer, (this.parts.clock.monotonic() - begun) / 1_000, wanted);
    try {
      if (this.#stopping) throw new HoldfastError('SHUTTING_DOWN', 'the gateway is stopping');
      const sent = await this.#inFlight([wanted], async () => {
        const publish = await this.#checked(wanted, caller);
        const ended = this.#waiting.for(publish.id, waitMs, false);
        await this.#accept({ publishes: [publish] });
        return { id: publish.id, ended, letGo: () => this.#waiting.letGo([publish.id]) };
      });
      void sent.ended.then((result) => tell(answerOf(sent.id, result)));
      return sent;
    } catch (error) {
      tell(error);
      throw error;
    }
  }

  /**
   * Takes a subscriber's reply into the outbox, QoS 1. Also while the gateway stops: what it replies to is settled next.
   * @param correlationData base64, as the record has it
   * @throws HoldfastError TOPIC_FORBIDDEN, PAYLOAD_TOO_LARGE, CONTRACT_FAILED, REQUEST_INVALID (no topic to publish to, or too many levels):
   * it can never be published; CONTRACT_UNCHECKED, JOURNAL_FULL, OUTBOX_FULL, IN_FLIGHT_FULL: not now
   */
  async reply(topic: string, correlationData: string | undefined, { body, contentType }: Reply): Promise<void> {
    const problem = topicNameProblem(topic);
    if (problem !== undefined) throw new HoldfastError('REQUEST_INVALID', `the response topic is none: ${problem}`);
    const properties = {
      ...(correlationData === undefined ? {} : { correlationData }),
      ...(contentType === undefined || textProblem(contentType) !== undefined ? {} : { contentType }),
    };
    const wanted = { topic, payload: body, qos: 1 as const, retain: false, properties };
    await this.#inFlight([wanted], async () => this.#accept({ publishes: [await this.#checked(wanted)] }));
  }

  async #publishAll(wanted: readonly (Wanted | HoldfastError)[], asking: Asking): Promise<BatchAnswer[]> {
    if (this.#stopping) throw new HoldfastError('SHUTTING_DOWN', 'the gateway is stopping');
    const { checked, ends } = await this.#inFlight(wanted, () => this.#take(wanted, asking));
    const ended = new Map<string, PublishResult | undefined>();
    for (const [id, end] of ends) ended.set(id, await end);
    const answers = checked.map((one) => (one instanceof HoldfastError ? one : answerOf(one.id, ended.get(one.id))));
    failpoint('answered');
    return answers;
  }

  /** @returns what is in the outbox now, in place of the others why it is not; and the broker's answers that are waited for */
  async #take(
    wanted: readonly (Wanted | HoldfastError)[],
    { respondAsync, once, caller }: Asking,
  ): Promise<{ checked: (Publish | HoldfastError)[]; ends: [id: string, end: Promise<PublishResult | undefined>][] }> {
    const checked = brief(await Promise.all(wanted.map((one) => this.#checkedOrError(one, caller))));
    const publishes = checked.filter((one): one is Publish => !(one instanceof HoldfastError));
    if (publishes.length === 0) return { checked, ends: [] };
    const { waitMs } = this.parts.settings;
    const waits = this.#linkUp && !respondAsync && waitMs > 0 && this.#waiting.size < WAITING_MAX;
    // Before the outbox has them: their answers may come before accept() resolves.
    const ends = waits
      ? publishes.map(
          ({ id }) =>
            [id, this.#waiting.for(id, waitMs, once !== undefined)] as [string, Promise<PublishResult | undefined>],
        )
      : [];
    const kept = once && { ...once, answers: checked.map((one) => keptAnswer(one, waits ? undefined : 'queued')) };
    await this.#accept({ publishes, ...(kept ? { kept } : {}) });
    return { checked, ends };
  }

  async #checkedOrError(wanted: Wanted | HoldfastError, caller?: Caller): Promise<Publish | HoldfastError> {
    if (wanted instanceof HoldfastError) return wanted;
    try {
      return await this.#checked(wanted, caller);
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }

  /** Whether it may be published, as a publish of its own. */
  async #checked(wanted: Wanted, caller?: Caller): Promise<Publish> {
    const { topic, payload, qos } = wanted;
    const { allow, maxPayloadBytes, topicLevelsMax = TOPIC_LEVELS_MAX } = this.parts.settings;
    if (!allow.some((filter) => topicMatches(filter, topic))) {
      throw new HoldfastError('TOPIC_FORBIDDEN', `publish.allow has no filter that matches the topic "${topic}"`);
    }
    if (!mayPublish(caller, topic)) {
      throw new HoldfastError('TOPIC_FORBIDDEN', `the token "${caller!.name}" may not publish to "${topic}"`);
    }
    const levels = topic.split('/').length;
    if (levels > topicLevelsMax) {
      // A broker that has a limit hangs up on it: without one here, anybody's publish would cost the link.
      throw invalid([
        { pointer: '/topic', message: `has ${levels} levels, publish.maxTopicLevels allows ${topicLevelsMax}` },
      ]);
    }
    if (payload.length > maxPayloadBytes) {
      throw new HoldfastError(
        'PAYLOAD_TOO_LARGE',
        `the payload has ${payload.length} bytes, ${maxPayloadBytes} are allowed`,
      );
    }
    if (qos === 0 && !this.#linkUp) throw new HoldfastError('LINK_DOWN', 'the link is down and QoS 0 is not queued');
    const acceptedAt = this.parts.clock.now();
    const publish = { ...wanted, id: uuidText(uuid7(acceptedAt)), acceptedAt };
    await this.parts.contracts.check(publish);
    return publish;
  }

  async #accept(acceptance: Acceptance): Promise<void> {
    try {
      await this.parts.outbox.accept(acceptance);
      failpoint('accepted', acceptance.publishes.length);
    } catch (error) {
      this.#waiting.letGo(acceptance.publishes.map(({ id }) => id));
      throw error;
    }
  }

  /** A disk or a contract that stalls must not fill the memory. */
  async #inFlight<T>(wanted: readonly (Wanted | HoldfastError)[], take: () => Promise<T>): Promise<T> {
    const { recordsMax, bytesMax } = this.parts.settings.inFlight ?? PUBLISHES_IN_FLIGHT;
    if (this.#accepting >= recordsMax || this.#acceptingBytes >= bytesMax) {
      throw new HoldfastError('IN_FLIGHT_FULL', 'too many publishes are on their way to the disk');
    }
    const bytes = wanted.reduce((sum, one) => sum + (one instanceof HoldfastError ? 0 : one.payload.length), 0);
    this.#accepting += wanted.length;
    this.#acceptingBytes += bytes;
    try {
      return await take();
    } finally {
      this.#accepting -= wanted.length;
      this.#acceptingBytes -= bytes;
    }
  }

  /** As of now, of one that was accepted before; undefined: nothing is known of it any more. */
  #answerOf(id: string): BatchAnswer | undefined {
    const known = this.parts.reader.publishStatus(id);
    return known && answerOf(id, known.result);
  }

  /** @param wanted what is answered, for the first time */
  #observe(answer: unknown, seconds: number, wanted?: Wanted | HoldfastError): void {
    const trace = wanted && 'trace' in wanted ? wanted.trace : undefined;
    const publish = (id: string): Pick<Publish, 'id' | 'trace'> | undefined => wanted && { id, trace };
    if (!(answer instanceof Error)) {
      const { id, status } = answer as PublishAnswer;
      return this.parts.observe(status, seconds, publish(id));
    }
    const { code, details } = answer instanceof HoldfastError ? answer : {};
    if (code === 'PUBLISH_EXPIRED') return; // counted when it ended
    if (code === 'PUBLISH_REFUSED') return this.parts.observe('refused', seconds, publish(details!['id'] as string));
    this.parts.observe('invalid', seconds);
  }
}

/** @param result undefined: the broker has not answered yet */
export function answerOf(id: string, result: PublishResult | undefined): BatchAnswer {
  if (!result) return { id, status: 'queued' };
  const { outcome, reasonCode, cause = 'unknown' } = result;
  if (outcome === 'published') return { id, status: outcome };
  if (outcome === 'expired') {
    return new HoldfastError('PUBLISH_EXPIRED', 'its time ran out before the broker had taken it', { details: { id } });
  }
  return new HoldfastError('PUBLISH_REFUSED', `the broker refused the publish: ${cause}`, {
    details: { id, cause, reasonCode, mend: MEND[cause] },
  });
}
