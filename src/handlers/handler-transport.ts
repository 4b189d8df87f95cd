import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Sender } from '../domain/attempt.js';
import { HoldfastError } from '../domain/errors.js';
import { filterProblem } from '../domain/filter.js';
import { jsonPointerProblem } from '../domain/json-pointer.js';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../domain/subscriber.js';
import { topicFilterProblem } from '../domain/topic.js';
import { HandlerSender } from './handler-sender.js';

/** A handler as a subscriber. */
export interface HandlerSubscriber {
  settings: SubscriberSettings;
  sender: Sender;
}

/** Starts what feeds the handlers. Rejects when it cannot start. */
export type Launch = (subscribers: HandlerSubscriber[]) => Promise<{ stop(): Promise<void> }>;

/** What `@EventPattern(filter, { … })` may say of its subscriber. `id` is its identity: default `handler:<filter>`. */
export type HandlerExtras = Partial<
  Pick<
    SubscriberSettings,
    | 'id'
    | 'startFrom'
    | 'where'
    | 'ordering'
    | 'key'
    | 'concurrency'
    | 'timeoutMs'
    | 'rateLimit'
    | 'maxBacklog'
    | 'retry'
    | 'breaker'
  >
>;

/**
 * Feeds `@EventPattern` handlers from the journal, after the contract: never from the socket, never on the
 * way of an acknowledgement. Each pattern is a topic filter and a subscriber of its own.
 */
export class HandlerTransport extends Server implements CustomTransportStrategy {
  #running: { stop(): Promise<void> } | undefined;

  constructor(private readonly launch: Launch) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.#start().then(() => callback(), callback);
  }

  async close(): Promise<void> {
    await this.#running?.stop();
  }

  override on(): never {
    throw new Error('HoldfastTransport has no events to listen to; see its metrics');
  }

  override unwrap<T>(): T {
    return this.#running as T;
  }

  async #start(): Promise<void> {
    const subscribers = [...this.messageHandlers].map(([pattern, handler]) => subscriberOf(pattern, handler));
    this.#running = await this.launch(subscribers);
  }
}

function subscriberOf(pattern: string, handler: MessageHandler): HandlerSubscriber {
  const extras = (handler.extras ?? {}) as HandlerExtras;
  const problem = patternProblem(pattern, handler) ?? extrasProblem(extras);
  if (problem !== undefined) throw new HoldfastError('CONFIG_INVALID', `handler pattern "${pattern}": ${problem}`);
  const settings: SubscriberSettings = {
    ...structuredClone(SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings),
    ...extras,
    id: extras.id ?? `handler:${pattern}`,
    topics: [pattern],
  };
  return { settings, sender: new HandlerSender(handler, settings.timeoutMs) };
}

function extrasProblem({ ordering, key, where }: HandlerExtras): string | undefined {
  const keyProblem = ordering === 'key' ? jsonPointerProblem(key ?? '') : undefined;
  if (keyProblem !== undefined) return `key: ${keyProblem}`;
  const whereProblem = where && filterProblem(where);
  return whereProblem && `where: ${whereProblem}`;
}

function patternProblem(pattern: string, { isEventHandler }: MessageHandler): string | undefined {
  if (!isEventHandler) return '@MessagePattern is not supported yet by this version; use @EventPattern';
  // Nest writes a pattern that is an object as JSON; as a filter it would match nothing, in silence.
  if (pattern.startsWith('{')) return 'a pattern is a topic filter, and must be text';
  if (pattern.startsWith('$share/')) return 'may not be a shared filter: only subscriptions share';
  return topicFilterProblem(pattern);
}
