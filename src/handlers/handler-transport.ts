import { Server, Transport, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Sender } from '../domain/attempt.js';
import { HoldfastError } from '../domain/errors.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { HandlerSender } from './handler-sender.js';

/** A handler as a subscriber. */
export interface HandlerSubscriber {
  settings: SubscriberSettings;
  sender: Sender;
}

export interface HandlerTransportOptions {
  /** Resolves what a handler says of its subscriber. Throws CONFIG_INVALID with the pattern. */
  settingsOf(pattern: string, extras: object, reply: boolean): SubscriberSettings;
  /** Starts what feeds the handlers. Rejects when it cannot start. */
  launch(subscribers: HandlerSubscriber[]): Promise<void>;
  /** Lets the attempts in flight end, and stops feeding. */
  stop(): Promise<void>;
}

/** Handlers that share one subscriber. */
interface Shared {
  pattern: string;
  extras: object;
  handlers: MessageHandler[];
}

/**
 * Feeds `@EventPattern` and `@MessagePattern` handlers from the journal, after the contract: never from the socket,
 * never on the way of an acknowledgement. Each pattern is a topic filter and a subscriber of its own.
 */
export class HandlerTransport extends Server implements CustomTransportStrategy {
  /** It stands for Nest's own: handlers that name another transport are not for it. */
  override readonly transportId = Transport.MQTT;
  /** What a handler throws is seen here, Nest need not log it for want of anybody else. */
  override readonly propagatesEventHandlerErrors = true;
  /** By the id that was asked for, or the pattern. */
  readonly #shared = new Map<string, Shared>();

  constructor(private readonly options: HandlerTransportOptions) {
    super();
  }

  /**
   * Called by Nest for each handler. Event handlers of one pattern share a subscriber, unless they name another `id`.
   * @throws HoldfastError CONFIG_INVALID for a pattern that is no text, and where only one handler can answer
   */
  override addHandler(pattern: unknown, handler: MessageHandler, isEventHandler = false, extras: object = {}): void {
    if (typeof pattern !== 'string') {
      const name = JSON.stringify(pattern);
      throw invalid(
        name,
        'is not text, and a topic filter is. Is it for another transport? Name that in the decorator.',
      );
    }
    handler.isEventHandler = isEventHandler;
    handler.extras = extras;
    const { id = `handler:${pattern}` } = extras as { id?: string };
    const others = this.#shared.get(id);
    if (!others) {
      this.#shared.set(id, { pattern, extras, handlers: [handler] });
      return;
    }
    const problem = togetherProblem(others, pattern, handler, extras);
    if (problem !== undefined) throw invalid(pattern, problem);
    others.handlers.push(handler);
    if (Object.keys(extras).length > 0) others.extras = extras;
  }

  listen(callback: (error?: unknown) => void): void {
    this.#start().then(() => callback(), callback);
  }

  close(): Promise<void> {
    return this.options.stop();
  }

  override on(): never {
    throw new Error('HoldfastTransport has no events to listen to; see its metrics');
  }

  override unwrap(): never {
    throw new Error('HoldfastTransport has no MQTT client to give away; publish with the service Holdfast');
  }

  async #start(): Promise<void> {
    await this.options.launch([...this.#shared.values()].map((shared) => this.#subscriber(shared)));
  }

  #subscriber({ pattern, extras, handlers }: Shared): HandlerSubscriber {
    const settings = this.options.settingsOf(pattern, extras, !handlers[0]!.isEventHandler);
    const unanswered = ({ topic, id }: Record): void => {
      this.logger.debug?.(`an answer is dropped: the message ${id} on ${topic} names no response topic`);
    };
    return { settings, sender: new HandlerSender(handlers, settings, unanswered) };
  }
}

/** Why this handler cannot share the subscriber of the others; undefined when it can. */
function togetherProblem(others: Shared, pattern: string, added: MessageHandler, extras: object): string | undefined {
  if (others.pattern !== pattern)
    return `has the id of the subscriber for "${others.pattern}". Give it one of its own.`;
  const events = added.isEventHandler && others.handlers[0]!.isEventHandler;
  if (!events) return 'has several handlers, of which one answers. Give each an id of its own.';
  const both = Object.keys(extras).length > 0 && Object.keys(others.extras).length > 0;
  if (!both || JSON.stringify(extras) === JSON.stringify(others.extras)) return undefined;
  return 'has several handlers that say different things of one subscriber. Say it once, or give each an id of its own.';
}

function invalid(pattern: string, problem: string): HoldfastError {
  return new HoldfastError('CONFIG_INVALID', `handler pattern "${pattern}": ${problem}`);
}
