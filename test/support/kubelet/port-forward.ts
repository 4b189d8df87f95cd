import { join } from 'node:path';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { Child } from '../children.js';
import { scratchDirectory } from '../scratch.js';
import { until } from '../until.js';
import type { Pod } from './pod.js';

/** Takes connections at a socket of the file system and passes them on to a port of the pod's loopback. */
const PROGRAM = `
const [socket, port] = process.argv.slice(1);
const net = require('node:net');
const server = net.createServer({ allowHalfOpen: true }, (from) => {
  const to = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  for (const [one, other] of [[from, to], [to, from]]) one.on('error', () => other.destroy()).pipe(other);
});
server.listen(socket, () => console.log('listening'));
`;

/** `kubectl port-forward`: it enters the pod's network, and so reaches what listens on its loopback. Ends with the pod. */
export class PortForward {
  private constructor(
    private readonly child: Child,
    private readonly port: number,
    private readonly agent: Agent,
  ) {}

  static async start(pod: Pod, port: number): Promise<PortForward> {
    const socket = join(scratchDirectory('forward'), 'socket');
    const net = `--net=/proc/${pod.sandboxPid}/ns/net`;
    const child = new Child('nsenter', [net, process.execPath, '--eval', PROGRAM, socket, String(port)]);
    await until(() => child.tail.includes('listening'), { what: () => `a port of the pod\n${child.tail}` });
    const forward = new PortForward(child, port, new Agent({ connect: { socketPath: socket } }));
    void pod.gone.then(() => forward.#stop());
    return forward;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const signal = AbortSignal.timeout(20_000);
    return fetch(`http://localhost:${this.port}${path}`, { signal, dispatcher: this.agent, ...init });
  }

  async #stop(): Promise<void> {
    await this.agent.destroy();
    await this.child.stop('SIGKILL');
  }
}
