import { isUtf8 } from 'node:buffer';
import { inspect } from 'node:util';
import { BaseRpcContext, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom, Subject, takeUntil } from 'rxjs';
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
    const over = new Subject<void>();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Outcome>((resolve) => {
      const detail = `the handler did not end within ${this.timeoutMs} ms`;
      const outcome: Outcome = { kind: 'retry', reason: 'timeout', status: 0, detail, opensBreaker: false };
      timer = setTimeout(() => resolve(outcome), this.timeoutMs);
    });
    try {
      return await Promise.race([this.#call(record, new HoldfastContext([record, attempt]), over), late]);
    } finally {
      clearTimeout(timer);
      over.next();
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** @param over lets go of an Observable that has not ended */
  async #call(record: Record, context: HoldfastContext, over: Subject<void>): Promise<Outcome> {
    try {
      // Where several handlers share one pattern, the first calls the others and waits for all of them.
      const result: unknown = await this.handler(dataOf(record.payload), context);
      if (isObservable(result)) await lastValueFrom(result.pipe(takeUntil(over)), { defaultValue: undefined });
      return { kind: 'delivered' };
    } catch (error) {
      const detail = detailOf(error).slice(0, DETAIL_CHARACTERS_MAX);
      return { kind: 'retry', reason: 'threw', status: 0, detail, opensBreaker: false };
    }
  }
}

/** Anything can be thrown; Nest's own exceptions are plain objects with a message. */
function detailOf(thrown: unknown): string {
  try {
    const { message } = (thrown ?? {}) as { message?: unknown };
    return typeof message === 'string' ? message : inspect(thrown, { depth: 1 });
  } catch {
    return 'the handler threw what cannot be shown';
  }
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
