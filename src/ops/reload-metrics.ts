import { Counter, Gauge, type Registry } from 'prom-client';

/** `unchanged`: what was asked for is in force already. `incomplete`: some of it could not be put in force. */
export const RELOAD_RESULTS = ['applied', 'refused', 'unchanged', 'incomplete'] as const;
export type ReloadResult = (typeof RELOAD_RESULTS)[number];

/** How reloading the configuration went, named as Prometheus names its own. */
export class ReloadMetrics {
  readonly #reloads: Counter<'result'>;
  readonly #successful: Gauge;
  readonly #succeededAt: Gauge;

  /** @param now wall-clock milliseconds; the gateway has just read its configuration */
  constructor(
    registry: Registry,
    private readonly now: () => number,
  ) {
    const registers = [registry];
    this.#reloads = new Counter({
      name: 'holdfast_config_reloads_total',
      help: 'Reloads of the configuration and its contracts.',
      labelNames: ['result'],
      registers,
    });
    for (const result of RELOAD_RESULTS) this.#reloads.inc({ result }, 0);
    this.#successful = new Gauge({
      name: 'holdfast_config_last_reload_successful',
      help: '1 while what was read last is in force; 0 after it was refused, or not all of it could be put in force.',
      registers,
    });
    this.#succeededAt = new Gauge({
      name: 'holdfast_config_last_reload_success_timestamp_seconds',
      help: 'When the configuration was last read and found fit.',
      registers,
    });
    this.#told(true);
  }

  reloaded(result: ReloadResult): void {
    this.#reloads.inc({ result });
    this.#told(result === 'applied' || result === 'unchanged');
  }

  #told(successful: boolean): void {
    this.#successful.set(successful ? 1 : 0);
    if (successful) this.#succeededAt.set(this.now() / 1_000);
  }
}
