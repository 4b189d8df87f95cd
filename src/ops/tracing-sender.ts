import type { AttemptContext, Outcome, Sender } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';
import type { Tracing } from './tracing.js';

/** A sender each of whose attempts is a span, which the receiver is told of. */
export class TracingSender implements Sender {
  readonly sendBatch?: (records: readonly Record[], context: AttemptContext) => Promise<Outcome>;

  constructor(
    private readonly sender: Sender,
    private readonly subscriber: string,
    private readonly tracing: Pick<Tracing, 'attempting'>,
  ) {
    if (!sender.sendBatch) return;
    this.sendBatch = (records, context) =>
      this.#traced(records, context, (traced) => sender.sendBatch!(records, traced));
  }

  send(record: Record, context: AttemptContext): Promise<Outcome> {
    return this.#traced([record], context, (traced) => this.sender.send(record, traced));
  }

  close(): Promise<void> {
    return this.sender.close();
  }

  async #traced(
    records: readonly Record[],
    context: AttemptContext,
    send: (context: AttemptContext) => Promise<Outcome>,
  ): Promise<Outcome> {
    const span = this.tracing.attempting(this.subscriber, records, context);
    if (!span) return send(context);
    const outcome = await send({ ...context, traceparent: span.traceparent });
    span.done(outcome);
    return { ...outcome, traceparent: span.traceparent };
  }
}
