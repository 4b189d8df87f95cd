import { isUtf8 } from 'node:buffer';
import { Bounds, TEXT_HEAP_BYTES_MAX, type ValueLimits } from './bounds.js';
import { Unfit } from './unfit.js';

/** A number of 64 bits is made a BigInt first, and then perhaps a text; a text has a head. */
const SCALAR_HEAP_BYTES = 64;

type Kind = 'scalar' | 'text' | 'bytes' | 'extension' | 'array' | 'map';

/** By first byte from 0xc0: what follows, and of how many bytes its length is; a scalar's own bytes. */
const HEADS: readonly (readonly [kind: Kind, bytes: number] | undefined)[] = [
  ['scalar', 0],
  undefined, // never used
  ['scalar', 0],
  ['scalar', 0],
  ...lengths('bytes', 1),
  ...lengths('extension', 1),
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8].map((bytes) => ['scalar', bytes] as const),
  ...[1, 2, 4, 8, 16].map((bytes) => ['scalar', 1 + bytes] as const), // extensions of fixed length, with their type
  ...lengths('text', 1),
  ...lengths('array', 2),
  ...lengths('map', 2),
];

function lengths(kind: Kind, from: 1 | 2): (readonly [Kind, number])[] {
  return [1, 2, 4].filter((bytes) => bytes >= from).map((bytes) => [kind, bytes] as const);
}

/**
 * Goes over MessagePack once, before its decoder makes room for all that an array says it has: a few nested arrays that
 * say millions would end the thread. @throws Unfit when it is over a limit or a text is not UTF-8, Error when it is cut short
 */
export function scanMsgpack(bytes: Uint8Array, limits: ValueLimits): void {
  const scan = new Scan(bytes, new Bounds(limits));
  for (let open = scan.item(); open;) open = scan.item();
}

class Scan {
  readonly #view: DataView;
  #at = 0;
  /** What each open level still has; of a map twice its keys. */
  readonly #open: number[] = [];
  /** Items that were announced and are yet to come; each takes a byte at least. */
  #owed = 1;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly bounds: Bounds,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The next item. @returns whether there are more */
  item(): boolean {
    this.#need(this.#owed);
    this.#owed--;
    this.bounds.item();
    const head = this.bytes[this.#at++]!;
    if (head < 0x80 || head >= 0xe0) this.#ended();
    else if (head < 0x90) this.#opened('map', head & 0x0f);
    else if (head < 0xa0) this.#opened('array', head & 0x0f);
    else if (head < 0xc0) this.#text(head & 0x1f);
    else this.#headed(head);
    return this.#owed > 0;
  }

  #headed(head: number): void {
    const found = HEADS[head - 0xc0];
    if (!found) throw new Error(`it holds the byte 0x${head.toString(16)}, which has no meaning`);
    const [kind, size] = found;
    if (kind === 'scalar') {
      this.bounds.weigh(SCALAR_HEAP_BYTES);
      return this.#passed(size);
    }
    const length = this.#length(size);
    if (kind === 'array' || kind === 'map') return this.#opened(kind, length);
    if (kind === 'text') return this.#text(length);
    this.bounds.bytes(length);
    this.bounds.weigh(length * TEXT_HEAP_BYTES_MAX + SCALAR_HEAP_BYTES);
    this.#passed(kind === 'extension' ? 1 + length : length);
  }

  #length(size: number): number {
    this.#need(size);
    const at = this.#at;
    this.#at += size;
    return size === 1 ? this.#view.getUint8(at) : size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #text(length: number): void {
    this.bounds.bytes(length);
    this.bounds.weigh(length * TEXT_HEAP_BYTES_MAX + SCALAR_HEAP_BYTES);
    this.#passed(length);
    if (isUtf8(this.bytes.subarray(this.#at - length, this.#at))) return;
    throw new Unfit('encoding', 'utf-8', 'a text in it is not valid UTF-8');
  }

  #passed(length: number): void {
    this.#need(length);
    this.#at += length;
    this.#ended();
  }

  #opened(kind: 'array' | 'map', length: number): void {
    if (kind === 'map') this.bounds.keys(length);
    const items = kind === 'map' ? 2 * length : length;
    this.bounds.opened(this.#open.length + 1);
    if (items === 0) return this.#ended();
    this.#open.push(items);
    this.#owed += items;
  }

  #need(length: number): void {
    if (length > this.bytes.length - this.#at) throw new Error('it ends too early');
  }

  /** One item is over, and with it each level whose last it was. */
  #ended(): void {
    for (let last = this.#open.length - 1; last >= 0 && --this.#open[last]! === 0; last--) this.#open.pop();
  }
}
