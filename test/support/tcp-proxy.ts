/** Stands between two ends of a TCP connection and makes the network bad. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { atExit } from './children.js';
import { resetSocket } from './reset-socket.js';

/** A direction that waits this much stops reading. */
const QUEUED_BYTES_MAX = 1 << 20;

export class TcpProxy {
  /** Added to each direction. Applies to bytes that arrive from then on. */
  latencyMs = 0;
  /** Forward in pieces of at most so many bytes, each a write of its own; 0: as they come. */
  sliceBytes = 0;
  /** Accept connections and reset them at once. */
  refuse = false;
  /** Pass a reset that arrives on as an orderly end, so that the other end reads what was sent before it. */
  softenResets = false;
  /** Connections taken so far. */
  accepted = 0;
  /** Bytes forwarded, both directions. */
  forwarded = 0;
  /** Sees what arrives, before it is forwarded: the connection's number, from 1, and which end it came from. */
  tap: ((connection: number, from: 'client' | 'target', chunk: Buffer) => void) | undefined;
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #blackhole = false;
  #wake: (() => void)[] = [];
  #forget = (): unknown => undefined;

  constructor(
    private targetPort: number,
    private readonly targetHost = '127.0.0.1',
  ) {
    this.#server = createServer({ noDelay: true }, (client) => this.#take(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections open now. */
  get open(): number {
    return this.#pairs.size;
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#forget = atExit(() => this.reset());
  }

  /** New connections go there. */
  aim(targetPort: number): void {
    this.targetPort = targetPort;
  }

  /** Forwards nothing, in either direction, not even an end; the connections stay open, new ones too. */
  blackhole(): void {
    this.#blackhole = true;
  }

  /** Ends the blackhole: what was waiting flows again. */
  restore(): void {
    this.#blackhole = false;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resets every open connection, at both ends. */
  reset(): void {
    for (const pair of this.#pairs) pair.forEach(resetSocket);
  }

  async stop(): Promise<void> {
    this.#forget();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.reset();
    this.restore();
    await closed;
  }

  #take(client: Socket): void {
    this.accepted++;
    if (this.refuse) {
      client.on('error', () => undefined);
      resetSocket(client);
      return;
    }
    const target = connect({ port: this.targetPort, host: this.targetHost, noDelay: true });
    const pair: [Socket, Socket] = [client, target];
    const connection = this.accepted;
    this.#pairs.add(pair);
    client.on('data', (chunk: Buffer) => this.tap?.(connection, 'client', chunk));
    target.on('data', (chunk: Buffer) => this.tap?.(connection, 'target', chunk));
    this.#forward(client, target);
    this.#forward(target, client);
  }

  /** One direction. What arrives is sent on in order, one piece after the other. */
  #forward(from: Socket, to: Socket): void {
    let queue = Promise.resolve();
    let queuedBytes = 0;
    const enqueue = (job: () => Promise<void> | void): void => {
      const due = performance.now() + this.latencyMs;
      queue = queue.then(async () => {
        const waitMs = due - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        if (this.#blackhole) await new Promise<void>((resolve) => this.#wake.push(resolve));
        if (!to.destroyed) await job();
      });
    };
    from.on('data', (chunk: Buffer) => {
      queuedBytes += chunk.length;
      if (queuedBytes > QUEUED_BYTES_MAX) from.pause();
      enqueue(async () => {
        await this.#write(to, chunk);
        queuedBytes -= chunk.length;
        if (queuedBytes <= QUEUED_BYTES_MAX) from.resume();
      });
    });
    from.on('end', () => enqueue(() => void to.end()));
    from.on('error', () => enqueue(() => void (this.softenResets ? to.end() : resetSocket(to))));
    from.on('close', () => {
      // Closing before everything was read would be a reset too.
      enqueue(() => void (this.softenResets ? to.end() : to.destroySoon()));
      for (const pair of this.#pairs)
        if (pair.includes(from) && pair.every((one) => one.destroyed)) this.#pairs.delete(pair);
    });
  }

  async #write(to: Socket, chunk: Buffer): Promise<void> {
    const step = this.sliceBytes > 0 ? this.sliceBytes : chunk.length;
    for (let at = 0; at < chunk.length && !to.destroyed; at += step) {
      const piece = chunk.subarray(at, at + step);
      this.forwarded += piece.length;
      // Its callback comes when the system has the bytes, so that pieces do not join into one write.
      await new Promise<void>((resolve) => to.write(piece, () => resolve()));
    }
  }
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new TcpProxy(targetPort);
  await proxy.listen();
  return proxy;
}
