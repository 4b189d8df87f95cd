/** What a handler threw, as the outcome of the attempt. */
import { inspect } from 'node:util';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { catchError, throwError } from 'rxjs';
import type { Outcome } from '../domain/attempt.js';

const DETAIL_CHARACTERS_MAX = 2_048;
/** 4xx that ask for another try. */
const AGAIN = new Set([408, 409, 425, 429]);
/** What was thrown, by what Nest's own filter made of it. */
const originals = new WeakMap<object, unknown>();

keepOriginals();

/**
 * Where no filter of the app takes an exception, Nest's own makes "Internal server error" of it. Dead letters must say
 * what it was, and whether another try can help. What Nest throws stays as it is, for other transports too.
 */
function keepOriginals(): void {
  const filter = BaseRpcExceptionFilter.prototype;
  const nests = Reflect.get(filter, 'handleUnknownError');
  filter.handleUnknownError = function (thrown: unknown, status) {
    return nests.call(this, thrown, status).pipe(
      catchError((made: object) => {
        originals.set(made, thrown);
        return throwError(() => made);
      }),
    );
  };
}

/** An exception with a status of 4xx cannot be helped by another try, except 408, 409, 425 and 429. */
export function outcomeOfThrown(caught: unknown): Outcome {
  const thrown = isObject(caught) && originals.has(caught) ? originals.get(caught) : caught;
  const status = statusOf(thrown);
  const detail = detailOf(thrown).slice(0, DETAIL_CHARACTERS_MAX);
  if (status >= 400 && status < 500 && !AGAIN.has(status)) return { kind: 'dead', reason: 'threw', status, detail };
  return { kind: 'retry', reason: 'threw', status, detail, opensBreaker: false };
}

/** Of an HttpException, or of what an RpcException carries: `{ status: 400 }`, `{ statusCode: 400 }`. 0: none. */
function statusOf(thrown: unknown): number {
  if (!isObject(thrown)) return 0;
  const { status, statusCode } = thrown as { status?: unknown; statusCode?: unknown };
  const found = [status, statusCode].find((one) => Number.isInteger(one));
  return (found as number | undefined) ?? 0;
}

/** Anything can be thrown; Nest's own exceptions are plain objects with a message. */
function detailOf(thrown: unknown): string {
  try {
    if (!isObject(thrown)) return inspect(thrown);
    const { message, response } = thrown as { message?: unknown; response?: unknown };
    // What a ValidationPipe found is in the response of its exception.
    const said = isObject(response) && 'message' in response ? response.message : message;
    if (typeof said === 'string') return said;
    return inspect(said ?? thrown, { depth: 1, breakLength: Infinity });
  } catch {
    return 'the handler threw what cannot be shown';
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
