import { BaseRpcContext, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Outcome, Sender } from '../domain/attempt.js';
import type { Record } from '../domain/record.js';

const DETAIL_CHARACTERS_MAX = 2_048;

/** What a handler may ask of the record it was given, with `@Ctx()`. */
export class HoldfastContext extends BaseRpcContext<[Record, number]> {
  /** Position, id, topic, the payload's original bytes, MQTT 5 properties. */
  get record(): Record {
    return this.getArgByIndex(0) as Record;
  }

  /** 1 for the first try. */
  get attempt(): number {
    return this.getArgByIndex(1) as number;
  }
}

/** Gives records to a Nest handler. A handler that throws is a failed attempt, nothing more. */
export class HandlerSender implements Sender {
  constructor(
    private readonly handler: MessageHandler,
    private readonly timeoutMs: number,
  ) {}

  async send(record: Record, { attempt }: { attempt: number }): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Outcome>((resolve) => {
      const detail = `the handler did not end within ${this.timeoutMs} ms`;
      const outcome: Outcome = { kind: 'retry', reason: 'timeout', status: 0, detail, opensBreaker: false };
      timer = setTimeout(() => resolve(outcome), this.timeoutMs);
    });
    try {
      return await Promise.race([this.#call(record, new HoldfastContext([record, attempt])), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #call(record: Record, context: HoldfastContext): Promise<Outcome> {
    try {
      const data = dataOf(record.payload);
      // Several handlers may share one pattern; each of them must have had it.
      for (let handler: MessageHandler | undefined = this.handler; handler; handler = handler.next as MessageHandler) {
        const result: unknown = await handler(data, context);
        if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
      }
      return { kind: 'delivered' };
    } catch (error) {
      const detail = error instanceof Error ? error.message : JSON.stringify(error);
      return {
        kind: 'retry',
        reason: 'threw',
        status: 0,
        detail: String(detail).slice(0, DETAIL_CHARACTERS_MAX),
        opensBreaker: false,
      };
    }
  }
}

/** JSON as its value, anything else as its bytes. */
function dataOf(payload: Uint8Array): unknown {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return bytes;
  }
}
