import { isAscii } from 'node:buffer';
import { CONTRACT_LIMITS } from '../../domain/contract.js';
import { Bounds, measure, tooDeepText, type ValueLimits } from './bounds.js';
import type { Decoded } from './decoder.js';
import { answered, unfit } from './unfit.js';

/** `"":0,` is the shortest there is of a key. */
const KEY_BYTES_MIN = 5;
/** What a shorter one makes of memory is nothing to speak of. */
const SCANNED_BYTES_MIN = 64 * 2 ** 10;

// ignoreBOM keeps a byte order mark in the text, so that it is refused and not stripped in silence:
// subscribers get the original bytes, and many of their parsers would fail on it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of UTF-8 bytes, a byte order mark and all; undefined when they are not UTF-8. The decoder that says so takes
 * three times as long as one that writes U+FFFD for what is not.
 */
export function textOf(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString();
  if (!text.includes('\uFFFD')) return text;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

export const NOT_UTF8 = unfit('encoding', 'utf-8', 'the payload is not valid UTF-8');

/**
 * JSON bytes as a value. Never throws. A byte order mark and an empty payload are syntax faults
 * [RFC 8259, 8.1]. A `__proto__` key becomes an ordinary own property, as JSON.parse does it. Numbers
 * beyond a double lose digits or become Infinity in the value, which is why it is only for checking.
 */
export function decodeJson(bytes: Uint8Array, limits: ValueLimits = CONTRACT_LIMITS): Decoded {
  const { maxDepth, maxKeys, maxString } = limits;
  if (bytes.length <= Math.min(maxKeys * KEY_BYTES_MIN, maxString, SCANNED_BYTES_MIN)) return parsed(bytes, maxDepth);
  return answered('json', () => {
    scanJson(bytes, limits);
    const decoded = parsed(bytes, maxDepth);
    if (decoded.ok && bytes.length > maxString) measure(decoded.value, limits);
    return decoded;
  });
}

function parsed(bytes: Uint8Array, maxDepth: number): Decoded {
  const text = textOf(bytes);
  if (text === undefined) return NOT_UTF8;
  if (mayBeDeeperThan(text, maxDepth) && deeperThan(bytes, maxDepth))
    return unfit('too-deep', 'depth', tooDeepText(maxDepth));
  try {
    return { ok: true, value: JSON.parse(text), json: bytes };
  } catch (error) {
    return unfit('syntax', 'json', syntaxText(text, error));
  }
}

/** Whether there are more than `depthMax` opening brackets, in strings or not: most payloads have few, found in no time. */
function mayBeDeeperThan(text: string, depthMax: number): boolean {
  let left = depthMax;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) if (left-- === 0) return true;
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) if (left-- === 0) return true;
  return false;
}

function syntaxText(text: string, error: unknown): string {
  if (text.length === 0) return 'the payload is empty';
  if (text.startsWith('\uFEFF')) return 'the payload starts with a byte order mark, which JSON does not allow';
  // The parser quotes what stands around the fault, and that may be a secret.
  const message =
    error instanceof Error ? error.message.replace(/,? ?(\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, '') : '';
  return message === '' ? 'the payload is not JSON' : message;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Whether brackets outside of strings nest deeper than `depthMax`. One pass over the bytes, before the
 * parser spends stack and memory on them; right for text that is not JSON, too, in that the parser refuses it.
 */
export function deeperThan(bytes: Uint8Array, depthMax: number): boolean {
  if (bytes.length <= depthMax) return false;
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i + 1);
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (++depth > depthMax) return true;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
  }
  return false;
}

/**
 * Counts what the parser would make of the bytes, before it does: it answers to nobody until it is done or out of memory.
 * Of text that is not JSON it counts something, too. @throws Unfit when it is over a limit
 */
function scanJson(bytes: Uint8Array, limits: ValueLimits): void {
  const bounds = new Bounds(limits);
  // The text as a whole, and again in what is made of it.
  bounds.weigh(bytes.length * (isAscii(bytes) ? 2 : 4));
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i + 1);
    else if (byte === COMMA) bounds.item();
    else if (byte === COLON) bounds.keys(1);
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) bounds.opened(++depth);
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
  }
}

/** Index of the quote that ends a string, or the length when none does. */
function endOfString(bytes: Uint8Array, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}
