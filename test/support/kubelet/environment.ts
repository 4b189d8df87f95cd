import type { ContainerSpec, EnvVar } from './manifests.js';

export interface PodIdentity {
  name: string;
  namespace: string;
  uid: string;
  ip: string;
  labels: { [name: string]: string };
  annotations: { [name: string]: string };
}

/** Of ConfigMaps and Secrets; undefined when there is none. */
export interface KeySource {
  keys(kind: 'ConfigMap' | 'Secret', name: string): { [key: string]: Buffer } | undefined;
}

export type Environment = { [name: string]: string };

/**
 * What the kubelet sets beside what the image sets: `envFrom`, then `env` in order, each of which may name earlier ones
 * as `$(NAME)`. [kubernetes.io: Define Dependent Environment Variables]
 */
export function environmentOf(
  { env = [], envFrom = [] }: ContainerSpec,
  pod: PodIdentity,
  source: KeySource,
): Environment {
  const all: Environment = { HOSTNAME: pod.name };
  for (const { prefix = '', configMapRef, secretRef } of envFrom) {
    const reference = configMapRef ?? secretRef!;
    const keys = source.keys(configMapRef ? 'ConfigMap' : 'Secret', reference.name);
    if (!keys && !reference.optional) throw new Error(`envFrom: there is no ${reference.name}`);
    for (const [key, value] of Object.entries(keys ?? {})) all[prefix + key] = value.toString();
  }
  for (const variable of env) {
    const value = variable.valueFrom ? valueFrom(variable, pod, source) : expand(variable.value ?? '', all);
    if (value !== undefined) all[variable.name] = value;
  }
  return all;
}

/** `$(NAME)` becomes its value, `$$` becomes `$`; a name that is not set stays as it is written. */
export function expand(text: string, environment: Environment): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string) => (all === '$$' ? '$' : (environment[name] ?? all)));
}

function valueFrom({ name, valueFrom }: EnvVar, pod: PodIdentity, source: KeySource): string | undefined {
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom!;
  if (fieldRef) return field(fieldRef.fieldPath, pod);
  const reference = configMapKeyRef ?? secretKeyRef;
  if (!reference) throw new Error(`env ${name}: ${Object.keys(valueFrom!).join()} is not simulated`);
  const value = source.keys(configMapKeyRef ? 'ConfigMap' : 'Secret', reference.name)?.[reference.key];
  if (!value && !reference.optional) throw new Error(`env ${name}: ${reference.name} has no ${reference.key}`);
  return value?.toString();
}

function field(path: string, pod: PodIdentity): string {
  const fields: { [path: string]: string } = {
    'metadata.name': pod.name,
    'metadata.namespace': pod.namespace,
    'metadata.uid': pod.uid,
    'status.podIP': pod.ip,
  };
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  const value = map === undefined ? fields[path] : (pod[map as 'labels'][key!] ?? '');
  if (value === undefined) throw new Error(`fieldPath ${path} is not simulated`);
  return value;
}
