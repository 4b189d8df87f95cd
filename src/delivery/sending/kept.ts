const START_BYTES = 2_048;

/** The first bytes of what comes in pieces. It copies: a piece of one byte may hold on to the whole buffer it was read into. */
export class Kept {
  #bytes = Buffer.alloc(0);
  #length = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  add(piece: Uint8Array): void {
    const length = Math.min(this.#length + piece.length, this.bytesMax);
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(piece.subarray(0, length - this.#length), this.#length);
    this.#length = length;
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafe(Math.min(Math.max(length, 2 * this.#bytes.length, START_BYTES), this.bytesMax));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
