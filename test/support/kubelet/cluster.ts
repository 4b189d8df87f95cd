import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../scratch.js';
import type { Image } from './container.js';
import type { KeySource } from './environment.js';
import type { ConfigMap, Manifest, PodTemplate, Secret, StatefulSetManifest } from './manifests.js';
import { PodNetwork } from './network.js';
import { Pod } from './pod.js';
import { StatefulSet } from './stateful-set.js';

const NAMESPACE = 'default';

/** One node, and of the control plane what a StatefulSet needs. */
export class Cluster implements KeySource {
  readonly #objects = new Map<string, Manifest>();
  readonly #claims = scratchDirectory('claims');
  readonly #pods = new Set<Pod>();
  readonly #names: { [name: string]: string } = {};

  /** @param images by their name in the pod's manifest */
  private constructor(
    readonly network: PodNetwork,
    private readonly images: { [name: string]: Image },
  ) {}

  static async start(images: { [name: string]: Image }): Promise<Cluster> {
    return new Cluster(await PodNetwork.start(), images);
  }

  /** `kubectl apply`: objects are kept; volumes of running pods follow. Nothing is started by it. */
  apply(manifests: Manifest[]): void {
    for (const manifest of manifests) this.#objects.set(`${manifest.kind}/${manifest.metadata.name}`, manifest);
    for (const pod of this.#pods) pod.refresh();
  }

  get<T extends Manifest>(kind: string, name: string): T {
    const found = this.#objects.get(`${kind}/${name}`);
    if (!found) throw new Error(`there is no ${kind} ${name}`);
    return found as T;
  }

  statefulSet(name: string): StatefulSet {
    return new StatefulSet(this.get<StatefulSetManifest>('StatefulSet', name), this);
  }

  /** Pods that are made from now on find this address under this name. */
  name(name: string, address: string): void {
    this.#names[name] = address;
  }

  async startPod(name: string, template: PodTemplate): Promise<Pod> {
    const pod = await Pod.start(name, NAMESPACE, template, {
      network: this.network,
      objects: this,
      image: (wanted) => this.#image(wanted),
      claim: (wanted) => this.claim(wanted),
      names: () => this.#names,
    });
    this.#pods.add(pod);
    return pod;
  }

  forget(pod: Pod): void {
    this.#pods.delete(pod);
  }

  /** The volume of a claim, made when it is first asked for: a new file system has `lost+found`. */
  claim(name: string): string {
    const directory = join(this.#claims, name);
    if (mkdirSync(directory, { recursive: true }) !== undefined) {
      chmodSync(directory, 0o755);
      mkdirSync(join(directory, 'lost+found'), { mode: 0o700 });
    }
    return directory;
  }

  keys(kind: 'ConfigMap' | 'Secret', name: string): { [key: string]: Buffer } | undefined {
    const { data = {}, stringData = {} } = (this.#objects.get(`${kind}/${name}`) ?? {}) as Partial<ConfigMap & Secret>;
    if (!this.#objects.has(`${kind}/${name}`)) return undefined;
    const encoding = kind === 'Secret' ? 'base64' : 'utf8';
    const texts = Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)] as const);
    const plain = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text)] as const);
    return Object.fromEntries([...texts, ...plain]);
  }

  /** Ends what runs, without a word to it. */
  async stop(): Promise<void> {
    await Promise.all([...this.#pods].map((pod) => pod.kill()));
    await this.network.stop();
  }

  #image(name: string): Image {
    const image = this.images[name];
    if (!image) throw new Error(`there is no image ${name}`);
    return image;
  }
}
