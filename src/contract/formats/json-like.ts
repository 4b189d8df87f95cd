import { Unfit } from './unfit.js';

/**
 * What CBOR and MessagePack hold and JSON does not, as JSON says it; the rest as it is:
 * - integers beyond ±(2⁵³ − 1) and numbers that are not finite: text, as in the JSON mapping of Protocol Buffers
 * - bytes: base64
 * - undefined: null
 * - maps: objects; whole numbers as keys are written in decimal, and a key that comes twice so is refused
 *
 * Recursive: the depth of the value must be bounded.
 * @throws Unfit for a key that is neither a text nor a whole number, and for two that are the same
 */
export function jsonLike(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return wholeNumber(value);
  if (value === undefined) return null;
  if (typeof value === 'symbol') throw new Unfit('syntax', 'break', 'a break in it is out of place');
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return base64Of(value);
  if (Array.isArray(value)) return value.map(jsonLike);
  return value instanceof Map ? objectOf(value) : objectOf(new Map(Object.entries(value)));
}

export function base64Of({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}

/** A key as an object has it. @throws Unfit when JSON has no such key */
export function keyText(key: unknown): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'bigint' || Number.isSafeInteger(key)) return String(key);
  throw new Unfit('syntax', 'key', 'a key in it is neither a text nor a whole number');
}

function objectOf(map: ReadonlyMap<unknown, unknown>): object {
  // Not an assignment: `__proto__` is a key like any other.
  const made = Object.fromEntries([...map].map(([key, value]) => [keyText(key), jsonLike(value)]));
  if (Object.keys(made).length === map.size) return made;
  throw new Unfit('syntax', 'key', 'an object in it has the same key twice');
}

function wholeNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
