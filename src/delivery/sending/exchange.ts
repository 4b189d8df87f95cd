import type { Dispatcher } from 'undici';
import { Kept } from './kept.js';

/** An answer larger than this, and than what is to be kept of it, costs the connection: what is left of it is not read. */
export const ANSWER_BYTES_MAX = 64 * 1024;
/** Before the final one. */
const INTERIM_MAX = 32;
const NOTHING = Buffer.alloc(0);

/** How much of a body is kept, in bytes. */
export interface KeptMax {
  /** Of a 2xx; 0: its body says nothing. */
  successBytes: number;
  /** Of any other. */
  failureBytes: number;
}

export interface Answer {
  status: number;
  /** Of a 2xx whose body is kept. */
  contentType: string | undefined;
  retryAfter: string | undefined;
  location: string | undefined;
  /** The start of the body. */
  body: Buffer;
  /** The body went on after `body`. */
  cut: boolean;
}

/** Collects one answer from undici's callbacks; whatever comes after its end is ignored. */
export class Exchange implements Dispatcher.DispatchHandler {
  ended = false;
  #status = 0;
  #interim = 0;
  #contentType: string | undefined;
  #retryAfter: string | undefined;
  #location: string | undefined;
  #received = 0;
  #kept: Kept | undefined;

  constructor(
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
    private readonly keptMax: KeptMax,
  ) {}

  /** Whether the head of the answer is here. */
  get answering(): boolean {
    return this.#status !== 0;
  }

  fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.reject(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.ended) controller.abort(new Error('given up before it was sent'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) {
      if (++this.#interim > INTERIM_MAX) controller.abort(new Error(`more than ${INTERIM_MAX} interim answers`));
      return;
    }
    this.#status = status;
    if (status < 300) {
      if (this.keptMax.successBytes === 0) return;
      this.#kept = new Kept(this.keptMax.successBytes);
      this.#contentType = first(headers['content-type']);
      return;
    }
    this.#kept = new Kept(this.keptMax.failureBytes);
    this.#retryAfter = first(headers['retry-after']);
    this.#location = first(headers['location']);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.ended) return;
    this.#received += chunk.length;
    this.#kept?.add(chunk);
    if (this.#received <= Math.max(ANSWER_BYTES_MAX, this.#kept?.bytesMax ?? 0)) return;
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
    const body = this.#kept?.bytes ?? NOTHING;
    this.resolve({
      status: this.#status,
      contentType: this.#contentType,
      retryAfter: this.#retryAfter,
      location: this.#location,
      body,
      cut: this.#received > body.length,
    });
  }
}

type Headers = { [name: string]: string | string[] | undefined };

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
