import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { Child } from '../children.js';
import { until } from '../until.js';

/**
 * A network of pods, as the simplest of the network plugins makes it: a bridge, to which each pod is tied with a pair of
 * interfaces, and an address for each. It lives in namespaces that end with the processes that hold them, so that
 * nothing of it is left when the test is killed. [kubernetes.io: The Kubernetes network model: every pod has an address
 * of its own; all containers of a pod share it and its loopback]
 */
export class PodNetwork {
  /** Of this machine, as pods see it. */
  readonly hostAddress: string;
  readonly #subnet: string;
  readonly #bridge: Child;
  #pods = 1;

  private constructor(subnet: string, bridge: Child) {
    this.#subnet = subnet;
    this.hostAddress = `${subnet}.1`;
    this.#bridge = bridge;
  }

  static async start(): Promise<PodNetwork> {
    const network = new PodNetwork(`10.${randomInt(64, 250)}.${randomInt(1, 250)}`, await holdNamespace());
    const { hostAddress } = network;
    const pid = network.#bridge.pid;
    const link = `hf${randomBytes(5).toString('hex')}`;
    run(`ip link add ${link} type veth peer name uplink netns ${pid}`);
    run(`ip address add ${hostAddress}/24 dev ${link}`, `ip link set ${link} up`);
    within(
      pid,
      'ip link add pods type bridge',
      'ip link set uplink master pods',
      'ip link set uplink up',
      'ip link set pods up',
    );
    return network;
  }

  /** What holds a pod's network from its first container to its last one ("pause"). */
  async addPod(): Promise<PodAddress> {
    const ip = `${this.#subnet}.${++this.#pods}`;
    const sandbox = await holdNamespace();
    const link = `pod${this.#pods}`;
    within(this.#bridge.pid, `ip link add ${link} type veth peer name eth0 netns ${sandbox.pid}`);
    within(this.#bridge.pid, `ip link set ${link} master pods`, `ip link set ${link} up`);
    within(sandbox.pid, 'ip link set lo up', `ip address add ${ip}/24 dev eth0`, 'ip link set eth0 up');
    within(sandbox.pid, `ip route add default via ${this.hostAddress}`);
    return { ip, sandbox };
  }

  async stop(): Promise<void> {
    await this.#bridge.stop('SIGKILL');
  }
}

export interface PodAddress {
  ip: string;
  sandbox: Child;
}

/** A process that does nothing, in a network of its own. */
async function holdNamespace(): Promise<Child> {
  const child = new Child('unshare', ['--net', 'sleep', 'infinity']);
  const inside = (): boolean =>
    execFileSync('readlink', [`/proc/${child.pid}/exe`])
      .toString()
      .includes('sleep');
  await until(inside, { what: () => `a network namespace\n${child.tail}` });
  return child;
}

function within(pid: number, ...commands: string[]): void {
  for (const command of commands) run(`nsenter --net=/proc/${pid}/ns/net ${command}`);
}

function run(...commands: string[]): void {
  for (const command of commands) {
    const [program, ...args] = command.split(' ');
    execFileSync(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
