/** As much of Kubernetes' objects as the tests look at. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Texts; annotations?: Texts };
  data?: Texts;
}

export type Texts = { [key: string]: string };

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  restartPolicy?: string;
  env?: { name: string; value?: string; valueFrom?: object }[];
  envFrom?: object[];
  ports?: { name: string; containerPort: number; hostPort?: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  lifecycle?: { postStart?: Probe; preStop?: Probe };
  securityContext?: SecurityContext & ContainerSecurity;
  resources?: { requests?: Texts; limits?: Texts };
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
}

export interface Probe {
  httpGet?: { path: string; port: string | number; host?: string };
  tcpSocket?: { port: string | number; host?: string };
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
  terminationGracePeriodSeconds?: number;
}

interface SecurityContext {
  runAsNonRoot?: boolean;
  runAsUser?: number;
  seccompProfile?: { type: string };
  seLinuxOptions?: { type?: string; user?: string; role?: string };
  windowsOptions?: { hostProcess?: boolean };
  appArmorProfile?: { type: string };
}

interface ContainerSecurity {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  procMount?: string;
  capabilities?: { add?: string[]; drop?: string[] };
}

export interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  terminationGracePeriodSeconds?: number;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  hostUsers?: boolean;
  securityContext?: SecurityContext & { fsGroup?: number; sysctls?: { name: string; value: string }[] };
  initContainers?: Container[];
  containers: Container[];
  ephemeralContainers?: Container[];
  volumes?: ({ name: string } & { [source: string]: unknown })[];
  topologySpreadConstraints?: {
    maxSkew: number;
    topologyKey: string;
    whenUnsatisfiable: string;
    labelSelector: Selector;
  }[];
}

export interface Selector {
  matchLabels: Texts;
}

export interface Claim {
  metadata: { name: string; labels?: Texts; annotations?: Texts };
  spec: { accessModes: string[]; storageClassName?: string; resources: { requests: { storage: string } } };
}

export interface StatefulSet extends Manifest {
  spec: {
    serviceName: string;
    replicas: number;
    podManagementPolicy: string;
    updateStrategy: object;
    revisionHistoryLimit: number;
    persistentVolumeClaimRetentionPolicy?: { whenDeleted: string; whenScaled: string };
    selector: Selector;
    template: { metadata: { labels: Texts; annotations?: Texts }; spec: PodSpec };
    volumeClaimTemplates?: Claim[];
  };
}

export interface Service extends Manifest {
  spec: {
    type?: string;
    clusterIP?: string;
    publishNotReadyAddresses?: boolean;
    selector: Texts;
    ports: { name: string; port: number; targetPort: string }[];
  };
}

/** The pods of a workload, of `helm test`, or none. */
export function podOf(manifest: Manifest): PodSpec | undefined {
  const { spec } = manifest as Manifest & { spec?: PodSpec & { template?: { spec: PodSpec } } };
  return manifest.kind === 'Pod' ? spec : spec?.template?.spec;
}

export function containersOf(pod: PodSpec): Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers, ...(pod.ephemeralContainers ?? [])];
}

/** The one object of a kind, by a part of its name where there are several. */
export function the<T extends Manifest>(manifests: Manifest[], kind: string, name = ''): T {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name.endsWith(name));
  if (found.length !== 1) throw new Error(`${found.length} of kind ${kind} with a name that ends in "${name}"`);
  return found[0] as T;
}
