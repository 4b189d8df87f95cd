import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type Exit } from '../children.js';
import { scratchDirectory } from '../scratch.js';
import { until } from '../until.js';
import type { ContainerSecurity, ContainerSpec, PodSecurity } from './manifests.js';
import { mountRoot, quote, type Mount } from './root.js';

/** What an image says, and its files. */
export interface Image {
  /** Its root, which is never written to. It lacks what is taken from the host: Node, and below /usr all but local. */
  directory: string;
  workdir: string;
  entrypoint: string[];
  cmd: string[];
  env: { [name: string]: string };
  user: number;
  group: number;
}

export interface ContainerPlan {
  image: Image;
  spec: ContainerSpec;
  security: PodSecurity;
  env: { [name: string]: string };
  mounts: Mount[];
  /** Whose network it joins. */
  sandbox: number;
  /** A line of standard output. */
  onLine: (line: string) => void;
}

export interface ExecResult {
  code: number | null;
  output: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * One run of a container, as a container runtime makes it: a process that is number 1 of its own namespace, sees the
 * image's files under a layer of its own and the volumes in their places, has the user, groups and privileges that
 * the pod says, the environment that it says and nothing else, and shares only the network with the pod's others.
 * Not simulated: seccomp, and the limits of memory and processor time.
 */
export class Container {
  readonly exit: Promise<Exit>;
  readonly startedAt = performance.now();

  private constructor(
    /** The process on the host that is number 1 inside. */
    readonly pid: number,
    /** Holds what was written outside of volumes. */
    readonly layer: string,
    private readonly child: Child,
    private readonly enter: (command: string[]) => string[],
  ) {
    this.exit = child.exit;
  }

  static async start(plan: ContainerPlan): Promise<Container> {
    const directory = scratchDirectory('container');
    const become = becoming(plan);
    const { root, lines } = mountRoot(directory, {
      hostname: plan.env['HOSTNAME'] ?? '',
      image: plan.image.directory,
      mounts: plan.mounts,
      readOnly: plan.spec.securityContext?.readOnlyRootFilesystem === true,
    });
    const script = [...lines, `exec chroot ${quote([root, ...become(commandOf(plan))])}`];
    let pid: number | undefined;
    const child = new Child(
      'nsenter',
      [
        ...[`--net=/proc/${plan.sandbox}/ns/net`, 'unshare', '--mount', '--pid', '--uts', '--ipc', '--fork'],
        ...['--kill-child', 'sh', '-c', script.join('\n')],
      ],
      { env: { PATH }, onLine: plan.onLine, recipient: () => pid },
    );
    const entered = (): boolean => {
      pid = childOf(child.pid);
      return child.exited !== undefined || (pid !== undefined && readlinkSync(`/proc/${pid}/root`) === root);
    };
    await until(entered, { what: () => `container ${plan.spec.name}\n${child.tail}`, everyMs: 5 });
    const found = pid ?? 0;
    const enter = (wanted: string[]): string[] => {
      const into = ['--target', String(found), '--mount', '--pid', '--net', '--uts', '--ipc', '--root'];
      return ['nsenter', ...into, '--', ...become(wanted)];
    };
    return new Container(found, join(directory, 'upper'), child, enter);
  }

  get exited(): Exit | undefined {
    return this.child.exited;
  }

  /** The last of its standard error. */
  get tail(): string {
    return this.child.tail;
  }

  signal(name: NodeJS.Signals): void {
    this.child.signal(name);
  }

  /** Runs a command as the container does: `kubectl exec`, an exec probe, a preStop hook. */
  async exec(command: string[], timeoutMs = 10_000): Promise<ExecResult> {
    const [program, ...args] = this.enter(command);
    const lines: string[] = [];
    const child = new Child(program!, args, { env: { PATH }, onLine: (line) => lines.push(line) });
    const timer = setTimeout(() => child.signal('SIGKILL'), timeoutMs);
    const { code } = await child.exit;
    clearTimeout(timer);
    return { code, output: [...lines, child.tail].join('\n') };
  }
}

/** `command` of the pod replaces the image's entrypoint and its arguments. [kubernetes.io: Define a Command and Arguments] */
function commandOf({ spec, image }: ContainerPlan): string[] {
  return [...(spec.command ?? image.entrypoint), ...(spec.args ?? (spec.command ? [] : image.cmd))];
}

function childOf(pid: number): number | undefined {
  const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  return first ? Number(first) : undefined;
}

/** @returns what puts user, groups, privileges, directory and environment before a command */
function becoming({ image, spec, security, env }: ContainerPlan): (command: string[]) => string[] {
  const own: ContainerSecurity = { ...security, ...spec.securityContext };
  const uid = own.runAsUser ?? image.user;
  const gid = own.runAsGroup ?? image.group;
  if (own.runAsNonRoot && uid === 0) throw new Error(`${spec.name}: runAsNonRoot, and the image runs as root`);
  const groups = [
    ...(security.supplementalGroups ?? []),
    ...(security.fsGroup === undefined ? [] : [security.fsGroup]),
  ];
  const privileges = [
    ...(own.capabilities?.drop?.includes('ALL')
      ? ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']
      : []),
    ...(own.allowPrivilegeEscalation === false ? ['--no-new-privs'] : []),
  ];
  const identity = [`--reuid=${uid}`, `--regid=${gid}`];
  const all = { PATH, ...image.env, ...env };
  const variables = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return (command) => [
    ...['/usr/bin/setpriv', ...identity, groups.length > 0 ? `--groups=${groups.join()}` : '--clear-groups'],
    ...privileges,
    ...['/usr/bin/env', '-i', '-C', spec.workingDir ?? image.workdir, ...variables, ...command],
  ];
}
