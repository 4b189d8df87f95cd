import { randomBytes } from 'node:crypto';
import type { Caller } from '../domain/caller.js';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import type { ExpectedResponse, PublishResult, RequestResponse } from '../domain/publish.js';
import { REQUEST_DEFAULTS, type RequestSettings } from '../domain/settings.js';
import { answerOf, type Publisher, type Wanted } from './publisher.js';

const TOKEN_BYTES = 16;

/** Hears what is answered, as the link does. */
export interface ResponseDesk {
  /** Resolves when an answer would be heard. @throws HoldfastError LINK_DOWN, REQUEST_UNSUPPORTED, RESPONSES_DENIED */
  expect(expected: ExpectedResponse): Promise<void>;
  /** Nobody waits for this answer any more. */
  forget(token: string): void;
}

export interface RequesterParts {
  publisher: Pick<Publisher, 'send'>;
  desk: ResponseDesk;
  /** Answers come below it. */
  responseTopic: string;
  settings?: RequestSettings | undefined;
  clock: Clock;
}

/** An answer, and the id of the publish it answers. */
export type Answered = RequestResponse & { id: string };

/** Who asks. */
export interface Asker {
  /** Whose token may narrow what it may publish to. */
  caller?: Caller | undefined;
  /** Aborted when nobody is there any more to be answered: what is published goes its way. */
  gone?: AbortSignal;
}

interface Waiter {
  /** Name of the caller's token. */
  owner: string | undefined;
  end: (response: RequestResponse | undefined) => void;
}

/**
 * Publishes requests and waits for what is answered. Each has a response topic that nobody can guess, and ends with its
 * time: one that is still in the outbox then is never sent.
 */
export class Requester {
  readonly #waiting = new Map<string, Waiter>();
  /** How many of them each token has. */
  readonly #owned = new Map<string, number>();
  readonly #settings: RequestSettings;

  constructor(private readonly parts: RequesterParts) {
    this.#settings = parts.settings ?? REQUEST_DEFAULTS;
  }

  /** Bounds of the time a request may take. */
  get timeouts(): Pick<RequestSettings, 'timeoutMs' | 'timeoutMsMax'> {
    return this.#settings;
  }

  /** Nobody will be answered any more. */
  stop(): void {
    for (const { end } of [...this.#waiting.values()]) end(undefined);
  }

  responded(response: RequestResponse): void {
    this.#waiting.get(response.token)?.end(response);
  }

  /**
   * @param timeoutMs from now on; a longer one than is allowed is cut
   * @throws HoldfastError as {@link Publisher.publish}; LINK_DOWN, REQUEST_UNSUPPORTED, RESPONSES_DENIED: nothing was
   * kept; RESPONSE_TIMEOUT with the `id` of the publish; PUBLISH_EXPIRED: its own, shorter expiry ran out in the outbox
   */
  async request(wanted: Wanted, timeoutMs = this.#settings.timeoutMs, asker: Asker = {}): Promise<Answered> {
    const limitMs = Math.min(timeoutMs, this.#settings.timeoutMsMax);
    const { clock } = this.parts;
    const ends = clock.monotonic() + limitMs;
    const sendUntil = clock.now() + limitMs;
    const { caller, gone } = asker;
    this.#checkRoom(caller);
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    const response = Promise.withResolvers<RequestResponse | undefined>();
    const end = (): void => response.resolve(undefined);
    this.#add(token, { owner: caller?.name, end: response.resolve });
    const late = setTimeout(end, limitMs);
    gone?.addEventListener('abort', end);
    if (gone?.aborted) end();
    try {
      const asked = { ...this.#asked(wanted, token, limitMs), sendUntil };
      const correlationData = asked.properties.correlationData;
      await this.parts.desk.expect({ token, correlationData, waitMs: limitMs });
      const left = Math.max(0, ends - clock.monotonic());
      const { id, ended, letGo } = await this.parts.publisher.send(asked, left, caller);
      void ended.then((result) => {
        // Its time may be found over before the timer has: that is no news of the broker.
        if (result?.outcome === 'expired' && clock.now() >= sendUntil) end();
        else failed(id, result, response.reject);
      });
      const answer = await response.promise;
      if (answer) return { ...answer, id };
      if (gone?.aborted) {
        this.parts.desk.forget(token);
        letGo();
      }
      throw new HoldfastError('RESPONSE_TIMEOUT', 'no answer to the request came in time', { details: { id } });
    } finally {
      clearTimeout(late);
      gone?.removeEventListener('abort', end);
      this.#remove(token);
    }
  }

  #checkRoom(caller: Caller | undefined): void {
    const { waitingMax, perTokenMax } = this.#settings;
    if (this.#waiting.size >= waitingMax) {
      throw new HoldfastError('IN_FLIGHT_FULL', 'too many requests wait for their answers');
    }
    if (caller && (this.#owned.get(caller.name) ?? 0) >= perTokenMax) {
      const message = `too many requests of the token "${caller.name}" wait for their answers`;
      throw new HoldfastError('IN_FLIGHT_FULL', message);
    }
  }

  #add(token: string, waiter: Waiter): void {
    this.#waiting.set(token, waiter);
    if (waiter.owner !== undefined) this.#owned.set(waiter.owner, (this.#owned.get(waiter.owner) ?? 0) + 1);
  }

  #remove(token: string): void {
    const owner = this.#waiting.get(token)?.owner;
    this.#waiting.delete(token);
    if (owner === undefined) return;
    const left = this.#owned.get(owner)! - 1;
    if (left > 0) this.#owned.set(owner, left);
    else this.#owned.delete(owner);
  }

  /** A request that waits in the outbox must not be carried out when nobody waits for it any more. */
  #asked(wanted: Wanted, token: string, limitMs: number): Wanted & { properties: { correlationData: string } } {
    const { correlationData, messageExpiryInterval = Infinity } = wanted.properties ?? {};
    const properties = {
      ...wanted.properties,
      responseTopic: `${this.parts.responseTopic}/${token}`,
      correlationData: correlationData ?? Buffer.from(token, 'hex').toString('base64'),
      messageExpiryInterval: Math.min(messageExpiryInterval, Math.ceil(limitMs / 1_000)),
    };
    return { ...wanted, properties };
  }
}

/** Tells when the broker has not taken the request: nobody will answer it. */
function failed(id: string, end: PublishResult | undefined, tell: (error: HoldfastError) => void): void {
  const answer = end && answerOf(id, end);
  if (answer instanceof HoldfastError) tell(answer);
}
