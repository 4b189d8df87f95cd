import type { Outcome } from '../../domain/attempt.js';

/**
 * What the body of a 2xx means with `answers: dapr`. As Dapr reads it: no body, no status in it, or no JSON object
 * at all is success, and a status that nobody knows is a failure. One that was too long to be read whole is a failure
 * too, because what it says is not known. Pure.
 * @param cut the body went on after `body`
 * @param detail makes the start of the body fit to be shown
 */
export function outcomeOfDapr(status: number, body: Buffer, cut: boolean, detail: () => string): Outcome {
  if (cut) {
    const reason = `the answer is longer than ${body.length} bytes: ${detail()}`;
    return { kind: 'retry', reason: 'answer', status, detail: reason, opensBreaker: false };
  }
  switch (statusIn(body)) {
    case undefined:
    case '':
    case 'SUCCESS':
      return { kind: 'delivered' };
    case 'DROP':
      return { kind: 'dead', reason: 'dropped', status, detail: detail() };
    default:
      return { kind: 'retry', reason: 'answer', status, detail: detail(), opensBreaker: false };
  }
}

function statusIn(body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'));
    if (typeof answer !== 'object' || answer === null) return undefined;
    // Dapr, written in Go, reads the key in any case, and the last of several.
    const [, status] = Object.entries(answer).findLast(([name]) => name.toLowerCase() === 'status') ?? [];
    return typeof status === 'string' ? status : undefined;
  } catch {
    return undefined;
  }
}
