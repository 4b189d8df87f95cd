/**
 * The Pod Security Standard `restricted`, as its text has it, which includes `baseline`. Windows pods are not looked at beyond
 * hostProcess.
 */
import { containersOf, type Container, type PodSpec, type Probe } from './manifests.js';

const VOLUMES = [
  ...[
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'image',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ],
];
const SAFE_SYSCTLS = new Set([
  ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start'],
  ...['net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports'],
  ...['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl'],
  ...['net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'],
]);
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const SECCOMP = new Set(['RuntimeDefault', 'Localhost']);

/** What the standard forbids in this pod. */
export function restrictedProblems(pod: PodSpec): string[] {
  return [...podProblems(pod), ...containersOf(pod).flatMap((container) => containerProblems(container, pod))];
}

function podProblems(pod: PodSpec): string[] {
  const context = pod.securityContext ?? {};
  const namespaces = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => pod[key]);
  const volumes = (pod.volumes ?? []).flatMap(({ name, ...source }) =>
    Object.keys(source)
      .filter((type) => !VOLUMES.includes(type))
      .map((type) => `volume ${name} is a ${type}`),
  );
  const sysctls = (context.sysctls ?? []).filter(({ name }) => !SAFE_SYSCTLS.has(name));
  return [
    ...namespaces.map((key) => `pod: ${key}`),
    ...volumes.map((problem) => `pod: ${problem}`),
    ...sysctls.map(({ name }) => `pod: sysctl ${name}`),
    ...contextProblems('pod', context),
  ];
}

function contextProblems(where: string, context: NonNullable<PodSpec['securityContext']>): string[] {
  const { seLinuxOptions: selinux, appArmorProfile: appArmor, seccompProfile: seccomp } = context;
  return [
    ...(context.runAsNonRoot === false ? [`${where}: runAsNonRoot is false`] : []),
    ...(context.runAsUser === 0 ? [`${where}: runs as root`] : []),
    ...(context.windowsOptions?.hostProcess ? [`${where}: hostProcess`] : []),
    ...(seccomp && !SECCOMP.has(seccomp.type) ? [`${where}: seccomp ${seccomp.type}`] : []),
    ...(appArmor && !SECCOMP.has(appArmor.type) ? [`${where}: AppArmor ${appArmor.type}`] : []),
    ...(selinux && !SELINUX_TYPES.has(selinux.type ?? '') ? [`${where}: SELinux type`] : []),
    ...(selinux?.user || selinux?.role ? [`${where}: SELinux user or role`] : []),
  ];
}

function containerProblems(container: Container, pod: PodSpec): string[] {
  const context = container.securityContext ?? {};
  const { add = [], drop = [] } = context.capabilities ?? {};
  const { startupProbe, livenessProbe, readinessProbe, lifecycle } = container;
  const handlers = [startupProbe, livenessProbe, readinessProbe, lifecycle?.postStart, lifecycle?.preStop];
  const problems = [
    ...(context.privileged ? ['privileged'] : []),
    ...(context.allowPrivilegeEscalation === false ? [] : ['allowPrivilegeEscalation is not false']),
    ...(context.procMount && context.procMount !== 'Default' ? [`procMount ${context.procMount}`] : []),
    ...(drop.includes('ALL') ? [] : ['does not drop ALL capabilities']),
    ...add.filter((one) => one !== 'NET_BIND_SERVICE').map((one) => `adds ${one}`),
    ...((context.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) ? [] : ['runAsNonRoot is not true']),
    ...((context.seccompProfile ?? pod.securityContext?.seccompProfile) ? [] : ['no seccompProfile']),
    ...(container.ports ?? []).filter(({ hostPort }) => hostPort).map(({ hostPort }) => `hostPort ${hostPort}`),
    ...(handlers.some(namesHost) ? ['a probe names a host'] : []),
  ];
  return [...problems.map((problem) => `${container.name}: ${problem}`), ...contextProblems(container.name, context)];
}

function namesHost(handler: Probe | undefined): boolean {
  return Boolean(handler?.httpGet?.host || handler?.tcpSocket?.host);
}
