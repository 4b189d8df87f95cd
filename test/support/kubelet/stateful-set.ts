import type { Cluster } from './cluster.js';
import type { PodTemplate, StatefulSetManifest } from './manifests.js';
import type { Pod, Termination } from './pod.js';

/**
 * Pods with stable names (`NAME-0`, …), each with claims of its own that outlive it, and never two of one name: the next
 * one is made when the last one is gone. [kubernetes.io: StatefulSets, StatefulSet Basics]
 */
export class StatefulSet {
  /** By ordinal. */
  readonly pods: Pod[] = [];

  constructor(
    private readonly manifest: StatefulSetManifest,
    private readonly cluster: Cluster,
  ) {}

  /** `Parallel`: all at once; else each one when the one before it is ready. */
  async start(): Promise<Pod[]> {
    const { replicas = 1, podManagementPolicy } = this.manifest.spec;
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const pod = await this.#create(ordinal);
      if (podManagementPolicy !== 'Parallel') await pod.untilReady();
    }
    return this.pods;
  }

  /** What a roll does to each pod: it is terminated, and once it is gone the next one of its name is made. */
  async replace(ordinal: number): Promise<Termination & { pod: Pod }> {
    const old = this.pods[ordinal]!;
    const termination = await old.terminate();
    this.cluster.forget(old);
    return { ...termination, pod: await this.#create(ordinal) };
  }

  /** `kubectl delete --grace-period=0 --force`, on a machine that has died. */
  async replaceByForce(ordinal: number): Promise<Pod> {
    const old = this.pods[ordinal]!;
    await old.kill();
    this.cluster.forget(old);
    return this.#create(ordinal);
  }

  /** The template as pod `ordinal` has it: with its own claims. */
  templateOf(ordinal: number): PodTemplate {
    const { template, volumeClaimTemplates = [] } = this.manifest.spec;
    const pod = this.nameOf(ordinal);
    const claims = volumeClaimTemplates.map(({ metadata: { name } }) => ({
      name,
      persistentVolumeClaim: { claimName: `${name}-${pod}` },
    }));
    const labels = { 'statefulset.kubernetes.io/pod-name': pod, 'apps.kubernetes.io/pod-index': String(ordinal) };
    return {
      metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
      spec: { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] },
    };
  }

  nameOf(ordinal: number): string {
    return `${this.manifest.metadata.name}-${ordinal}`;
  }

  async #create(ordinal: number): Promise<Pod> {
    const pod = await this.cluster.startPod(this.nameOf(ordinal), this.templateOf(ordinal));
    const { serviceName } = this.manifest.spec;
    if (serviceName) this.cluster.name(`${this.nameOf(ordinal)}.${serviceName}`, pod.ip);
    this.pods[ordinal] = pod;
    return pod;
  }
}
