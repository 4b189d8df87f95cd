import type { Dispatcher } from 'undici';

/** An answer larger than this costs the connection: what is left of it is not read. */
export const ANSWER_BYTES_MAX = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export interface Answer {
  status: number;
  retryAfter: string | undefined;
  location: string | undefined;
  /** The start of the body; empty for a 2xx, whose body says nothing. */
  body: Buffer;
  /** The body went on after `body`. */
  cut: boolean;
}

/** Collects one answer from undici's callbacks; whatever comes after its end is ignored. */
export class Exchange implements Dispatcher.DispatchHandler {
  ended = false;
  #status = 0;
  #retryAfter: string | undefined;
  #location: string | undefined;
  #received = 0;
  #body = NOTHING;

  constructor(
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
    private readonly keptBytesMax: number,
  ) {}

  fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.reject(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.ended) controller.abort(new Error('given up before it was sent'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return; // an interim answer, such as 103
    this.#status = status;
    if (status < 300) return;
    this.#retryAfter = first(headers['retry-after']);
    this.#location = first(headers['location']);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.ended) return;
    this.#received += chunk.length;
    const room = this.keptBytesMax - this.#body.length;
    if (this.#status >= 300 && room > 0) this.#body = Buffer.concat([this.#body, chunk.subarray(0, room)]);
    if (this.#received <= ANSWER_BYTES_MAX) return;
    this.#end();
    controller.abort(new Error('the answer is longer than is read'));
  }

  onResponseEnd(): void {
    this.#end();
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.fail(error);
  }

  #end(): void {
    if (this.ended) return;
    this.ended = true;
    this.resolve({
      status: this.#status,
      retryAfter: this.#retryAfter,
      location: this.#location,
      body: this.#body,
      cut: this.#received > this.#body.length,
    });
  }
}

type Headers = { [name: string]: string | string[] | undefined };

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
