import { isUtf8 } from 'node:buffer';
import { decode, Tokenizer, Type, type DecodeOptions, type Token } from 'cborg';
import { Bounds, TEXT_HEAP_BYTES_MAX, type ValueLimits } from './bounds.js';
import type { Decoded } from './decoder.js';
import { jsonLike } from './json-like.js';
import { answered, Unfit } from './unfit.js';

/** A number of more bytes is refused: to write it in decimal takes time in the square of its length. */
const BIG_NUMBER_BYTES_MAX = 128;

/** What an item is in the end, and what cborg makes of it on the way. */
const ITEM_HEAP_BYTES = 40;
/** A Map, before it is an object. */
const MAP_HEAP_BYTES = 300;

const OPTIONS: DecodeOptions = {
  allowIndefinite: true,
  allowUndefined: true,
  allowBigInt: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true, // cborg puts U+FFFD where a text is not UTF-8
  tags: {
    1: (content) => instant(content()),
    2: (content) => bigNumber(content()),
    3: (content) => -1n - bigNumber(content()),
  },
};

/**
 * CBOR [RFC 8949] as a JSON-like value, see {@link jsonLike}. Times (tag 1) are ISO texts, big numbers (tags 2 and 3)
 * decimal texts; any other tag is passed over and its content counts [RFC 8949, 6.1]. Never throws.
 */
export function decodeCbor(bytes: Uint8Array, limits: ValueLimits): Decoded {
  return answered('cbor', () => {
    const tokenizer = new BoundedTokenizer(bytes, limits);
    return { ok: true, value: jsonLike(decode(bytes, { ...OPTIONS, tokenizer })) };
  });
}

/** Holds the payload to its limits before anything is made of it, and passes over tags that say nothing to JSON. */
class BoundedTokenizer extends Tokenizer {
  readonly #bounds: Bounds;
  /** What each open level still has: of a map twice its keys. Of one without a length: Infinity, of such a map -2, -3, … */
  readonly #open: number[] = [];

  constructor(bytes: Uint8Array, limits: ValueLimits) {
    super(bytes, OPTIONS);
    this.#bounds = new Bounds(limits);
  }

  override next(): Token {
    for (;;) {
      if (this.done()) throw new Error('it ends too early');
      const token = super.next();
      if (token.type !== Type.tag) return this.#seen(token);
      if (Object.hasOwn(OPTIONS.tags!, String(token.value))) return token;
    }
  }

  #seen(token: Token): Token {
    const { type, byteValue } = token;
    this.#bounds.weigh(ITEM_HEAP_BYTES);
    if (type === Type.array || type === Type.map) return this.#opened(token);
    if (type === Type.break) this.#broken();
    else if (type === Type.bytes) this.#text((token.value as Uint8Array).length);
    else if (type === Type.string && byteValue) {
      this.#text(byteValue.length);
      if (!isUtf8(byteValue)) throw new Unfit('encoding', 'utf-8', 'a text in it is not valid UTF-8');
    }
    this.#ended();
    return token;
  }

  #text(length: number): void {
    this.#bounds.bytes(length);
    this.#bounds.weigh(length * TEXT_HEAP_BYTES_MAX);
  }

  #opened(token: Token): Token {
    const length = Number(token.value);
    const ofMap = token.type === Type.map;
    const endless = length === Infinity;
    if (ofMap) this.#bounds.weigh(MAP_HEAP_BYTES);
    this.#open.push(ofMap ? (endless ? -2 : 2 * length) : length);
    this.#bounds.opened(this.#open.length);
    if (ofMap && !endless) this.#bounds.keys(length);
    if (length === 0) {
      this.#open.pop();
      this.#ended();
    }
    return token;
  }

  /** cborg would take a break for the value of a key. */
  #broken(): void {
    const level = this.#open.pop();
    if (level !== undefined && level < 0 && level % 2 !== 0) throw new Error('a key has no value');
  }

  /** One item is over, and with it each level whose last it was. */
  #ended(): void {
    for (let last = this.#open.length - 1; last >= 0; last--) {
      const left = --this.#open[last]!;
      if (left < 0 && left % 2 !== 0) this.#bounds.keys(1);
      if (left !== 0) return;
      this.#open.pop();
    }
  }
}

function instant(content: unknown): string {
  if (typeof content !== 'number' && typeof content !== 'bigint') throw new Error('a time in it is no number');
  return new Date(Math.round(Number(content) * 1_000)).toISOString();
}

function bigNumber(content: unknown): bigint {
  if (!(content instanceof Uint8Array)) throw new Error('a big number in it is not made of bytes');
  if (content.length > BIG_NUMBER_BYTES_MAX) {
    throw new Unfit('too-large', 'bignum', `a number in it is longer than ${BIG_NUMBER_BYTES_MAX} bytes`);
  }
  return BigInt(`0x0${Buffer.from(content).toString('hex')}`);
}
