import type { Reply } from '../domain/attempt.js';

/**
 * A handler's answer as what is published: bytes as they are, text as it is, anything else as JSON. Undefined when
 * there is none. Throws for what JSON has no form for.
 */
export function replyOf(answer: unknown): Reply | undefined {
  if (answer === undefined) return undefined;
  if (answer instanceof Uint8Array) return { body: answer };
  if (typeof answer === 'string') return { body: Buffer.from(answer), contentType: 'text/plain; charset=utf-8' };
  const json = JSON.stringify(answer) as string | undefined;
  if (json === undefined) throw new TypeError(`an answer of type ${typeof answer} cannot be published`);
  return { body: Buffer.from(json), contentType: 'application/json' };
}
