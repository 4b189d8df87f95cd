import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DISCARD_REASONS, type DiscardReason } from '../domain/subscriber.js';
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
  readonly #attempts: Counter<'subscriber' | 'outcome'>;
  readonly #discarded: Counter<'subscriber' | 'reason'>;
  readonly #attemptSeconds: Histogram<'subscriber'>;
  readonly #deliverySeconds: Histogram<'subscriber'>;
  readonly #publishes: Counter<'outcome'>;
  readonly #publishSeconds: Histogram;
  readonly #replies: Counter<'outcome'>;
  readonly #subscribers = new Set<string>();
  #labelled = true;

  constructor(subscribers: readonly string[], figures: () => SubscriberFigures[], version: string) {
    const registers = [this.registry];
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
    this.#attemptSeconds = new Histogram({
      name: 'holdfast_attempt_seconds',
      help: 'How long attempts took.',
      labelNames,
      buckets: ATTEMPT_SECONDS,
      registers,
    });
    this.#deliverySeconds = new Histogram({
      name: 'holdfast_delivery_seconds',
      help: 'From received to delivered.',
      labelNames,
      buckets: DELIVERY_SECONDS,
      registers,
    });
    subscriberGauges(registers, this.#subscribers, figures);
    this.#publishes = new Counter({
      name: 'holdfast_publishes_total',
      help: 'Publishes taken over REST, by the answer given.',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of PUBLISH_OUTCOMES) this.#publishes.inc({ outcome }, 0);
    this.#publishSeconds = new Histogram({
      name: 'holdfast_publish_seconds',
      help: 'From request to answer of a publish.',
      buckets: PUBLISH_SECONDS,
      registers,
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

  added(subscriber: string): void {
    this.#subscribers.add(subscriber);
    for (const outcome of ATTEMPT_OUTCOMES) this.#attempts.inc({ subscriber, outcome }, 0);
    for (const reason of DISCARD_REASONS) this.#discarded.inc({ subscriber, reason }, 0);
    if (this.#relabel() || !this.#labelled) return;
    for (const histogram of this.#histograms) histogram.zero({ subscriber });
  }

  /** Its series end. */
  removed(subscriber: string): void {
    this.#subscribers.delete(subscriber);
    for (const outcome of ATTEMPT_OUTCOMES) this.#attempts.remove({ subscriber, outcome });
    for (const reason of DISCARD_REASONS) this.#discarded.remove({ subscriber, reason });
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

  attempt(subscriber: string, outcome: (typeof ATTEMPT_OUTCOMES)[number], seconds: number): void {
    this.#attempts.inc({ subscriber, outcome });
    this.#attemptSeconds.observe(this.#labels(subscriber), seconds);
  }

  delivered(subscriber: string, seconds: number): void {
    this.#deliverySeconds.observe(this.#labels(subscriber), Math.max(0, seconds));
  }

  discarded(subscriber: string, reason: DiscardReason, records: number): void {
    this.#discarded.inc({ subscriber, reason }, records);
  }

  /** @param seconds from request to answer; undefined: it ended while nobody asked */
  publish(outcome: (typeof PUBLISH_OUTCOMES)[number], seconds?: number): void {
    this.#publishes.inc({ outcome });
    if (seconds !== undefined) this.#publishSeconds.observe(seconds);
  }

  reply(outcome: (typeof REPLY_OUTCOMES)[number]): void {
    this.#replies.inc({ outcome });
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
