import type { AttemptContext, Outcome, Reply, Sender } from '../domain/attempt.js';
import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import type { Record } from '../domain/record.js';
import type { Publisher } from './publisher.js';

/** Told what became of replies. Must be quick and must not throw. */
export interface ReplyObserver {
  /** `queued`: it is in the outbox. `refused`: it will never be published. */
  counted(outcome: 'queued' | 'refused'): void;
  /** Why one was refused: told once for each code. */
  refused(code: ErrorCode, message: string): void;
}

/** Refusals that the next try would meet again. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'TOPIC_FORBIDDEN',
  'PAYLOAD_TOO_LARGE',
  'REQUEST_INVALID',
  'CONTRACT_FAILED',
]);

/**
 * Publishes what a subscriber replies to the record's response topic. The reply is in the outbox, on disk, before the
 * record counts as delivered: a crash between the two sends the record, and then the reply, once more. A reply that
 * may not be published is counted and told, and the record is delivered all the same. One that finds no room makes
 * the record wait.
 */
export class ReplyingSender implements Sender {
  readonly #told = new Set<ErrorCode>();

  constructor(
    private readonly sender: Sender,
    private readonly publisher: Pick<Publisher, 'reply'>,
    private readonly observer: ReplyObserver,
  ) {}

  async send(record: Record, context: AttemptContext): Promise<Outcome> {
    const outcome = await this.sender.send(record, context);
    if (outcome.kind !== 'delivered' || !outcome.reply) return outcome;
    const topic = record.properties?.responseTopic;
    if (topic === undefined) return outcome;
    const published = await this.#publish(topic, record.properties?.correlationData, outcome.reply);
    return outcome.traceparent === undefined ? published : { ...published, traceparent: outcome.traceparent };
  }

  close(): Promise<void> {
    return this.sender.close();
  }

  async #publish(topic: string, correlationData: string | undefined, reply: Reply): Promise<Outcome> {
    try {
      await this.publisher.reply(topic, correlationData, reply);
      this.observer.counted('queued');
    } catch (error) {
      if (!(error instanceof HoldfastError) || !FINAL.has(error.code)) return waitFor(error);
      this.observer.counted('refused');
      if (!this.#told.has(error.code)) this.observer.refused(error.code, error.message);
      this.#told.add(error.code);
    }
    return { kind: 'delivered' };
  }
}

function waitFor(error: unknown): Outcome {
  const detail = error instanceof Error ? error.message : String(error);
  return { kind: 'throttled', reason: 'reply', status: 200, detail };
}
