/**
 * Looks into the text of JSON that is known to be valid. What is parsed has lost what was written: digits beyond a
 * double's, names that repeat, the order of names that look like numbers.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** The value of a member of an object, without white space between its tokens; the last one, where the name repeats. */
export function memberText(object: string, name: string): string | undefined {
  let found: string | undefined;
  for (let at = skipSpace(object, skipSpace(object, 0) + 1); object.charCodeAt(at) === QUOTE;) {
    const nameEnds = endOfString(object, at);
    const value = skipSpace(object, skipSpace(object, nameEnds) + 1);
    const ends = endOfValue(object, value);
    const key = object.slice(at, nameEnds);
    if (key === `"${name}"` || (key.includes('\\') && JSON.parse(key) === name)) found = object.slice(value, ends);
    at = skipSpace(object, skipSpace(object, ends) + 1);
  }
  return found === undefined ? undefined : withoutSpace(found);
}

/** The elements of an array, each as it was written. */
export function elementTexts(array: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(array, skipSpace(array, 0) + 1);
  if (CLOSING.has(array.charCodeAt(at))) return elements;
  for (;;) {
    const ends = endOfValue(array, at);
    elements.push(array.slice(at, ends));
    at = skipSpace(array, ends);
    if (array.charCodeAt(at) !== COMMA) return elements;
    at = skipSpace(array, at + 1);
  }
}

function withoutSpace(text: string): string {
  let compact = '';
  let from = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (isSpace(code)) {
      compact += text.slice(from, at);
      from = at = skipSpace(text, at);
    } else at++;
  }
  return from === 0 ? text : compact + text.slice(from);
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (depth === 0 && (code === COMMA || isSpace(code) || CLOSING.has(code))) return at;
    else {
      if (OPENING.has(code)) depth++;
      else if (CLOSING.has(code)) depth--;
      at++;
    }
    if (depth === 0 && (code === QUOTE || CLOSING.has(code))) return at;
  }
  return text.length;
}

/** @param start of its opening quote @returns what comes after the closing one */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
