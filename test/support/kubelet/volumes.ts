import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { give, writeAtomically, type Payload } from './atomic-writer.js';
import type { KeySource } from './environment.js';
import type { ContainerSpec, PodSecurity, VolumeSpec } from './manifests.js';
import type { Mount } from './root.js';

const MODE = 0o644;

type Files = NonNullable<NonNullable<VolumeSpec['projected']>['sources'][number]['configMap']>;

/** The volumes of one pod. [kubernetes.io: Volumes] */
export class PodVolumes {
  readonly #directories = new Map<string, string>();

  /**
   * @param directory what is the pod's alone goes there
   * @param claim where the volume of a claim is; it is not the pod's
   */
  constructor(
    private readonly specs: VolumeSpec[],
    private readonly security: PodSecurity,
    private readonly source: KeySource,
    directory: string,
    claim: (name: string) => string,
  ) {
    for (const spec of specs) {
      const { name, persistentVolumeClaim, emptyDir } = spec;
      const place = persistentVolumeClaim ? claim(persistentVolumeClaim.claimName) : join(directory, name);
      if (!persistentVolumeClaim) mkdirSync(place);
      this.#directories.set(name, place);
      if (emptyDir) chmodSync(place, 0o777);
      if (persistentVolumeClaim || emptyDir) this.#own(place);
    }
    this.refresh();
  }

  /** What the kubelet does within a minute or so of a change: volumes follow their ConfigMaps and Secrets. */
  refresh(): void {
    for (const spec of this.specs) {
      const { name, emptyDir, persistentVolumeClaim, configMap, secret, projected } = spec;
      if (emptyDir || persistentVolumeClaim) continue;
      if (!configMap && !secret && !projected) throw new Error(`volume ${name} is of a kind that is not simulated`);
      const sources = projected?.sources ?? [{ configMap, secret }];
      const mode = projected?.defaultMode ?? MODE;
      const payload: Payload = new Map(sources.flatMap((one) => [...this.#files(one, mode)]));
      const { fsGroup } = this.security;
      writeAtomically(this.#directories.get(name)!, payload, fsGroup);
    }
  }

  /** Where a container sees them. Without `subPath` a change of the volume is seen, too. */
  mounts({ volumeMounts = [] }: ContainerSpec): Mount[] {
    return volumeMounts.map(({ name, mountPath, readOnly, subPath = '' }) => {
      const directory = this.#directories.get(name);
      if (directory === undefined) throw new Error(`there is no volume ${name}`);
      const { emptyDir, persistentVolumeClaim } = this.specs.find((spec) => spec.name === name)!;
      const fixed = readOnly ?? !(emptyDir || persistentVolumeClaim);
      return { source: join(directory, subPath), path: mountPath, readOnly: fixed };
    });
  }

  #files({ configMap, secret }: { configMap?: Files; secret?: Files }, mode: number): Payload {
    const files = (configMap ?? secret)!;
    const kind = configMap ? 'ConfigMap' : 'Secret';
    const name = (files.secretName ?? files.name)!;
    const keys = this.source.keys(kind, name);
    if (!keys && !files.optional) throw new Error(`there is no ${kind} ${name}`);
    const items = files.items ?? Object.keys(keys ?? {}).map((key) => ({ key, path: key, mode: undefined }));
    return new Map(
      items.flatMap((item) => {
        const data = keys?.[item.key];
        if (!data && !files.optional) throw new Error(`${kind} ${name} has no key ${item.key}`);
        return data ? [[item.path, { data, mode: item.mode ?? files.defaultMode ?? mode }]] : [];
      }),
    );
  }

  /** `OnRootMismatch` leaves a volume alone whose root is as it should be. */
  #own(directory: string): void {
    const { fsGroup, fsGroupChangePolicy } = this.security;
    if (fsGroup === undefined) return;
    const { gid, mode } = statSync(directory);
    const fits = gid === fsGroup && (mode & 0o2770) === 0o2770;
    if (fsGroupChangePolicy !== 'OnRootMismatch' || !fits) give(directory, fsGroup, false);
  }
}
