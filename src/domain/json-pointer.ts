/** JSON Pointer (RFC 6901): `/a/b` leads from a JSON document to a part of it. Pure functions. */

export const POINTER_CHARACTERS_MAX = 1_024;
export const POINTER_STEPS_MAX = 32;

/** The steps of a pointer, unescaped. */
export type JsonPointer = readonly string[];

/** Why `text` is not a pointer to a part of a document; undefined when it is. */
export function jsonPointerProblem(text: string): string | undefined {
  if (!text.startsWith('/')) return 'a JSON pointer starts with /';
  if (/~(?![01])/.test(text)) return 'in a JSON pointer ~ is written ~0, and / within a name ~1';
  if (text.length > POINTER_CHARACTERS_MAX) return `longer than ${POINTER_CHARACTERS_MAX} characters`;
  if (text.split('/').length - 1 > POINTER_STEPS_MAX) return `more than ${POINTER_STEPS_MAX} steps`;
  return undefined;
}

/** @param text a pointer without problem */
export function parseJsonPointer(text: string): JsonPointer {
  const steps = text.split('/').slice(1);
  // RFC 6901, 4: ~1 first, so that ~01 becomes ~1 and not a slash.
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The part of `document` that the pointer leads to; undefined when there is none. */
export function partAt(document: unknown, pointer: JsonPointer): unknown {
  let part = document;
  for (const step of pointer) {
    if (typeof part !== 'object' || part === null) return undefined;
    if (Array.isArray(part) && !/^(0|[1-9]\d*)$/.test(step)) return undefined;
    // Own properties only: what every object inherits is no part of the document.
    if (!Object.hasOwn(part, step)) return undefined;
    part = (part as { [step: string]: unknown })[step];
  }
  return part;
}
