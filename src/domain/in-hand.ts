import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Bounds the requests of one connection that have no whole answer yet. HTTP lets a client send the next ones before it has
 * taken the first answer [RFC 9112, 9.3.2]; Node reads some two thousand of them at once, and every answer would be kept in
 * memory for a client that takes none.
 */
export class InHand {
  readonly #counts = new WeakMap<Socket, number>();

  /** @param most of one connection */
  constructor(private readonly most: number) {}

  /** @returns false: it is one too many, and its connection is closed */
  take(socket: Socket, response: ServerResponse): boolean {
    const count = this.#counts.get(socket) ?? 0;
    if (count >= this.most || socket.destroyed) {
      socket.destroy();
      return false;
    }
    this.#counts.set(socket, count + 1);
    response.once('close', () => this.#counts.set(socket, this.#counts.get(socket)! - 1));
    return true;
  }
}
