import {
  Counter,
  Gauge,
  Histogram,
  type HistogramConfiguration,
  type OpenMetricsContentType,
  Registry,
} from 'prom-client';
import { DISCARD_REASONS, type DiscardReason } from '../domain/subscriber.js';
import type { SpanRef } from '../domain/trace.js';
import { runtimeMetrics } from './runtime-metrics.js';

export const SUBSCRIBER_STATES = ['active', 'paused', 'broken', 'gone'] as const;
const ATTEMPT_OUTCOMES = ['delivered', 'retry', 'throttled', 'dead'] as const;
const REPLY_OUTCOMES = ['queued', 'refused'] as const;
export const PUBLISH_OUTCOMES = ['published', 'queued', 'refused', 'expired', 'invalid'] as const;

/** Beyond it the histograms lose their subscriber label: a thousand of them would be a hundred thousand series. */
const SUBSCRIBERS_WITH_HISTOGRAMS_MAX = 50;
const ATTEMPT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
/** `publish.wait` goes up to five minutes. */
const PUBLISH_SECONDS = [...ATTEMPT_SECONDS, 60, 300];
const DELIVERY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120, 600, 3_600];

export interface SubscriberFigures {
  id: string;
  state: (typeof SUBSCRIBER_STATES)[number];
  lagRecords: number;
  lagSeconds: number;
}

/** What the main thread counts: attempts, lag, publishes, the runtime. Every label value exists from the start. */
export class DeliveryMetrics {
  readonly registry = new Registry();
  /** The histograms once more, with their exemplars: a registry that has written OpenMetrics has renamed its counters for good. */
  readonly #exemplars = new Registry<OpenMetricsContentType>();
  readonly #attempts: Counter<'subscriber' | 'outcome'>;
  readonly #discarded: Counter<'subscriber' | 'reason'>;
  readonly #deadLettered: Counter<'subscriber'>;
  readonly #attemptSeconds: Histogram<'subscriber'>;
  readonly #deliverySeconds: Histogram<'subscriber'>;
  readonly #publishes: Counter<'outcome'>;
  readonly #publishSeconds: Histogram;
  readonly #replies: Counter<'outcome'>;
  readonly #subscribers = new Set<string>();
  #labelled = true;

  /** @param traced whether histograms tell of the traces of what they measure */
  constructor(
    subscribers: readonly string[],
    figures: () => SubscriberFigures[],
    version: string,
    private readonly traced = false,
  ) {
    const registers = [this.registry];
    this.#exemplars.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    runtimeMetrics(this.registry);
    const labelNames = ['subscriber'] as const;
    this.#attempts = new Counter({
      name: 'holdfast_attempts_total',
      help: 'Tries to deliver a record to a subscriber.',
      labelNames: ['subscriber', 'outcome'],
      registers,
    });
    this.#discarded = new Counter({
      name: 'holdfast_discarded_records_total',
      help: 'Records a subscriber was never given, because its backlog or the journal was full.',
      labelNames: ['subscriber', 'reason'],
      registers,
    });
    this.#deadLettered = new Counter({
      name: 'holdfast_dead_lettered_records_total',
      help: 'Records that became dead letters.',
      labelNames,
      registers,
    });
    this.#attemptSeconds = this.#histogram({
      name: 'holdfast_attempt_seconds',
      help: 'How long attempts took.',
      labelNames,
      buckets: ATTEMPT_SECONDS,
    });
    this.#deliverySeconds = this.#histogram({
      name: 'holdfast_delivery_seconds',
      help: 'From received to delivered.',
      labelNames,
      buckets: DELIVERY_SECONDS,
    });
    subscriberGauges(registers, this.#subscribers, figures);
    this.#publishes = new Counter({
      name: 'holdfast_publishes_total',
      help: 'Publishes taken over REST, by the answer given.',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of PUBLISH_OUTCOMES) this.#publishes.inc({ outcome }, 0);
    this.#publishSeconds = this.#histogram({
      name: 'holdfast_publish_seconds',
      help: 'From request to answer of a publish.',
      buckets: PUBLISH_SECONDS,
    });
    this.#replies = new Counter({
      name: 'holdfast_replies_total',
      help: 'Replies of subscribers to records with a response topic.',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of REPLY_OUTCOMES) this.#replies.inc({ outcome }, 0);
    new Gauge({
      name: 'holdfast_build_info',
      help: 'Always 1; the labels say what runs.',
      labelNames: ['version', 'node'],
      registers,
    }).set({ version, node: process.version }, 1);
    for (const subscriber of subscribers) this.added(subscriber);
  }

  #histogram<T extends string>(config: Omit<HistogramConfiguration<T>, 'registers'>): Histogram<T> {
    if (!this.traced) return new Histogram({ ...config, registers: [this.registry] });
    const histogram = new Histogram({ ...config, registers: [this.#exemplars], enableExemplars: true });
    this.registry.registerMetric(histogram);
    return histogram;
  }

  added(subscriber: string): void {
    this.#subscribers.add(subscriber);
    for (const outcome of ATTEMPT_OUTCOMES) this.#attempts.inc({ subscriber, outcome }, 0);
    for (const reason of DISCARD_REASONS) this.#discarded.inc({ subscriber, reason }, 0);
    this.#deadLettered.inc({ subscriber }, 0);
    if (this.#relabel() || !this.#labelled) return;
    for (const histogram of this.#histograms) histogram.zero({ subscriber });
  }

  /** Its series end. */
  removed(subscriber: string): void {
    this.#subscribers.delete(subscriber);
    for (const outcome of ATTEMPT_OUTCOMES) this.#attempts.remove({ subscriber, outcome });
    for (const reason of DISCARD_REASONS) this.#discarded.remove({ subscriber, reason });
    this.#deadLettered.remove({ subscriber });
    if (this.#relabel() || !this.#labelled) return;
    for (const histogram of this.#histograms) histogram.remove({ subscriber });
  }

  get #histograms(): Histogram<'subscriber'>[] {
    return [this.#attemptSeconds, this.#deliverySeconds];
  }

  /** The histograms lose their label, or get it back, and start over. @returns whether they did */
  #relabel(): boolean {
    const labelled = this.#subscribers.size <= SUBSCRIBERS_WITH_HISTOGRAMS_MAX;
    if (labelled === this.#labelled) return false;
    this.#labelled = labelled;
    for (const histogram of this.#histograms) {
      histogram.reset();
      if (!labelled) histogram.zero({});
      else for (const subscriber of this.#subscribers) histogram.zero({ subscriber });
    }
    return true;
  }

  /** As Prometheus text. @param exemplars with those there are: then it is OpenMetrics where a histogram is */
  async text(exemplars: boolean): Promise<string> {
    if (!exemplars || !this.traced) return this.registry.metrics();
    const texts = this.registry.getMetricsAsArray().map(({ name }) => {
      const measured = this.#exemplars.getSingleMetric(name) !== undefined;
      return (measured ? this.#exemplars : this.registry).getSingleMetricAsString(name);
    });
    return `${(await Promise.all(texts)).join('\n')}\n`;
  }

  attempt(subscriber: string, outcome: (typeof ATTEMPT_OUTCOMES)[number], seconds: number, span?: SpanRef): void {
    this.#attempts.inc({ subscriber, outcome });
    this.#observe(this.#attemptSeconds, this.#labels(subscriber), seconds, span);
  }

  delivered(subscriber: string, seconds: number, span?: SpanRef): void {
    this.#observe(this.#deliverySeconds, this.#labels(subscriber), Math.max(0, seconds), span);
  }

  discarded(subscriber: string, reason: DiscardReason, records: number): void {
    this.#discarded.inc({ subscriber, reason }, records);
  }

  deadLettered(subscriber: string): void {
    this.#deadLettered.inc({ subscriber });
  }

  /** @param seconds from request to answer; undefined: it ended while nobody asked */
  publish(outcome: (typeof PUBLISH_OUTCOMES)[number], seconds?: number, span?: SpanRef): void {
    this.#publishes.inc({ outcome });
    if (seconds !== undefined) this.#observe(this.#publishSeconds, {}, seconds, span);
  }

  reply(outcome: (typeof REPLY_OUTCOMES)[number]): void {
    this.#replies.inc({ outcome });
  }

  #observe<T extends string>(
    histogram: Histogram<T>,
    labels: Partial<{ [label in T]: string }>,
    value: number,
    span: SpanRef | undefined,
  ): void {
    if (!this.traced) return histogram.observe(labels, value);
    const exemplarLabels = span && { trace_id: span.traceId, span_id: span.spanId };
    histogram.observe({ labels, value, exemplarLabels: exemplarLabels as typeof labels }); // typed as if it were labels
  }

  #labels(subscriber: string): { subscriber?: string } {
    return this.#labelled ? { subscriber } : {};
  }
}

/** Until there are figures, before delivery starts, all of them are 0. */
function subscriberGauges(
  registers: Registry[],
  subscribers: ReadonlySet<string>,
  figures: () => SubscriberFigures[],
): void {
  const gauge = (name: string, help: string, value: (one: SubscriberFigures) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['subscriber'],
      registers,
      collect() {
        this.reset();
        for (const subscriber of subscribers) this.set({ subscriber }, 0);
        for (const one of figures()) this.set({ subscriber: one.id }, value(one));
      },
    });
  };
  gauge('holdfast_subscriber_lag_records', 'Matching records not yet delivered.', (one) => one.lagRecords);
  gauge('holdfast_subscriber_lag_seconds', 'Age of the oldest record not yet delivered.', (one) => one.lagSeconds);
  new Gauge({
    name: 'holdfast_subscriber_state',
    help: '1 for the state the subscriber is in.',
    labelNames: ['subscriber', 'state'],
    registers,
    collect() {
      this.reset();
      for (const subscriber of subscribers) {
        for (const state of SUBSCRIBER_STATES) this.set({ subscriber, state }, 0);
      }
      for (const one of figures()) {
        for (const state of SUBSCRIBER_STATES) this.set({ subscriber: one.id, state }, one.state === state ? 1 : 0);
      }
    },
  });
}
