import type { Socket } from 'node:net';

/**
 * Bounds the connections that are open at once. When there are too many, the one goes that has been open longest without
 * a request that was let in: whoever opens connections and says nothing cannot keep out those who may call.
 */
export class Connections {
  /** By the other end's address and port, because a TLS connection is another object than the one it runs over. */
  readonly #strangers = new Map<string, Socket>();
  #open = 0;

  /** @param closed told of each that is closed to make room */
  constructor(
    private readonly most: number,
    private readonly closed: () => void,
  ) {}

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  opened(socket: Socket): void {
    const name = nameOf(socket);
    this.#open++;
    this.#strangers.set(name, socket);
    socket.once('close', () => {
      this.#open--;
      if (this.#strangers.get(name) === socket) this.#strangers.delete(name);
    });
    if (this.#open <= this.most) return;
    const [oldest] = this.#strangers;
    if (!oldest) return;
    this.closed();
    this.#strangers.delete(oldest[0]);
    oldest[1].destroy();
  }

  /** A request of this connection was let in. */
  vouch(socket: Socket): void {
    this.#strangers.delete(nameOf(socket));
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
