import { Counter, type Registry } from 'prom-client';
import { REFUSALS, type Refusal } from '../domain/refusal.js';

/** Who was not let in. Every label value exists from the start. */
export class HttpMetrics {
  readonly #refused: Counter<'reason'>;

  constructor(registry: Registry) {
    this.#refused = new Counter({
      name: 'holdfast_http_refused_total',
      help: 'Calls that were refused before anything was done, and connections that were closed to make room.',
      labelNames: ['reason'],
      registers: [registry],
    });
    for (const reason of REFUSALS) this.#refused.inc({ reason }, 0);
  }

  refused(reason: Refusal): void {
    this.#refused.inc({ reason });
  }
}
