import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerSpec, ProbeSpec } from './manifests.js';

export interface ProbeTarget {
  /** Of the pod: a probe does not come from its loopback. */
  ip: string;
  exec(command: string[], timeoutMs: number): Promise<{ code: number | null; output: string }>;
}

export interface ProbeResult {
  ok: boolean;
  said: string;
}

/**
 * Asks one probe again and again, from `initialDelaySeconds` on, and tells each change that its thresholds let through.
 * [kubernetes.io: Configure Probes: period 10 s, timeout 1 s, success 1, failure 3 unless the pod says otherwise]
 */
export async function watchProbe(
  probe: ProbeSpec,
  once: () => Promise<ProbeResult>,
  signal: AbortSignal,
  changed: (result: ProbeResult) => void,
): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  let [last, row] = [undefined as boolean | undefined, 0];
  try {
    await sleep(initialDelaySeconds * 1_000, undefined, { signal });
    for (;;) {
      const result = await once();
      if (signal.aborted) return;
      row = result.ok === last ? row + 1 : 1;
      last = result.ok;
      if (row === (result.ok ? successThreshold : failureThreshold)) changed(result);
      await sleep(periodSeconds * 1_000, undefined, { signal });
    }
  } catch {
    // The container has ended.
  }
}

/** One try of a probe. HTTP: 200 to 399 is well; a command: exit code 0; TCP: somebody takes the connection. */
export async function probeOnce(probe: ProbeSpec, container: ContainerSpec, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1_000;
  if (probe.httpGet) return httpProbe(probe.httpGet, portOf(probe.httpGet.port, container), target.ip, timeoutMs);
  if (probe.tcpSocket) return tcpProbe(portOf(probe.tcpSocket.port, container), target.ip, timeoutMs);
  if (!probe.exec) throw new Error(`${container.name}: a probe of a kind that is not simulated`);
  const { code, output } = await target.exec(probe.exec.command, timeoutMs);
  return { ok: code === 0, said: output };
}

/** A port's number, or the name that the container gives to one. */
function portOf(port: number | string, { name, ports = [] }: ContainerSpec): number {
  if (typeof port === 'number') return port;
  const named = ports.find((one) => one.name === port);
  if (!named) throw new Error(`${name} has no port ${port}`);
  return named.containerPort;
}

function httpProbe(
  { path = '/', httpHeaders = [] }: NonNullable<ProbeSpec['httpGet']>,
  port: number,
  host: string,
  timeout: number,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
    const all = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close', ...headers };
    const request = get({ host, port, path, headers: all, agent: false, signal: AbortSignal.timeout(timeout) });
    request.on('error', (error) => resolve({ ok: false, said: error.message }));
    request.on('response', (response) => {
      let said = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (text: string) => (said += text));
      response.on('error', () => resolve({ ok: false, said }));
      response.on('end', () => resolve({ ok: response.statusCode! >= 200 && response.statusCode! < 400, said }));
    });
  });
}

function tcpProbe(port: number, host: string, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: timeoutMs });
    const end = (ok: boolean, said: string): void => {
      socket.destroy();
      resolve({ ok, said });
    };
    socket.on('connect', () => end(true, 'connected'));
    socket.on('timeout', () => end(false, 'timeout'));
    socket.on('error', (error) => end(false, error.message));
  });
}
