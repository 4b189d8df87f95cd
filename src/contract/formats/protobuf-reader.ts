import protobuf from 'protobufjs';
import { TEXT_HEAP_BYTES_MAX, type Bounds } from './bounds.js';

/** What one value takes at most, with the object and the text that are made of 64 bits. */
const HEAP_BYTES = { 32: 24, 64: 120, text: 64 };

const VARINTS = ['uint32', 'int32', 'sint32', 'bool'];
const FIXED = [['fixed32', 'sfixed32', 'float'], ['double']];
const LONGS = ['uint64', 'int64', 'sint64', 'fixed64', 'sfixed64'];
const TEXTS = ['string', 'stringVerify', 'bytes'];

/** Weighs values before there are more of them than memory. */
export class BoundedReader extends protobuf.BufferReader {
  constructor(
    payload: Uint8Array,
    readonly bounds: Bounds,
  ) {
    super(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
  }

  /** The bytes of a text, or of a run of numbers without tags, that comes next. */
  next(): Uint8Array {
    const at = this.pos;
    const length = this.size(); // moves on
    const bytes = this.buf.subarray(this.pos, Math.min(this.pos + length, this.len));
    this.pos = at;
    return bytes;
  }
}

/** Before a method of that name does its work. */
function before(name: string, weigh: (reader: BoundedReader) => void): void {
  const read = Reflect.get(protobuf.BufferReader.prototype, name) as (...args: unknown[]) => unknown;
  Object.defineProperty(BoundedReader.prototype, name, {
    value: function (this: BoundedReader, ...args: unknown[]): unknown {
      weigh(this);
      return Reflect.apply(read, this, args);
    },
  });
}

function weighVarints(reader: BoundedReader): void {
  let count = 0;
  for (const byte of reader.next()) if (byte < 0x80) count++;
  reader.bounds.weigh(count * HEAP_BYTES[32]);
}

for (const name of [...VARINTS, ...FIXED.flat()]) before(name, ({ bounds }) => bounds.weigh(HEAP_BYTES[32]));
for (const name of VARINTS) before(`${name}s`, weighVarints);
for (const [i, names] of FIXED.entries()) {
  for (const name of names) {
    before(`${name}s`, (reader) => reader.bounds.weigh((reader.next().length / (4 * (i + 1))) * HEAP_BYTES[32]));
  }
}
// In runs, too, they are read one by one.
for (const name of LONGS) before(name, ({ bounds }) => bounds.weigh(HEAP_BYTES[64]));
for (const name of TEXTS) {
  before(name, (reader) => reader.bounds.weigh(HEAP_BYTES.text + reader.next().length * TEXT_HEAP_BYTES_MAX));
}
