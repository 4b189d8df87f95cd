/** The gateway as its users run it: a process of its own, seen through its ports, its log and its exit code. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { LinkStatus } from '../../src/domain/link.js';
import { Child, type Exit } from './children.js';
import { portsOf, type GatewayConfig, type Ports } from './gateway-config.js';
import { metricSum, parseMetrics, type Metrics } from './metrics-text.js';
import { scratchDirectory } from './scratch.js';
import { until } from './until.js';

export const GATEWAY_MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const LOG_LINES_MAX = 100_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** A port that was free a moment ago may be somebody's outgoing one by now, for a moment. */
const PORT_TRIES_MAX = 3;

/** One line of the JSON log. */
export interface LogEntry {
  level: string;
  msg: string;
  [field: string]: unknown;
}

export interface GatewayStart {
  /** Holds the configuration file and, with the usual configuration, the data. Default: a scratch directory. */
  directory?: string;
  /** Added to this process's environment. */
  env?: { [name: string]: string };
  /** A command to run it under, such as `['strace', '-f', …]`. */
  wrap?: string[];
  /** Options of Node itself, such as `--max-old-space-size=128`. */
  nodeArgs?: string[];
  /** What to wait for: `startup`: journal open and REST listening; `link`: and the link is up; `none`. Default `startup`. */
  until?: 'startup' | 'link' | 'none';
  /** Default 30 000. */
  timeoutMs?: number;
  /** The program. Default: the gateway's command line. */
  main?: string;
}

export interface OpsAnswer {
  status: number;
  text: string;
}

export class GatewayProcess {
  /** Everything it logged, oldest first; the newest {@link LOG_LINES_MAX}. */
  readonly logs: LogEntry[] = [];
  readonly exit: Promise<Exit>;
  readonly #child: Child;
  readonly #other: string[] = [];

  constructor(
    command: string[],
    env: { [name: string]: string },
    readonly directory: string,
    readonly ports: Ports,
  ) {
    const [program, ...args] = command;
    this.#child = new Child(program!, args, {
      cwd: directory,
      env: { ...process.env, ...env },
      onLine: (line) => this.#heard(line),
      // faketime would end with the signal and hide how the gateway ended.
      recipient: () => this.#loggedPid(),
    });
    this.exit = this.#child.exit;
  }

  /** The gateway's own id as it logs it, else that of what it runs under. */
  get pid(): number {
    return this.#loggedPid() ?? this.#child.pid;
  }

  get exited(): Exit | undefined {
    return this.#child.exited;
  }

  /** The last of what it wrote that is not JSON. */
  get tail(): string {
    return `${this.#other.join('\n')}\n${this.#child.tail}`.trim();
  }

  /** For a failure's message. */
  get report(): string {
    const lines = this.logs.slice(-20).map((entry) => JSON.stringify(entry));
    const exit = this.exited ? `it ended: ${JSON.stringify(this.exited)}` : 'it runs';
    return [exit, ...lines, this.tail].join('\n');
  }

  /** A path of the ops port, such as `/readyz?verbose`. Rejects when nobody answers. */
  async ops(path: string): Promise<OpsAnswer> {
    const response = await request(this.ports.opsPort, path);
    return { status: response.status, text: await response.text() };
  }

  /** A path of the REST port. Rejects when nobody answers. */
  http(path: string, init?: RequestInit): Promise<Response> {
    return request(this.ports.httpPort, path, init);
  }

  post(path: string, body: unknown, headers: { [name: string]: string } = {}): Promise<Response> {
    const all = { 'content-type': 'application/json', ...headers };
    return this.http(path, { method: 'POST', headers: all, body: JSON.stringify(body) });
  }

  async link(): Promise<LinkStatus> {
    return (await (await this.http('/v1/link')).json()) as LinkStatus;
  }

  async metrics(): Promise<Metrics> {
    return parseMetrics((await this.ops('/metrics')).text);
  }

  /** The sum of the series with these labels, 0 when there is none. */
  async metric(name: string, labels?: { [label: string]: string }): Promise<number> {
    return metricSum(await this.metrics(), name, labels) ?? 0;
  }

  /** Journal open and REST listening. Rejects at once when it ends instead. */
  async started(timeoutMs = 30_000): Promise<void> {
    const started = async (): Promise<boolean> => (await this.ops('/startupz')).status === 200;
    await this.#reached(started, 'the gateway to start', timeoutMs);
  }

  /** Rejects at once when the gateway ends instead. */
  async linkUp(timeoutMs = 30_000): Promise<void> {
    const up = async (): Promise<boolean> => (await this.metric('holdfast_link_up')) === 1;
    await this.#reached(up, 'the link', timeoutMs);
  }

  /** Every subscription has the broker's answer: what is published from now on comes in. */
  async answered(subscriptions: number, timeoutMs = 30_000): Promise<void> {
    const answered = async (): Promise<boolean> => {
      const link = await this.link();
      return link.subscribed.length + Object.keys(link.denied).length >= subscriptions;
    };
    await this.#reached(answered, 'the subscriptions', timeoutMs);
  }

  /** To the gateway; SIGKILL also to what it runs under. */
  signal(name: NodeJS.Signals): void {
    this.#child.signal(name);
  }

  /** SIGKILL, or another signal; resolves when it has ended. */
  kill(name: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    return this.#child.stop(name);
  }

  /** SIGTERM; SIGKILL after `graceMs`, which shows in the exit. */
  stop(graceMs = 30_000): Promise<Exit> {
    return this.#child.stop('SIGTERM', graceMs);
  }

  async #reached(state: () => Promise<boolean>, name: string, timeoutMs: number): Promise<void> {
    const what = (): string => `${name}\n${this.report}`;
    await until((): boolean | Promise<boolean> => (this.exited ? true : state()), { timeoutMs, everyMs: 25, what });
    if (this.exited) throw new Error(`waited in vain for ${what()}`);
  }

  #loggedPid(): number | undefined {
    const pid = this.logs.at(-1)?.['pid'];
    return typeof pid === 'number' ? pid : undefined;
  }

  #heard(line: string): void {
    try {
      this.logs.push(JSON.parse(line) as LogEntry);
      if (this.logs.length > LOG_LINES_MAX) this.logs.shift();
    } catch {
      this.#other.push(line);
      if (this.#other.length > 1_000) this.#other.shift();
    }
  }
}

/**
 * Writes `config` (data, or YAML text) to `gateway.yaml` in the directory and runs the gateway with it. Starting
 * again with the same `directory` is a restart. Rejects, with what it logged, when it ends before it is ready.
 */
export async function startGateway(
  config: GatewayConfig | string,
  options: GatewayStart = {},
): Promise<GatewayProcess> {
  const { directory = scratchDirectory('gateway'), env = {}, wrap = [], nodeArgs = [], timeoutMs } = options;
  const file = join(directory, 'gateway.yaml');
  writeFileSync(file, typeof config === 'string' ? config : stringify(config));
  const ports = portsOf(typeof config === 'string' ? parse(config) : config);
  const main = [process.execPath, ...nodeArgs, options.main ?? GATEWAY_MAIN, 'start', '--config', file];
  const wanted = options.until ?? 'startup';
  for (let attempt = 1; ; attempt++) {
    const gateway = new GatewayProcess([...wrap, ...main], env, directory, ports);
    try {
      if (wanted !== 'none') await gateway.started(timeoutMs);
      if (wanted === 'link') await gateway.linkUp(timeoutMs);
      return gateway;
    } catch (error) {
      await gateway.kill();
      if (attempt === PORT_TRIES_MAX || !gateway.logs.some((entry) => entry['code'] === 'LISTEN_FAILED')) throw error;
      await sleep(500);
    }
  }
}

function request(port: number, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...init });
}
