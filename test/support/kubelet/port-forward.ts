import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { Child } from '../children.js';
import { scratchDirectory } from '../scratch.js';
import { until } from '../until.js';
import type { Pod } from './pod.js';

/** Inside: takes connections at a socket of the file system and passes them on to a port of the pod's loopback. */
const PROGRAM = `
const [socket, port] = process.argv.slice(1);
const net = require('node:net');
const server = net.createServer({ allowHalfOpen: true }, (from) => {
  const to = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  for (const [one, other] of [[from, to], [to, from]]) one.on('error', () => other.destroy()).pipe(other);
});
server.listen(socket, () => console.log('listening'));
`;

/**
 * `kubectl port-forward`: a port of this machine that leads into the pod's network, and so to what listens on its
 * loopback. Ends with the pod.
 */
export class PortForward {
  private constructor(
    private readonly child: Child,
    private readonly server: Server,
  ) {}

  static async start(pod: Pod, port: number): Promise<PortForward> {
    const socket = join(scratchDirectory('forward'), 'socket');
    const net = `--net=/proc/${pod.sandboxPid}/ns/net`;
    const child = new Child('nsenter', [net, process.execPath, '--eval', PROGRAM, socket, String(port)]);
    await until(() => child.tail.includes('listening'), { what: () => `a port of the pod\n${child.tail}` });
    const server = createServer({ allowHalfOpen: true }, (from) => {
      const to = connect({ path: socket, allowHalfOpen: true });
      from.on('error', () => to.destroy()).pipe(to);
      to.on('error', () => from.destroy()).pipe(from);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const forward = new PortForward(child, server);
    void pod.gone.then(() => forward.#stop());
    return forward;
  }

  /** Of 127.0.0.1. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async #stop(): Promise<void> {
    this.server.close();
    await this.child.stop('SIGKILL');
  }
}
