import { HoldfastError } from '../domain/errors.js';

/**
 * Bounds the bodies of requests that have no whole answer yet. A body counts as what its head says before any of it has
 * come: whoever sends slowly gets no more room than that.
 */
export class Bodies {
  readonly #sizes = new WeakMap<object, number>();
  #bytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** @throws HoldfastError BODIES_FULL; one that is too large alone goes alone */
  take(request: object, bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.bytesMax) {
      throw new HoldfastError('BODIES_FULL', 'the bodies of other requests take all the room there is for them');
    }
    this.#bytes += bytes;
    this.#sizes.set(request, bytes);
  }

  /** It has come whole, and has so many bytes. */
  read(request: object, bytes: number): void {
    const before = this.#sizes.get(request);
    if (before === undefined) return;
    this.#bytes += bytes - before;
    this.#sizes.set(request, bytes);
  }

  /** Its request was answered, or nobody waits for the answer any more. */
  done(request: object): void {
    const bytes = this.#sizes.get(request);
    if (bytes === undefined) return;
    this.#bytes -= bytes;
    this.#sizes.delete(request);
  }
}
