import type { Problem } from '../domain/record.js';

/** Problems kept with one rejection; a payload with thousands of faults is not a thousand times as interesting. */
export const PROBLEMS_MAX = 20;
/** Characters of a pointer, a rule or a message; all three can quote the payload. */
export const TEXT_LENGTH_MAX = 300;

/** `text` cut to {@link TEXT_LENGTH_MAX}; never in the middle of a surrogate pair. */
export function clipped(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  return `${text.slice(0, TEXT_LENGTH_MAX - 1).toWellFormed()}…`;
}

export function problem(pointer: string, rule: string, message: string): Problem {
  return { pointer: clipped(pointer), rule: clipped(rule), message: clipped(message) };
}

/** Why a contract cannot be used, in words that need no more: the file, the place in it and what to do. */
export class ContractFlaw extends Error {}

/** A JSON pointer one step further [RFC 6901, 3]. */
export function pointerTo(parent: string, key: string): string {
  return `${parent}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/**
 * What was thrown, in words of any length. Contract code may throw anything, also a value whose message throws when
 * it is read, so every step is guarded.
 */
export function thrownWords(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}

/** {@link thrownWords}, cut. */
export function thrownText(thrown: unknown): string {
  return clipped(thrownWords(thrown));
}
