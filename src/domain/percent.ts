/**
 * Percent-encoding of header values as the CloudEvents HTTP binding (3.1.3.2) asks: space, `"`, `%` and
 * everything outside U+0021–U+007E, as UTF-8. What is left holds no control character, so a value that an
 * attacker chose cannot end its header line.
 */
const UNSAFE = /[^!#$&-~]/;
/** Also `=` and `,`: a pair is written `name=value`, and many servers join repeated headers with commas. */
const UNSAFE_IN_PAIR = /[^!#$&-+\--<>-~]/;

const VALUE_BYTES = bytesTable(UNSAFE);
const PAIR_BYTES = bytesTable(UNSAFE_IN_PAIR);

/** `text` as a header value. */
export function percentEncoded(text: string): string {
  return UNSAFE.test(text) ? encode(text, VALUE_BYTES) : text;
}

/** `name=value`; the first `=` is the separator, and no comma is left. */
export function percentEncodedPair(name: string, value: string): string {
  return `${pairPart(name)}=${pairPart(value)}`;
}

/** The inverse; the text itself when it is not well-formed. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pairPart(text: string): string {
  return UNSAFE_IN_PAIR.test(text) ? encode(text, PAIR_BYTES) : text;
}

function encode(text: string, table: readonly string[]): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) encoded += table[byte]!;
  return encoded;
}

function bytesTable(unsafe: RegExp): string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    return unsafe.test(character) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : character;
  });
}
