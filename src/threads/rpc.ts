import type { MessagePort, Transferable } from 'node:worker_threads';
import { HoldfastError, type ErrorCode } from '../domain/errors.js';

/** Calls and events between two threads over one port. Values are cloned; `transfer` moves buffers. */

/** Answers one call; may throw or reject. */
export type Serve = (method: string, args: unknown[]) => unknown;

interface Call {
  call: number;
  method: string;
  args: unknown[];
}
interface Answer {
  answer: number;
  value?: unknown;
  error?: { code?: ErrorCode; message: string; details?: { [name: string]: unknown } };
}
interface Event {
  event: string;
  value: unknown;
  /** The receiver is to say when it has heard it. */
  confirm?: true;
}
interface Heard {
  heard: string;
}

/** What a port must do; both MessagePort and Worker fit. Only the former says 'close', when its other end is gone. */
export type PortLike = Pick<MessagePort, 'postMessage'> & {
  on: (event: 'message' | 'close', listener: (message: unknown) => void) => unknown;
};

export class Channel {
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  /** Events of {@link emitLatest} that are on the way, and the newest value since. */
  readonly #onTheWay = new Map<string, { newer: unknown } | undefined>();
  #next = 1;
  #failed: Error | undefined;

  /**
   * @param serve answers the other side's calls
   * @param onEvent receives the other side's events, in the order sent
   */
  constructor(
    private readonly port: PortLike,
    private readonly serve: Serve = served({}),
    private readonly onEvent: (event: string, value: unknown) => void = () => undefined,
  ) {
    port.on('message', (message) => this.#receive(message as Call | Answer | Event | Heard));
    port.on('close', () => this.fail(new Error('the thread that answered is gone')));
  }

  /** Calls the other side's handler. Rejects with what it rejected with; HoldfastErrors keep their code. */
  call<T>(method: string, args: unknown[], transfer: Transferable[] = []): Promise<T> {
    if (this.#failed) return Promise.reject(this.#failed);
    return new Promise<T>((resolve, reject) => {
      const call = this.#next++;
      this.#waiting.set(call, { resolve: (value) => resolve(value as T), reject });
      this.port.postMessage({ call, method, args } satisfies Call, transfer);
    });
  }

  emit(event: string, value: unknown): void {
    this.port.postMessage({ event, value } satisfies Event);
  }

  /**
   * For values that each replace the one before. One is on the way at a time, because a receiver that stands still
   * for minutes would be sent millions of them, and the port keeps them all.
   */
  emitLatest(event: string, value: unknown): void {
    if (this.#onTheWay.has(event)) {
      this.#onTheWay.set(event, { newer: value });
      return;
    }
    this.#onTheWay.set(event, undefined);
    this.port.postMessage({ event, value, confirm: true } satisfies Event);
  }

  /** Every call that has no answer yet rejects, and every later one: the other side is gone. */
  fail(error: Error): void {
    this.#failed ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #receive(message: Call | Answer | Event | Heard): void {
    if ('event' in message) {
      this.onEvent(message.event, message.value);
      if (message.confirm) this.port.postMessage({ heard: message.event } satisfies Heard);
    } else if ('heard' in message) {
      const then = this.#onTheWay.get(message.heard);
      this.#onTheWay.delete(message.heard);
      if (then) this.emitLatest(message.heard, then.newer);
    } else if ('call' in message) {
      void this.#serve(message);
    } else {
      const waiting = this.#waiting.get(message.answer);
      this.#waiting.delete(message.answer);
      if (message.error) waiting?.reject(revive(message.error));
      else waiting?.resolve(message.value);
    }
  }

  async #serve({ call, method, args }: Call): Promise<void> {
    try {
      const value = await this.serve(method, args);
      this.port.postMessage({ answer: call, value } satisfies Answer);
    } catch (error) {
      this.port.postMessage({ answer: call, error: flatten(error) } satisfies Answer);
    }
  }
}

/** A stand-in for `T` whose every method is a call over the channel. `transfers` picks the buffers to move. */
export function remote<T extends object>(
  channel: Channel,
  transfers: (method: string, args: unknown[]) => Transferable[] = () => [],
): T {
  return new Proxy({} as T, {
    get: (_, method) =>
      // A promise that resolves with the stand-in must not take it for a promise.
      typeof method !== 'string' || method === 'then'
        ? undefined
        : (...args: unknown[]) => channel.call(method, args, transfers(method, args)),
  });
}

/** The methods of `target` as what a {@link Channel} serves. */
export function served(target: object): Serve {
  return (method, args) => {
    const answer: unknown = Reflect.get(target, method);
    if (typeof answer !== 'function') throw new Error(`nothing here answers "${method}"`);
    return Reflect.apply(answer, target, args) as unknown;
  };
}

function flatten(error: unknown): NonNullable<Answer['error']> {
  if (error instanceof HoldfastError) return { code: error.code, message: error.message, details: error.details };
  return { message: error instanceof Error ? error.message : String(error) };
}

function revive({ code, message, details }: NonNullable<Answer['error']>): Error {
  return code ? new HoldfastError(code, message, { details: details ?? {} }) : new Error(message);
}
