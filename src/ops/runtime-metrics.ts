import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Sums of others beside them, and gauges that are named as counters: Prometheus' own linter refuses them. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** What Node.js and the system say of this process. */
export function runtimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
