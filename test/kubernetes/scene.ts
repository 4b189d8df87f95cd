/** What every mode is executed with: a broker that pods find as `broker:1883`, and the gateway in a pod as its users see it. */
import type { TestContext } from 'node:test';
import type { LinkStatus } from '../../src/domain/link.js';
import { imageRoot } from '../support/image.js';
import { Cluster } from '../support/kubelet/cluster.js';
import type { Image } from '../support/kubelet/container.js';
import type { ContainerLife } from '../support/kubelet/container-life.js';
import type { Manifest } from '../support/kubelet/manifests.js';
import type { Pod } from '../support/kubelet/pod.js';
import { PortForward } from '../support/kubelet/port-forward.js';
import { metricSum, parseMetrics } from '../support/metrics-text.js';
import { startMosquitto, type Mosquitto, type MosquittoOptions } from '../support/mosquitto.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const IMAGE = 'holdfast:0.1.0';
const BROKER_PORT = 1883;

export interface LogEntry {
  level: string;
  msg: string;
  [field: string]: unknown;
}

export interface Scene {
  cluster: Cluster;
  /** Outside the cluster, like the receiver. */
  broker: Mosquitto;
  receiver: Receiver;
}

/** @param images beside the gateway's own */
export async function startScene(
  t: TestContext,
  { broker: options = {}, images = {} }: { broker?: MosquittoOptions; images?: { [name: string]: Image } } = {},
): Promise<Scene> {
  const cluster = await Cluster.start({ ...images, [IMAGE]: await imageRoot() });
  t.after(() => cluster.stop());
  const { hostAddress: host } = cluster.network;
  const lines = [`listener ${BROKER_PORT} ${host}`, ...(options.lines ?? [])];
  const broker = await startMosquitto({ ...options, lines });
  t.after(() => broker.stop('SIGKILL'));
  const receiver = await startReceiver({ host });
  t.after(() => receiver.stop());
  cluster.name('broker', host);
  return { cluster, broker, receiver };
}

/** Reconnects at once, and delivers all telemetry to `url`; `more` is merged in by Helm. */
export function gatewayValues(url: string, filter = 'devices/+/telemetry', more: object = {}): { config: object } {
  return {
    config: {
      session: { expiry: '1h', reconnect: { initial: '50ms', max: '500ms' } },
      subscriptions: [{ name: 'telemetry', filter, qos: 1 }],
      subscribers: [{ id: 'app', url, topics: ['devices/#'], ordering: 'topic' }],
      publish: { allow: ['commands/#'] },
      ...more,
    },
  };
}

/** The gateway in a pod, seen from outside: probes and metrics at the pod's address, REST through a forwarded port. */
export class PodGateway {
  readonly life: ContainerLife;
  #forward: Promise<PortForward> | undefined;

  constructor(
    readonly pod: Pod,
    name = 'holdfast',
  ) {
    this.life = pod.container(name);
  }

  get logs(): LogEntry[] {
    return this.life.lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogEntry] : []));
  }

  async ops(path: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://${this.pod.ip}:9090${path}`, { signal: AbortSignal.timeout(5_000) });
    return { status: answer.status, text: await answer.text() };
  }

  async metric(name: string, labels?: { [label: string]: string }): Promise<number> {
    return metricSum(parseMetrics((await this.ops('/metrics')).text), name, labels) ?? 0;
  }

  async untilMetric(name: string, value: number, labels?: { [label: string]: string }): Promise<void> {
    const what = (): string => `${name}${JSON.stringify(labels ?? {})} to be ${value}\n${this.pod.report}`;
    await until(async () => (await this.metric(name, labels)) === value, { what, timeoutMs: 20_000, everyMs: 50 });
  }

  async http(path: string, init: RequestInit = {}): Promise<Response> {
    this.#forward ??= PortForward.start(this.pod, 8080);
    const { port } = await this.#forward;
    return fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(20_000), ...init });
  }

  publish(body: object, headers: { [name: string]: string } = {}): Promise<Response> {
    const all = { 'content-type': 'application/json', ...headers };
    return this.http('/v1/publish', { method: 'POST', headers: all, body: JSON.stringify(body) });
  }

  async link(): Promise<LinkStatus> {
    return (await (await this.http('/v1/link')).json()) as LinkStatus;
  }

  /** Every subscription has the broker's answer. */
  async subscribed(count = 1): Promise<void> {
    const what = (): string => `the subscriptions\n${this.pod.report}`;
    await until(async () => (await this.link()).subscribed.length === count, { what, timeoutMs: 20_000 });
  }
}

export function ofKind<T extends Manifest>(manifests: Manifest[], kind: string): T {
  return manifests.find((manifest) => manifest.kind === kind) as T;
}
