import { Bounds, TEXT_HEAP_BYTES_MAX, type ValueLimits } from './bounds.js';
import type { Decoded } from './decoder.js';
import { NOT_UTF8, textOf } from './json.js';
import { answered } from './unfit.js';

/** UTF-8 as text. A byte order mark is part of it. Never throws. */
export function decodeText(bytes: Uint8Array, limits: ValueLimits): Decoded {
  return answered('text', () => {
    const bounds = new Bounds(limits);
    bounds.bytes(bytes.length);
    bounds.weigh(bytes.length * TEXT_HEAP_BYTES_MAX);
    const value = textOf(bytes);
    return value === undefined ? NOT_UTF8 : { ok: true, value };
  });
}
