import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchDirectory } from '../scratch.js';
import { until } from '../until.js';
import type { Image } from './container.js';
import { ContainerLife } from './container-life.js';
import { environmentOf, expand, type KeySource, type PodIdentity } from './environment.js';
import type { ContainerSpec, PodTemplate, RestartPolicy } from './manifests.js';
import type { PodAddress, PodNetwork } from './network.js';
import type { Mount } from './root.js';
import { PodVolumes } from './volumes.js';

/** However little of the grace period is left, SIGTERM comes so long before SIGKILL. */
const GRACE_MIN_MS = 2_000;
const GRACE_DEFAULT_S = 30;

/** Where a pod comes from and what it needs. */
export interface PodHost {
  network: PodNetwork;
  objects: KeySource;
  image(name: string): Image;
  claim(name: string): string;
  /** What the cluster's DNS would say: addresses by name. */
  names(): { [name: string]: string };
}

export interface Termination {
  tookMs: number;
  /** Code or signal of each container that ran at its end. */
  exits: { [container: string]: number | string };
}

/**
 * A pod as the kubelet leads it through life: init containers one after the other; a native sidecar (an init container
 * with `restartPolicy: Always`) is left running once it is started; then all app containers. When it is terminated the
 * app containers get SIGTERM first, sidecars after the app containers have ended, the last one first.
 * [kubernetes.io: Pod Lifecycle; Sidecar Containers; kubernetes: pkg/kubelet/kuberuntime]
 */
export class Pod {
  /** What happened, oldest first. */
  readonly events: string[] = [];
  readonly #sidecars: ContainerLife[];
  readonly #inits: ContainerLife[];
  readonly #apps: ContainerLife[];
  readonly #ended: Promise<void>;
  /** Resolves when nothing of it runs any more. */
  readonly gone: Promise<void>;
  #terminating = false;
  #leave: () => void = () => undefined;

  private constructor(
    readonly identity: PodIdentity,
    private readonly template: PodTemplate,
    private readonly address: PodAddress,
    private readonly volumes: PodVolumes,
    host: PodHost,
  ) {
    this.gone = new Promise((resolve) => (this.#leave = resolve));
    const { initContainers = [], containers, restartPolicy = 'Always' } = template.spec;
    const hosts = hostsFile(identity, host.names());
    const live = (spec: ContainerSpec, policy: RestartPolicy): ContainerLife => this.#life(spec, policy, host, hosts);
    // An init container is tried again until it succeeds, whatever the policy of the others [Init Containers].
    const once = restartPolicy === 'Never' ? 'Never' : 'OnFailure';
    this.#inits = initContainers.map((spec) => live(spec, spec.restartPolicy ?? once));
    this.#sidecars = this.#inits.filter(({ spec }) => spec.restartPolicy === 'Always');
    this.#apps = containers.map((spec) => live(spec, restartPolicy));
    this.#ended = this.#live();
  }

  static async start(name: string, namespace: string, template: PodTemplate, host: PodHost): Promise<Pod> {
    const { metadata = {}, spec } = template;
    const address = await host.network.addPod();
    const { labels = {}, annotations = {} } = metadata;
    const identity = { name, namespace, uid: randomUUID(), ip: address.ip, labels, annotations };
    const { volumes = [], securityContext = {} } = spec;
    const directory = scratchDirectory('pod');
    const claim = (wanted: string): string => host.claim(wanted);
    const mounted = new PodVolumes(volumes, securityContext, host.objects, directory, claim);
    return new Pod(identity, template, address, mounted, host);
  }

  get ip(): string {
    return this.identity.ip;
  }

  /** Of the network that its containers share. */
  get sandboxPid(): number {
    return this.address.sandbox.pid;
  }

  /** Every container, sidecars included, is. */
  get ready(): boolean {
    return !this.#terminating && [...this.#sidecars, ...this.#apps].every(({ ready }) => ready);
  }

  container(name: string): ContainerLife {
    const found = [...this.#inits, ...this.#apps].find(({ spec }) => spec.name === name);
    if (!found) throw new Error(`${this.identity.name} has no container ${name}`);
    return found;
  }

  async untilReady(timeoutMs = 30_000): Promise<void> {
    await until(() => this.ready, { what: () => `${this.identity.name} to be ready\n${this.report}`, timeoutMs });
  }

  /** Resolves when every container has ended and none is started again: of a pod that does a job. */
  async untilEnded(): Promise<void> {
    await this.#ended;
  }

  /** ConfigMaps and Secrets have changed. */
  refresh(): void {
    this.volumes.refresh();
  }

  /** For a failure's message. */
  get report(): string {
    const lives = [...this.#inits, ...this.#apps];
    const said = lives.map(({ spec, lines, container }) =>
      [`-- ${spec.name}`, ...lines.slice(-15), container?.tail.slice(-2_000) ?? ''].join('\n'),
    );
    return [...this.events, ...said].join('\n');
  }

  /** `kubectl delete pod`; resolves when nothing of it runs any more. */
  async terminate(
    graceSeconds = this.template.spec.terminationGracePeriodSeconds ?? GRACE_DEFAULT_S,
  ): Promise<Termination> {
    this.#terminating = true;
    const began = performance.now();
    const leftMs = (): number => began + graceSeconds * 1_000 - performance.now();
    const all = [...this.#inits, ...this.#apps];
    all.forEach((life) => life.giveUp());
    const ran = all.filter(({ container }) => container);
    const end = async (life: ContainerLife, before: Promise<void>[]): Promise<void> => {
      if (leftMs() > 0) await life.preStop(leftMs());
      await Promise.race([Promise.all(before), sleep(Math.max(leftMs(), 0), undefined, { ref: false })]);
      await life.stop(Math.max(leftMs(), GRACE_MIN_MS));
    };
    const done = [...this.#apps, ...this.#inits.filter((life) => !this.#sidecars.includes(life))].map((life) =>
      end(life, []),
    );
    for (const sidecar of [...this.#sidecars].reverse()) done.push(end(sidecar, [...done]));
    await Promise.all(done);
    await this.#gone();
    const exits = Object.fromEntries(
      ran.map(({ spec, exits }) => [spec.name, exits.at(-1)!.signal ?? exits.at(-1)!.code!]),
    );
    return { tookMs: performance.now() - began, exits };
  }

  /** The machine's power is cut, or the pod is deleted by force: no container hears of it. */
  async kill(): Promise<void> {
    this.#terminating = true;
    const all = [...this.#inits, ...this.#apps];
    all.forEach((life) => life.giveUp());
    for (const { container } of all) container?.signal('SIGKILL');
    await this.#gone();
  }

  async #gone(): Promise<void> {
    await this.#ended;
    await this.address.sandbox.stop('SIGKILL');
    this.#leave();
  }

  async #live(): Promise<void> {
    const runs: Promise<unknown>[] = [];
    for (const life of this.#inits) {
      const run = life.run();
      if (!this.#sidecars.includes(life)) await run;
      else {
        runs.push(run);
        await life.firstStart;
      }
      if (this.#terminating) break;
    }
    if (!this.#terminating) await Promise.all(this.#apps.map((life) => life.run()));
    if (!this.#terminating) this.#sidecars.forEach((life) => void life.stop(GRACE_MIN_MS));
    await Promise.all(runs);
  }

  #life(spec: ContainerSpec, restartPolicy: RestartPolicy, host: PodHost, hosts: Mount): ContainerLife {
    const { securityContext: security = {}, terminationGracePeriodSeconds } = this.template.spec;
    const env = environmentOf(spec, this.identity, host.objects);
    const expanded = {
      ...spec,
      command: spec.command?.map((word) => expand(word, env)),
      args: spec.args?.map((word) => expand(word, env)),
    };
    const mounts = [hosts, ...this.volumes.mounts(spec)];
    return new ContainerLife({
      plan: { image: host.image(spec.image), spec: expanded, security, env, mounts, sandbox: this.sandboxPid },
      ip: this.ip,
      restartPolicy,
      graceSeconds: terminationGracePeriodSeconds ?? GRACE_DEFAULT_S,
      event: (text) => void this.events.push(text),
    });
  }
}

/** /etc/hosts, which the kubelet writes for each pod; it stands for the cluster's DNS, too. */
function hostsFile({ name, ip }: PodIdentity, names: { [name: string]: string }): Mount {
  const source = join(scratchDirectory('hosts'), 'hosts');
  const all = [['localhost', '127.0.0.1'], [name, ip], ...Object.entries(names)];
  writeFileSync(source, all.map(([name, address]) => `${address}\t${name}\n`).join(''));
  return { source, path: '/etc/hosts', readOnly: false };
}
