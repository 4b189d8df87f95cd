import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '../children.js';
import { Container, type ContainerPlan, type ExecResult } from './container.js';
import type { ContainerSpec, RestartPolicy } from './manifests.js';
import { probeOnce, watchProbe, type ProbeTarget } from './probes.js';

/** The kubelet waits 10 s before it restarts for the second time, twice as long each time after; here all is quicker. */
const BACK_OFF_MS = 200;
const BACK_OFF_MAX_MS = 2_000;
const LINES_MAX = 100_000;

export interface LifePlan {
  plan: Omit<ContainerPlan, 'onLine'>;
  ip: string;
  restartPolicy: RestartPolicy;
  graceSeconds: number;
  /** As `kubectl describe` would show it. */
  event: (text: string) => void;
}

/** One container of a pod through all its runs: started, probed, restarted, stopped. */
export class ContainerLife {
  readonly spec: ContainerSpec;
  /** Lines of standard output, of all runs. */
  readonly lines: string[] = [];
  /** How each run ended. */
  readonly exits: Exit[] = [];
  /** Its startup probe has passed, or it has none and runs. */
  started = false;
  ready = false;
  /** Resolves when it has started for the first time, or never will. */
  readonly firstStart: Promise<void>;
  #container: Container | undefined;
  #began: () => void = () => undefined;
  #stopping = false;

  constructor(private readonly life: LifePlan) {
    this.spec = life.plan.spec;
    this.firstStart = new Promise((resolve) => (this.#began = resolve));
  }

  get restarts(): number {
    return Math.max(0, this.exits.length - (this.#container ? 0 : 1));
  }

  /** Undefined while it does not run. */
  get container(): Container | undefined {
    return this.#container;
  }

  /** Runs it, again and again as its policy says. @returns how it ended in the end; undefined: it never ran */
  async run(): Promise<Exit | undefined> {
    while (!this.#stopping) {
      const exit = await this.#runOnce();
      if (!this.#restartsAfter(exit)) break;
      await sleep(Math.min(BACK_OFF_MS * 2 ** (this.exits.length - 1), BACK_OFF_MAX_MS));
    }
    this.#began();
    return this.exits.at(-1);
  }

  exec(command: string[], timeoutMs?: number): Promise<ExecResult> {
    if (!this.#container) throw new Error(`container ${this.spec.name} does not run`);
    return this.#container.exec(command, timeoutMs);
  }

  /** At the beginning of a termination, for every container at once. It counts towards the grace period. */
  async preStop(graceMs: number): Promise<void> {
    const { exec, sleep: pause } = this.spec.lifecycle?.preStop ?? {};
    if (exec && this.#container) await this.exec(exec.command, graceMs);
    if (pause && this.#container) await sleep(Math.min(pause.seconds * 1_000, graceMs));
  }

  /** From now on it is not started again. */
  giveUp(): void {
    this.#stopping = true;
  }

  /** SIGTERM, and after the grace period SIGKILL. */
  async stop(graceMs: number): Promise<void> {
    this.giveUp();
    this.life.event(`Stopping container ${this.spec.name}`);
    await this.#end(graceMs);
  }

  async #end(graceMs: number): Promise<void> {
    const container = this.#container;
    if (!container) return;
    container.signal('SIGTERM');
    const timer = setTimeout(() => container.signal('SIGKILL'), graceMs);
    await container.exit;
    clearTimeout(timer);
  }

  async #runOnce(): Promise<Exit> {
    const { name } = this.spec;
    const container = await Container.start({ ...this.life.plan, onLine: (line) => this.#heard(line) });
    this.#container = container;
    this.life.event(`Started container ${name}`);
    const probes = new AbortController();
    if (this.#stopping) void this.#end(0);
    else this.#probe(container, probes.signal);
    const exit = await container.exit;
    probes.abort();
    this.#container = undefined;
    [this.started, this.ready] = [false, false];
    this.exits.push(exit);
    this.life.event(`Container ${name} ended: ${exit.signal ?? exit.code}`);
    return exit;
  }

  /** Liveness and readiness wait for startup. [kubernetes.io: Liveness, Readiness, and Startup Probes] */
  #probe(container: Container, ended: AbortSignal): void {
    const { startupProbe, livenessProbe, readinessProbe } = this.spec;
    const target: ProbeTarget = { ip: this.life.ip, exec: (command, timeoutMs) => container.exec(command, timeoutMs) };
    const watch = (kind: 'Startup' | 'Liveness', probe = startupProbe!, passed = new AbortController()): void =>
      void watchProbe(
        probe,
        () => probeOnce(probe, this.spec, target),
        AbortSignal.any([ended, passed.signal]),
        ({ ok, said }) => {
          if (!ok) return this.#unhealthy(kind, said, probe.terminationGracePeriodSeconds);
          if (kind !== 'Startup') return;
          passed.abort();
          begin();
        },
      );
    const begin = (): void => {
      this.started = true;
      this.life.event(`Container ${this.spec.name} is started`);
      this.#began();
      if (livenessProbe) watch('Liveness', livenessProbe);
      if (!readinessProbe) this.ready = true;
      else {
        const once = () => probeOnce(readinessProbe, this.spec, target);
        void watchProbe(readinessProbe, once, ended, ({ ok, said }) => {
          this.ready = ok;
          this.life.event(`Readiness of ${this.spec.name}: ${ok ? 'ready' : said}`);
        });
      }
    };
    if (startupProbe) watch('Startup');
    else begin();
  }

  #unhealthy(kind: string, said: string, graceSeconds = this.life.graceSeconds): void {
    this.life.event(`${kind} probe of ${this.spec.name} failed, it will be restarted: ${said}`);
    const graceMs = graceSeconds * 1_000;
    void this.preStop(graceMs).then(() => this.#end(graceMs));
  }

  #restartsAfter({ code }: Exit): boolean {
    const { restartPolicy } = this.life;
    return !this.#stopping && (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && code !== 0));
  }

  #heard(line: string): void {
    this.lines.push(line);
    if (this.lines.length > LINES_MAX) this.lines.shift();
  }
}
