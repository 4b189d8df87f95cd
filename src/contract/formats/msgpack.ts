import { decode, decodeTimestampToTimeSpec, type DecoderOptions } from '@msgpack/msgpack';
import type { ValueLimits } from './bounds.js';
import type { Decoded } from './decoder.js';
import { jsonLike, keyText } from './json-like.js';
import { scanMsgpack } from './msgpack-scan.js';
import { answered } from './unfit.js';

const TIMESTAMP = -1;
const NANOSECONDS = 9;

const OPTIONS: DecoderOptions = {
  extensionCodec: { tryToEncode: () => null, decode: extension },
  useBigInt64: true,
  mapKeyConverter: keyText,
};

/**
 * MessagePack as a JSON-like value, see {@link jsonLike}. Timestamps are ISO texts with nine digits of a second; other
 * extension types are refused, and so is the key `__proto__`. Never throws.
 */
export function decodeMsgpack(bytes: Uint8Array, limits: ValueLimits): Decoded {
  return answered('msgpack', () => {
    scanMsgpack(bytes, limits);
    return { ok: true, value: jsonLike(decode(bytes, OPTIONS)) };
  });
}

function extension(bytes: Uint8Array, type: number): string {
  if (type !== TIMESTAMP) throw new Error(`it holds the extension type ${type}, which is not known`);
  return instant(bytes);
}

function instant(bytes: Uint8Array): string {
  const { sec, nsec } = decodeTimestampToTimeSpec(bytes);
  if (nsec >= 1e9) throw new Error('a time in it has a second of too many parts');
  const seconds = new Date(sec * 1_000).toISOString().slice(0, -'.000Z'.length);
  return `${seconds}.${String(nsec).padStart(NANOSECONDS, '0')}Z`;
}
