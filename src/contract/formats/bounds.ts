import type { ContractLimits } from '../../domain/contract.js';
import { Unfit } from './unfit.js';

export type ValueLimits = Pick<ContractLimits, 'maxDepth' | 'maxKeys' | 'maxString'>;

/** An empty object takes one byte of CBOR and hundreds in memory: so many arrays and objects may there be to one key. */
const CONTAINERS_PER_KEY = 10;
const CONTAINERS_MIN = 1_000;

/**
 * What one payload's value may take of the heap of the thread that checks it, whatever its limits are: where V8 finds no
 * room in the midst of a native call such as JSON.parse, it ends the whole process.
 */
export const HEAP_BYTES_MAX = 128 * 2 ** 20;
/** What takes the most of its kind, such as a key that no other object has. */
const HEAP_BYTES = { key: 200, container: 80, item: 32 };
/** A UTF-16 unit takes two bytes, and a text of ASCII one for each. */
export const TEXT_HEAP_BYTES_MAX = 2;

/** Counts what one payload holds. @throws Unfit from the first that is over its limit */
export class Bounds {
  #keys = 0;
  #containers = 0;
  #heapBytes = 0;

  constructor(private readonly limits: ValueLimits) {}

  /** `count` more keys. */
  keys(count: number): void {
    this.#keys += count;
    const { maxKeys } = this.limits;
    if (this.#keys > maxKeys) throw new Unfit('too-many', 'maxKeys', `its objects have more than ${maxKeys} keys`);
    this.weigh(count * HEAP_BYTES.key);
  }

  /** One more item of an array, or value of an object. */
  item(): void {
    this.weigh(HEAP_BYTES.item);
  }

  /** So many bytes more of the heap. */
  weigh(heapBytes: number): void {
    this.#heapBytes += heapBytes;
    if (this.#heapBytes <= HEAP_BYTES_MAX) return;
    throw new Unfit('too-large', 'memory', `its value would take more than ${HEAP_BYTES_MAX >> 20} MiB of memory`);
  }

  /** A text or byte string of so many bytes. */
  bytes(length: number): void {
    const { maxString } = this.limits;
    if (length > maxString) throw new Unfit('too-large', 'maxString', `a text in it is longer than ${maxString} bytes`);
  }

  text(text: string): void {
    // A UTF-16 unit takes up to three bytes.
    if (text.length * 3 > this.limits.maxString) this.bytes(Buffer.byteLength(text));
  }

  /** One more array or object. */
  container(): void {
    const max = Math.max(CONTAINERS_MIN, CONTAINERS_PER_KEY * this.limits.maxKeys);
    if (++this.#containers > max) throw new Unfit('too-many', 'maxKeys', `it has more than ${max} arrays and objects`);
    this.weigh(HEAP_BYTES.container);
  }

  /** One more array or object, `depth` levels deep. */
  opened(depth: number): void {
    const { maxDepth } = this.limits;
    if (depth > maxDepth) throw new Unfit('too-deep', 'depth', tooDeepText(maxDepth));
    this.container();
  }
}

export function tooDeepText(maxDepth: number): string {
  return `arrays and objects are nested more than ${maxDepth} levels deep`;
}

/** Looks through a JSON-like value. @throws Unfit when it is over a limit */
export function measure(value: unknown, limits: ValueLimits): void {
  const bounds = new Bounds(limits);
  const look = (inner: unknown, depth: number): void => {
    if (typeof inner === 'string') return bounds.text(inner);
    if (typeof inner !== 'object' || inner === null) return;
    bounds.opened(depth);
    if (Array.isArray(inner)) {
      for (const item of inner) look(item, depth + 1);
      return;
    }
    const entries = Object.entries(inner);
    bounds.keys(entries.length);
    for (const [key, item] of entries) {
      bounds.text(key);
      look(item, depth + 1);
    }
  };
  look(value, 1);
}
