/** Kubernetes objects, as far as the test kubelet understands them. What it does not understand, it refuses. */
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [more: string]: unknown;
}

export interface Metadata {
  name: string;
  namespace?: string;
  labels?: { [name: string]: string };
  annotations?: { [name: string]: string };
}

export interface ConfigMap extends Manifest {
  data?: { [key: string]: string };
}

export interface Secret extends Manifest {
  /** Base64. */
  data?: { [key: string]: string };
  stringData?: { [key: string]: string };
}

export interface PodTemplate {
  metadata?: Partial<Metadata>;
  spec: PodSpec;
}

export interface StatefulSetManifest extends Manifest {
  spec: {
    replicas?: number;
    serviceName?: string;
    podManagementPolicy?: 'OrderedReady' | 'Parallel';
    template: PodTemplate;
    volumeClaimTemplates?: { metadata: { name: string } }[];
  };
}

export interface PodSpec {
  terminationGracePeriodSeconds?: number;
  restartPolicy?: RestartPolicy;
  securityContext?: PodSecurity;
  initContainers?: ContainerSpec[];
  containers: ContainerSpec[];
  volumes?: VolumeSpec[];
}

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

interface User {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
}

export interface PodSecurity extends User {
  fsGroup?: number;
  fsGroupChangePolicy?: 'Always' | 'OnRootMismatch';
  supplementalGroups?: number[];
}

export interface ContainerSecurity extends User {
  readOnlyRootFilesystem?: boolean;
  allowPrivilegeEscalation?: boolean;
  capabilities?: { drop?: string[]; add?: string[] };
}

export interface ContainerSpec {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvVar[];
  envFrom?: { prefix?: string; configMapRef?: Reference; secretRef?: Reference }[];
  ports?: { name?: string; containerPort: number }[];
  /** Of an init container: `Always` makes it a native sidecar. */
  restartPolicy?: RestartPolicy;
  startupProbe?: ProbeSpec;
  livenessProbe?: ProbeSpec;
  readinessProbe?: ProbeSpec;
  lifecycle?: { preStop?: { exec?: { command: string[] }; sleep?: { seconds: number } } };
  securityContext?: ContainerSecurity;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean; subPath?: string }[];
}

interface Reference {
  name: string;
  optional?: boolean;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    configMapKeyRef?: Reference & { key: string };
    secretKeyRef?: Reference & { key: string };
    [other: string]: unknown;
  };
}

export interface ProbeSpec {
  httpGet?: { path?: string; port: number | string; httpHeaders?: { name: string; value: string }[] };
  tcpSocket?: { port: number | string };
  exec?: { command: string[] };
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
  terminationGracePeriodSeconds?: number;
}

interface FileSource {
  name?: string;
  secretName?: string;
  optional?: boolean;
  defaultMode?: number;
  items?: { key: string; path: string; mode?: number }[];
}

export interface VolumeSpec {
  name: string;
  configMap?: FileSource;
  secret?: FileSource;
  emptyDir?: object;
  persistentVolumeClaim?: { claimName: string };
  projected?: { defaultMode?: number; sources: { configMap?: FileSource; secret?: FileSource }[] };
}

/** Each document that is not empty, read as kubectl does: YAML 1.1, where 0440 is octal. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}
