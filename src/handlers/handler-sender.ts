import { isUtf8 } from 'node:buffer';
import type { MessageHandler } from '@nestjs/microservices';
import { isObservable, type Observable } from 'rxjs';
import type { AttemptContext, Outcome, Sender } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { noParameters } from '../domain/topic-parameters.js';
import { replyOf } from './answer.js';
import { outcomeOfThrown } from './failure.js';
import { HoldfastContext } from './handler-context.js';

const STOPPED = 'the gateway had to stop';

/**
 * Gives records to Nest handlers. One that throws is a failed attempt, nothing more. Several are called at once, and
 * each record is delivered when all of them have ended well.
 */
export class HandlerSender implements Sender {
  /** @param unanswered told when an answer is dropped because its record names no response topic */
  constructor(
    private readonly handlers: readonly MessageHandler[],
    private readonly settings: Pick<SubscriberSettings, 'timeoutMs' | 'reply'>,
    private readonly unanswered: (record: Record) => void = () => undefined,
  ) {}

  async send(record: Record, given: AttemptContext): Promise<Outcome> {
    const { attempt, replay, parametersOf = noParameters, signal: stop, traceparent } = given;
    if (stop?.aborted) return givenUp(STOPPED);
    const { timeoutMs } = this.settings;
    const over = new AbortController();
    const late = Promise.withResolvers<Outcome>();
    const giveUp = (detail: string): void => {
      late.resolve(givenUp(detail));
      over.abort(new Error(detail));
    };
    const stopped = (): void => giveUp(STOPPED);
    stop?.addEventListener('abort', stopped);
    const timer = setTimeout(() => giveUp(`the handler did not end within ${timeoutMs} ms`), timeoutMs);
    try {
      const parameters = parametersOf(record.topic);
      const context = new HoldfastContext([record, attempt, replay, over.signal, parameters, traceparent]);
      return await Promise.race([late.promise, this.#call(record, context)]);
    } finally {
      clearTimeout(timer);
      stop?.removeEventListener('abort', stopped);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #call(record: Record, context: HoldfastContext): Promise<Outcome> {
    try {
      const answers = await Promise.allSettled(this.handlers.map((handler) => answerOf(handler, record, context)));
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (failed) return outcomeOfThrown(failed.reason);
      return this.#delivered(record, (answers[0] as PromiseFulfilledResult<unknown>).value);
    } catch (error) {
      return outcomeOfThrown(error);
    }
  }

  #delivered(record: Record, answer: unknown): Outcome {
    if (!this.settings.reply || answer === undefined) return { kind: 'delivered' };
    if (record.properties?.responseTopic === undefined) {
      this.unanswered(record);
      return { kind: 'delivered' };
    }
    return { kind: 'delivered', reply: replyOf(answer)! };
  }
}

function givenUp(detail: string): Outcome {
  return { kind: 'retry', reason: 'timeout', status: 0, detail, opensBreaker: false };
}

async function answerOf(handler: MessageHandler, record: Record, context: HoldfastContext): Promise<unknown> {
  const result: unknown = await handler(dataOf(record.payload), context);
  return isObservable(result) ? lastOf(result, context.signal) : result;
}

/** The last value; undefined when there was none. Lets go of an Observable that has not ended when the attempt has. */
function lastOf(observable: Observable<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let last: unknown;
    const subscription = observable.subscribe({
      next: (value) => (last = value),
      error: reject,
      complete: () => resolve(last),
    });
    if (signal.aborted) subscription.unsubscribe();
    else signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  });
}

/** JSON as its value, anything else as its bytes. */
function dataOf(payload: Uint8Array): unknown {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (!isUtf8(bytes)) return bytes; // decoding would replace what is not UTF-8, and the rest might pass for JSON
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return bytes;
  }
}
