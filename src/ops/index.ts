/** What an operator looks at: metrics, probes, logs. */
export { CommitTimes, type CommitSeconds } from './commit-times.js';
export { ContractMetrics } from './contract-metrics.js';
export { DeliveryMetrics, PUBLISH_OUTCOMES, type SubscriberFigures } from './delivery-metrics.js';
export type { HealthFacts } from './health.js';
export { HttpMetrics } from './http-metrics.js';
export { JournalMetrics } from './journal-metrics.js';
export { LinkMetrics } from './link-metrics.js';
export { createLogger, nestLogger, type Log, type LogLevel, type LogLine } from './log.js';
export { ReloadMetrics, type ReloadResult } from './reload-metrics.js';
export { OpsServer } from './server.js';
export { OwnEvents } from './own-events.js';
export { startTracing, TraceMetrics, type Tracing, type TracingParts } from './tracing.js';
export { TracingSender } from './tracing-sender.js';
export { LONG_QUIET_MS, type Repeated, Repeats } from './repeats.js';
